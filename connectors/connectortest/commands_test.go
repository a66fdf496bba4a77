package connectortest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// kinds are commands of every kind, one after the other, with the change events
// that they lead to, shortened.
func kinds(t *testing.T) []struct {
	command events.Command
	want    string
} {
	t.Helper()
	good := func(name, text string, marks ...events.Classification) events.ElementSpec {
		return events.ElementSpec{Type: "Good", QualifiedName: name, Properties: events.Props(map[string]any{"displayName": text}), Classifications: marks}
	}
	near := events.RelationshipRef{Type: "Near", End1: events.ByName("a"), End2: events.ByName("b")}
	id := events.ExternalID{Element: events.ByName("a"), Scope: events.ByName("shop"), Identifier: "1"}
	set, err := events.NewChangeSet(upsert("c", 1), link("c", "a"))
	if err != nil {
		t.Fatal(err)
	}
	return []struct {
		command events.Command
		want    string
	}{
		{&events.Create{Element: good("t", "~{it}~", events.Classification{Name: events.Template})}, "element.created"},
		{&events.Upsert{Element: good("a", "A")}, "element.created"},
		{&events.Update{Element: events.ByName("a"), Properties: props(1), Expectation: events.Expectation{ExpectedVersion: 1}}, "element.updated"},
		{&events.FromTemplate{Template: events.ByName("t"), QualifiedName: "b", Placeholders: map[string]string{"it": "B"}}, "element.created relationship.created"},
		{marked("a", "Fresh"), "element.classified"},
		{&events.Declassify{Element: events.ByName("a"), ClassificationName: "Fresh"}, "element.declassified"},
		{&events.Link{Relationship: events.RelationshipSpec{Type: near.Type, End1: near.End1, End2: near.End2}}, "relationship.created"},
		{&events.UpdateRelationship{Relationship: near, Properties: events.Props(map[string]any{"steps": 3})}, "relationship.updated"},
		{&events.Delete{Element: events.ByName("a")}, "relationship.deleted element.deleted"},
		{&events.Restore{Element: events.ByName("a")}, "element.restored relationship.restored"},
		{&events.Unlink{Type: near.Type, End1: near.End1, End2: near.End2}, "relationship.deleted"},
		{&events.Publish{Element: events.ByName("a")}, "element.updated"},
		{&events.Withdraw{Element: events.ByName("a")}, "element.updated"},
		{&events.Rehome{Element: events.ByName("a"), To: "Source::1"}, "element.rehomed"},
		{&events.Rehome{Element: events.ByName("a"), From: "Source::1"}, "element.rehomed"},
		{&events.Upsert{Element: events.ElementSpec{Type: "InventoryCatalog", QualifiedName: "shop"}}, "element.created"},
		{&events.LinkExternalID{ExternalID: id}, "relationship.created element.created relationship.created"},
		{&events.ConfirmSynchronization{ExternalID: id}, "relationship.updated"},
		{&events.UnlinkExternalID{ExternalID: id}, "relationship.deleted element.deleted relationship.deleted"},
		{&events.DefineTypes{Types: []events.TypeDef{{Kind: events.KindElement, Name: "Best", SuperType: "Good", Description: "The best."}}}, "type.defined"},
		{&events.Retype{Element: events.ByName("b"), Type: "Best"}, "element.moved element.retyped relationship.updated"},
		{set, "element.created relationship.created"},
		{&events.Fence{Connector: "c", Generation: 2}, ""},
	}
}

// Whatever may be sent to the real repository may be sent to this one.
func TestEveryKindOfCommand(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	s.repo.SetZones([]string{"shelf"}, []string{"store"})
	for _, c := range kinds(t) {
		before := len(s.repo.Changes())
		dry, err := s.repo.Request(t.Context(), s.dryRun(c.command))
		if err != nil || dry.Error != nil {
			t.Fatalf("%s, to see what would change: %v, %v", c.command.EventType(), dry, err)
		}
		if got := len(s.repo.Changes()); got != before || len(dry.Preview) < len(strings.Fields(c.want)) {
			t.Errorf("%s, to see what would change: %+v, and %d changes", c.command.EventType(), dry, got-before)
		}
		if r := s.request(c.command); r.Error != nil {
			t.Fatalf("%s: %v", c.command.EventType(), r.Error)
		}
		var got []string
		for _, change := range s.repo.Changes()[before:] {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(change.Type, "io.camena."), ".v1"))
		}
		slices.Sort(got)
		if diff := cmp.Diff(strings.Join(got, " "), strings.Join(slices.Sorted(slices.Values(strings.Fields(c.want))), " ")); diff != "" {
			t.Errorf("%s leads to (-got +want):\n%s", c.command.EventType(), diff)
		}
	}
	if e := s.repo.Element("b"); e == nil || e.Header.Type.Name != "Best" || e.Properties.Map()["displayName"] != "B" {
		t.Errorf("b is %+v", e)
	}
	if zones := s.repo.Element("a").Header.Zones; !slices.Equal(zones, []string{"store"}) {
		t.Errorf("a is in %v", zones)
	}
	if r := s.request(&events.Update{Element: events.ByName("a"), Properties: props(2), Expectation: events.Expectation{ExpectedVersion: 1}}); events.CodeOf(errorOf(r)) != events.CodeConflict {
		t.Errorf("another version than expected: %+v", r)
	}
}

func (s *sender) dryRun(c events.Command) events.Event {
	s.Helper()
	e := s.event(c)
	e.SetExtension(events.ExtDryRun, "true")
	return e
}

// What was purged leaves nothing to look back at.
func TestAPurgeLeavesNoHistory(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	s.request(upsert("a", 1))
	was := s.repo.Changes()[0].Time
	s.request(upsert("a", 2))
	s.request(&events.Delete{Element: events.ByName("a"), Method: events.DeletePurge})
	history, err := events.Ask(t.Context(), s.repo, &events.History{ElementRef: events.ByName("a")})
	if err != nil || len(history.Changes) != 1 || history.Changes[0].Type != events.TypeElementDeleted {
		t.Errorf("got %+v, %v", history, err)
	}
	if e, err := events.Ask(t.Context(), s.repo, &events.Get{ElementRef: events.ByName("a"), AsOf: was}); err == nil && e.Element.Header.Versions.Version == 1 {
		t.Errorf("what was is still told: %+v", e)
	}
	if r := s.request(&events.Restore{Element: events.ByName("a")}); r.Error == nil {
		t.Error("what was purged comes back")
	}
}

// Types that contradict those that Camena ships are told by the first command.
func TestTypesThatCannotBe(t *testing.T) {
	t.Parallel()
	repo := connectortest.NewRepository(events.TypeDef{Kind: events.KindElement, Name: "Good", SuperType: "Nobody"})
	s := &sender{T: t, repo: repo}
	if _, err := repo.Request(t.Context(), s.event(upsert("a", 1))); err == nil || !strings.Contains(err.Error(), "Nobody") {
		t.Errorf("got %v", err)
	}
}

// Listeners of definitions of types are told of them, nobody of fences.
func TestFollowTypes(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository()}
	s.request(&events.Fence{Connector: "c", Generation: 1})
	s.request(&events.DefineTypes{Types: shopTypes()})
	s.request(upsert("a", 1))
	for name, c := range map[string]struct {
		changes []string
		want    []uint64
	}{"types": {[]string{connectors.AnyTypeChange}, []uint64{2, 3, 4, 5, 6, 7, 8}}, "others": {nil, []uint64{9}}} {
		ctx, cancel := context.WithCancel(t.Context())
		var got []uint64
		err := s.repo.Follow(ctx, connectors.Filter{From: 1, Changes: c.changes}, func(_ context.Context, change connectors.Change) error {
			if got = append(got, change.Sequence); len(got) == len(c.want) {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
}
