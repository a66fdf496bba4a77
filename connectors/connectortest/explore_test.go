package connectortest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

func element(name string, properties map[string]any, marks ...string) *events.Upsert {
	u := &events.Upsert{Element: events.ElementSpec{Type: "DataFile", QualifiedName: name, Properties: events.Props(properties)}}
	for _, m := range marks {
		u.Element.Classifications = append(u.Element.Classifications, events.Classification{Name: m})
	}
	return u
}

func flow(from, to string) *events.Link {
	return &events.Link{Relationship: events.RelationshipSpec{Type: "DataFlow", End1: events.ByName(from), End2: events.ByName(to)}}
}

// A Context asks the repository in memory what it asks the real one.
func TestAContextExplores(t *testing.T) {
	t.Parallel()
	r := connectortest.NewRepository()
	c := connectors.NewContext(r.Settings(events.Definition{ID: "c", Name: "c"}))
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	for _, command := range []events.Command{
		element("a", map[string]any{"size": 3}), element("b", map[string]any{"size": 1}),
		element("c", map[string]any{"size": 2, "displayName": "See"}), element("d", nil, "Impact"),
		flow("a", "b"), flow("b", "c"), flow("c", "a"), flow("d", "c"), &events.Delete{Element: events.ByName("b"), Method: events.DeleteArchive},
	} {
		if _, err := c.Apply(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	larger := events.Compare("size", events.OpGreater, 1)
	for want, q := range map[string]events.Find{
		"a c d": {}, "a b c d": {IncludeArchived: true}, "c a": {Where: &larger, Sort: []events.SortKey{{Property: "size"}}},
		"a c": {Where: &larger, Sort: []events.SortKey{{Property: "size", Descending: true}}},
		"d":   {Classification: "Impact"}, "c": {Text: "SEE"},
	} {
		for _, limit := range []int{0, 1} {
			q.Limit = limit
			var names []string
			for e, err := range events.All(t.Context(), c, &q) {
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, e.Header.QualifiedName)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%+v: got %s, want %s", q, got, want)
			}
		}
	}
	count, err := events.Ask(t.Context(), c, &events.Count{Find: events.Find{Where: &larger}})
	if err != nil || count.Elements["DataFile"] != 2 {
		t.Errorf("got %+v, %v", count, err)
	}
	nodes := func(a events.GraphAnswer, err error) (names []string) {
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range a.Nodes {
			names = append(names, n.Element.Header.QualifiedName)
		}
		slices.Sort(names)
		return names
	}
	if got := nodes(events.Ask(t.Context(), c, &events.Graph{ElementRef: events.ByName("a"), Depth: 5})); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("around a: %v", got)
	}
	if got := nodes(events.Ask(t.Context(), c, &events.Lineage{ElementRef: events.ByName("b"), Direction: events.Upstream, Depth: 1})); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("upstream of b: %v", got)
	}
	if got := nodes(events.Ask(t.Context(), c, &events.Lineage{ElementRef: events.ByName("d")})); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("lineage of d: %v", got)
	}
}

func TestAContextLooksBack(t *testing.T) {
	t.Parallel()
	r := connectortest.NewRepository()
	c := connectors.NewContext(r.Settings(events.Definition{ID: "c", Name: "c"}))
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	for i := range 5 {
		if _, err := c.Apply(t.Context(), element("a", map[string]any{"size": i})); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Apply(t.Context(), &events.Delete{Element: events.ByName("a")}); err != nil {
		t.Fatal(err)
	}
	history, err := events.Ask(t.Context(), c, &events.History{ElementRef: events.ByName("a")})
	if err != nil || len(history.Changes) != 6 {
		t.Fatalf("got %+v, %v", history, err)
	}
	for i, change := range history.Changes[:5] {
		a, err := events.Ask(t.Context(), c, &events.Get{ElementRef: events.ByName("a"), AsOf: change.Time})
		if err != nil {
			t.Fatal(err)
		}
		if size, _ := events.Property[int](a.Element.Properties, "size"); size != i {
			t.Errorf("change %d: got %d", i, size)
		}
	}
	for _, at := range []time.Time{history.Changes[0].Time.Add(-time.Second), history.Changes[5].Time} {
		if a, err := events.Ask(t.Context(), c, &events.Get{ElementRef: events.ByName("a"), AsOf: at}); err == nil {
			t.Errorf("at %s: got %+v", at, a)
		}
	}
}

// Whatever can be asked of one element or relationship, a Context asks.
func TestAContextGets(t *testing.T) {
	t.Parallel()
	r := connectortest.NewRepository(shopTypes()...)
	c := connectors.NewContext(r.Settings(events.Definition{ID: "c", Name: "c"}))
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	ends := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	old := element("a", nil)
	old.Element.Effectivity = &events.Effectivity{To: ends}
	link := flow("a", "b")
	link.Relationship.GUID = ownGUID
	for _, command := range []events.Command{old, element("b", nil), link} {
		if _, err := c.Apply(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	ref := events.ByName("a")
	if a, err := events.Ask(t.Context(), c, &events.Get{ElementRef: ref, EffectiveAt: ends.Add(-1)}); err != nil || a.Element == nil {
		t.Errorf("while it counts: %+v, %v", a, err)
	}
	_, ended := events.Ask(t.Context(), c, &events.Get{ElementRef: ref, EffectiveAt: ends})
	if events.CodeOf(ended) != events.CodeNotFound || !strings.Contains(ended.Error(), "does not count") {
		t.Errorf("when it counts no more: %v", ended)
	}
	if a, err := events.Ask(t.Context(), c, &events.Get{ElementRef: events.ByGUID(ownGUID)}); err != nil || a.Relationship.End2.QualifiedName != "b" {
		t.Errorf("the relationship: %+v, %v", a.Relationship, err)
	}
	for what, err := range map[string]error{
		"a relationship as an element": ignore(c.Element(t.Context(), events.ByGUID(ownGUID))),
		"neither":                      ignore(c.Element(t.Context(), events.ByGUID(guid1))),
	} {
		if events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	var names []string
	for def, err := range events.All(t.Context(), c, &events.Types{Page: events.Page{Limit: 100}}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, def.Name)
	}
	if !slices.IsSorted(names) || !slices.Contains(names, "Good") || !slices.Contains(names, "DataFlow") {
		t.Errorf("the types: %q", names)
	}
}

func ignore[T any](_ T, err error) error { return err }

// What is in no zone is in all of them for who listens to a zone, but nobody has
// put it there for who searches one.
func TestZonesOfSearchAndOfListeners(t *testing.T) {
	t.Parallel()
	r := connectortest.NewRepository()
	c := connectors.NewContext(r.Settings(events.Definition{ID: "c", Name: "c"}))
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	in := func(name string, zones ...string) *events.Upsert {
		u := element(name, nil)
		u.Element.Zones = zones
		return u
	}
	for _, command := range []events.Command{in("in", "z"), in("other", "y"), in("none"), flow("in", "other")} {
		if _, err := c.Apply(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	var found, told []string
	for e, err := range events.All(t.Context(), c, &events.Find{Zone: "z"}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, e.Header.QualifiedName)
	}
	filter := connectors.Filter{Zones: []string{"z"}}
	for _, change := range r.Changes() {
		switch {
		case !filter.Matches(&change):
		case change.Relationship != nil:
			told = append(told, change.Relationship.Relationship.Header.Type.Name)
		default:
			told = append(told, change.Element.Element.Header.QualifiedName)
		}
	}
	if got := strings.Join(found, " "); got != "in" {
		t.Errorf("found %s", got)
	}
	if got := strings.Join(told, " "); got != "in none DataFlow" {
		t.Errorf("told of %s", got)
	}
}
