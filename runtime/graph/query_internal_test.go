package graph

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// A question ends in its time, however large the elements are that it looks at, and
// says so where the answer is not whole.
func TestAQuestionEndsInItsTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 100 {
		u := topicNamed(fmt.Sprint("big", i))
		u.Element.Properties = events.Props(map[string]any{"description": strings.Repeat("ab ", 20_000), "displayName": "needle"})
		d.must(t, u)
	}
	var slow events.Condition
	for range 50 {
		slow.Or = append(slow.Or, events.Compare("description", events.OpMatches, "(a|b)[ab ]*c[ab ]*(a|b)z"))
	}
	for name, q := range map[string]events.Find{
		"by name": {Where: &slow}, "sorted": {Where: &slow, Sort: []events.SortKey{{Property: "displayName"}}},
		"by text": {Where: &slow, Text: "needle"}, "turned around": {Where: &events.Condition{Not: &slow}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		a, err := d.index.Find(ctx, &q, 1<<20)
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		if events.CodeOf(err) != events.CodeUnavailable && a.Next == "" {
			t.Errorf("%s: got %d elements, %v, as if these were all", name, len(a.Elements), err)
		}
		if _, err := d.index.Count(ctx, &q); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("%s: counted, %v", name, err)
		}
		cancel()
	}
}

// What is related is looked for in the time that there is, and goes on where that ended.
func TestRelatedEndsInItsTime(t *testing.T) {
	t.Parallel()
	x := newIndex(newTypeSet(newDesk(t).index.Types(), nil))
	hub := textRecord("hub", "")
	file := textRecord("file", "")
	x.Commit(StateChange{sequence: 1, record: hub}, StateChange{sequence: 2, record: file})
	const n = 3 * budgetSteps
	for i := range n {
		l := &record{
			guid: uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, i)), relationship: true, typ: &events.ElementType{Name: "DataFlow"},
			connected: &connected{end1: hub.guid, end2: file.guid}, text: "{}",
		}
		x.Commit(StateChange{sequence: uint64(i + 3), record: l})
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
