package index

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

func textRecord(name, text string) *Record {
	r := &Record{GUID: uuid.MustParse(events.GUIDOf(name)), Name: name, Type: &events.ElementType{Name: "T"}}
	p := events.Props(map[string]any{"description": text})
	state := fmt.Appendf(nil, `{"header":{"guid":%q},"properties":`, r.GUID)
	from := len(state)
	state = append(append(state, p.Raw()...), '}')
	r.Keep(state, from, len(state)-1)
	return r
}

// What is found has to be there still when the texts have been searched.
func TestWhatChangedSinceItWasFoundIsFoundAsItIs(t *testing.T) {
	t.Parallel()
	x := New(nil, slog.New(slog.DiscardHandler))
	var was []*Record
	for i, name := range []string{"same", "changed", "other", "gone"} {
		was = append(was, textRecord(name, "needle"))
		x.Commit(StateChange{Sequence: uint64(i + 1), Record: was[i]})
	}
	changed, other, gone := textRecord("changed", "needle too"), textRecord("other", "thread"), textRecord("gone", "")
	gone.Deleted = true
	x.Commit(StateChange{Sequence: 5, Record: changed}, StateChange{Sequence: 6, Record: other}, StateChange{Sequence: 7, Record: gone})
	if got := x.current(slices.Clone(was), "needle"); !slices.Equal(got, []*Record{was[0], changed}) {
		t.Errorf("got %v", got)
	}
}

// What is related is looked for in the time that there is, and goes on where that ended.
func TestRelatedEndsInItsTime(t *testing.T) {
	t.Parallel()
	types, err := opentypes.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	x := New(types, slog.New(slog.DiscardHandler))
	hub := textRecord("hub", "")
	file := textRecord("file", "")
	x.Commit(StateChange{Sequence: 1, Record: hub}, StateChange{Sequence: 2, Record: file})
	const n = 3 * budgetSteps
	for i := range n {
		l := &Record{
			GUID: uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, i)), Relationship: true, Type: &events.ElementType{Name: "DataFlow"},
			Ends: &Ends{End1: hub.GUID, End2: file.GUID}, text: "{}",
		}
		x.Commit(StateChange{Sequence: uint64(i + 3), Record: l})
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	q := &events.Related{ElementRef: events.ByName("hub"), Relationship: "NestedFile"}
	for pages := 1; ; pages++ {
		a, err := x.Related(over, q, 1<<20)
		if err != nil || len(a.Related) > 0 {
			t.Fatalf("got %+v, %v", a, err)
		}
		if q.After = a.Next; a.Next == "" {
			if pages != n/budgetSteps+1 {
				t.Errorf("it took %d pages", pages)
			}
			return
		}
	}
}
