package repository_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func pump() events.TypeDef {
	return events.TypeDef{
		Kind: events.KindElement, Name: "Pump", SuperType: "Asset", Description: "A pump.",
		Attributes: []events.AttributeDef{{Name: "litresPerMinute", Type: "int", Description: "What it does."}},
	}
}

// Types travel on the bus like any other metadata: whoever reads the out topic
// has them.
func TestTypesAreDefinedOnTheBus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	element := upsert("Pump", "p", map[string]any{"litresPerMinute": 3})
	b.refused(t, element, events.CodeUnknownType, "/element/type", "Pump")
	r := b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump()}}, element)
	if e := b.state(t, "p", r); e == nil || !e.Header.Type.Is("Asset") {
		t.Errorf("got %+v", e)
	}
	if r := b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump()}}); r.Changed {
		t.Errorf("defined again: %+v", r)
	}
	narrow := pump()
	narrow.Attributes[0].Type = "string"
	b.refused(t, &events.DefineTypes{Types: []events.TypeDef{narrow}}, events.CodeConflict, "/types/0/attributes/0/type", "int")

	wider := pump()
	wider.Attributes = append(wider.Attributes, events.AttributeDef{Name: "maker", Type: "string", Description: "Who made it."})
	last := b.must(t, &events.DefineTypes{Types: []events.TypeDef{wider}}, upsert("Pump", "q", map[string]any{"maker": "m"}))

	follower, err := repository.New(repository.Settings{Node: "n2", LeaseKey: "another", Bus: b.bus, Types: looseTypes(t), Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	stop := runtimetest.Run(t, follower.Serve)
	runtimetest.Eventually(t, "the other node catches up", func() bool { return follower.Sequence() >= last.Sequence })
	for _, q := range []events.Find{{Type: "Pump"}, {Type: "Asset"}} {
		if got := b.names(t, q); len(got) != 2 {
			t.Errorf("%s: got %v", q.Type, got)
		}
	}
	stop()
}

func TestTypesAreDefinedAllOrNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	orphan := events.TypeDef{Kind: events.KindElement, Name: "Orphan", SuperType: "Nobody", Description: "Of nobody."}
	r := b.apply(t, &events.DefineTypes{Types: []events.TypeDef{pump(), orphan}})
	if r.Error == nil || r.Error.Pointer != "/types/1/superType" {
		t.Errorf("got %+v", r)
	}
	b.refused(t, upsert("Pump", "p", nil), events.CodeUnknownType, "/element/type", "Pump")
}

func TestTypesAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump()}})
	defined, err := events.Ask(t.Context(), b.metadata, &events.Types{Defined: true, Page: events.Page{MinSequence: r.Sequence}})
	if err != nil || len(defined.Types) != 1 || defined.Types[0].Name != "Pump" || !defined.Types[0].Defined || defined.Sequence < r.Sequence {
		t.Errorf("defined: got %+v, %v", defined, err)
	}
	var names []string
	q := events.Types{Page: events.Page{Limit: 100}}
	for pages := 1; ; pages++ {
		a, err := events.Ask(t.Context(), b.metadata, &q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Types {
			names = append(names, a.Types[i].Name)
			if a.Types[i].Defined != (a.Types[i].Name == "Pump") {
				t.Errorf("%s: defined is %t", a.Types[i].Name, a.Types[i].Defined)
			}
		}
		if q.After = a.Next; a.Next == "" {
			if pages < 2 {
				t.Error("there is one page only")
			}
			break
		}
	}
	var want []string
	for _, typ := range looseTypes(t).All() {
		want = append(want, typ.Name())
	}
	want = append(want, "Pump")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("got %d types, want %d: %v", len(names), len(want), names)
	}
	if _, err := events.Ask(t.Context(), b.metadata, &events.Types{Page: events.Page{Limit: -1}}); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("a negative limit: %v", err)
	}
}

// Listeners to relationships are told of those of subtypes, too.
func TestSubtypesOfRelationshipsAreFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	b.must(t, upsert("Topic", "a", nil), upsert("Topic", "b", nil), upsert("InventoryCatalog", "erp", nil), link("DataFlow", "a", "b", nil),
		&events.LinkExternalID{ExternalID: events.ExternalID{Element: events.ByName("a"), Scope: events.ByName("erp"), Identifier: "1"}},
		link("UltimateDestination", "a", "b", nil), file("last", 1))
	enough := errors.New("enough")
	for name, c := range map[string]struct {
		filter connectors.Filter
		want   []string
	}{
		"changes":      {connectors.Filter{From: 1, Relationships: []string{"LineageRelationship"}}, []string{"DataFlow", "UltimateDestination"}},
		"present":      {connectors.Filter{Present: true, Relationships: []string{"LineageRelationship"}}, []string{"DataFlow", "UltimateDestination"}},
		"beside types": {connectors.Filter{From: 1, Relationships: []string{"LineageRelationship"}, Types: []string{"DataFile"}}, []string{"DataFlow", "UltimateDestination", "DataFile"}},
	} {
		var got []string
		err := b.metadata.Watch(ctx, c.filter, nil, func(_ *bus.Message, change *connectors.Change) error {
			if change.Relationship != nil {
				got = append(got, change.Relationship.State().Header.Type.Name)
			} else {
				got = append(got, change.Element.State().Header.Type.Name)
			}
			if len(got) == len(c.want) {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// Listeners are told of types if they ask for them, and only then.
func TestDefinitionsOfTypesAreFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump()}}, upsert("Pump", "p", nil))
	enough := errors.New("enough")
	for _, c := range []struct {
		filter connectors.Filter
		want   []string
	}{
		{connectors.Filter{From: 1, Changes: []string{connectors.AnyTypeChange, connectors.AnyElementChange}}, []string{"type Pump", "element p"}},
		{connectors.Filter{Present: true, Changes: []string{events.TypeTypeDefined}, Types: []string{"Pump"}}, []string{"type Pump"}},
		{connectors.Filter{From: 1}, []string{"element p"}},
	} {
		var got []string
		err := b.metadata.Watch(t.Context(), c.filter, nil, func(_ *bus.Message, change *connectors.Change) error {
			if change.OpenType != nil {
				got = append(got, "type "+change.OpenType.Type.Name)
			} else {
				got = append(got, "element "+change.Element.Element.Header.QualifiedName)
			}
			if len(got) == len(c.want) {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, %v, want %v", c.filter, got, err, c.want)
		}
	}
}

// TestTypesMayStandBehindWhatRefersToThem: the last definition of a type stands
// behind that of a relationship to it, where it was changed since, and elements
// between them.
func TestTypesMayStandBehindWhatRefersToThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	feeds := events.TypeDef{
		Kind: events.KindRelationship, Name: "PumpFeeds", Description: "Which pump feeds which.",
		End1: &events.EndDef{Type: "Pump", Name: "feeds", Cardinality: events.CardinalityMany}, End2: &events.EndDef{Type: "Pump", Name: "fedBy", Cardinality: events.CardinalityMany},
	}
	wider := pump()
	wider.Attributes = append(wider.Attributes, events.AttributeDef{Name: "maker", Type: "string", Description: "Who made it."})
	last := b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump(), feeds}}, upsert("Pump", "p", nil), &events.DefineTypes{Types: []events.TypeDef{wider}})

	var lines lines
	if said := lines.ofFollower(t, b, looseTypes(t), last.Sequence); strings.Contains(said, "contradicts the types") {
		t.Errorf("logged: %s", said)
	}
}

// TestATypeThatFitsToNoneIsTold: another version of Camena may have defined it on
// what this one does not ship.
func TestATypeThatFitsToNoneIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	odd := events.TypeDef{Kind: events.KindRelationship, Name: "Odd", SuperType: "HoldsTight", Description: "A type of this test."}
	last := b.must(t, &events.DefineTypes{Types: []events.TypeDef{odd}})
	types, err := opentypes.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var lines lines
	said := lines.ofFollower(t, b, types, last.Sequence)
	if strings.Count(said, "contradicts the types") != 1 || !strings.Contains(said, "type=Odd") || !strings.Contains(said, "HoldsTight") {
		t.Errorf("logged: %s", said)
	}
}

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ofFollower returns what another node logs that reads everything.
func (l *lines) ofFollower(t *testing.T, b *bundle, types *opentypes.Registry, last uint64) string {
	t.Helper()
	ready := make(chan struct{})
	follower, err := repository.New(repository.Settings{
		Node: "n2", LeaseKey: "another", Bus: b.bus, Types: types, Logger: slog.New(slog.NewTextHandler(l, nil)),
		Ready: func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := runtimetest.Run(t, follower.Serve)
	<-ready
	stop()
	if follower.Sequence() < last {
		t.Errorf("it has read %d of %d", follower.Sequence(), last)
	}
	return l.String()
}
