package index_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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
		// That it ended early is seen below; this bound only leaves room for a busy machine.
		if took := time.Since(began); took > 10*time.Second {
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

// A count takes over what is new, as finding does.
func TestCountKnowsNewTexts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(t, topicNamed("needle"))
	if a, err := d.index.Count(t.Context(), &events.Find{Text: "needle"}); err != nil || a.Elements["Topic"] != 1 {
		t.Errorf("got %+v, %v", a, err)
	}
}
