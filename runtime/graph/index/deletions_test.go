package index_test

import (
	"testing"

	"github.com/camena-io/camena/events"
)

// One command can delete elements whose anchors lead in a circle: one of them was
// deleted and made anew, and then the other one anchored to it.
func TestExhumeEndsWhereAnchorsLeadInACircle(t *testing.T) {
	t.Parallel()
	l := &told{desk: newDesk(t)}
	anchored := func(name, anchor string) *events.Upsert {
		u := topicNamed(name)
		u.Element.Anchor = events.ByName(anchor)
		return u
	}
	gone := func(name string) *events.Delete { return &events.Delete{Element: events.ByName(name)} }
	set, err := events.NewChangeSet(gone("a"), topicNamed("a"), anchored("b", "a"), gone("b"), gone("c"))
	if err != nil {
		t.Fatal(err)
	}
	l.must(t, topicNamed("b"), anchored("a", "b"), topicNamed("c"), set)
	for name, want := range map[string]int{"c": 1, "b": 2} {
		deletions, err := l.index.LoadDeleted(t.Context(), l, &events.Restore{Element: events.ByName(name)})
		if got := deletions[events.ElementKey(events.ByName(name))]; err != nil || len(got) != want || got[want-1].Name != name {
			t.Errorf("with %s came %v, %v", name, got, err)
		}
	}
}
