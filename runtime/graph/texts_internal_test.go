package graph

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

func textRecord(name, text string) *record {
	r := &record{guid: uuid.MustParse(events.GUIDOf(name)), name: name, typ: &events.ElementType{Name: "T"}}
	p := events.Props(map[string]any{"description": text})
	state := fmt.Appendf(nil, `{"header":{"guid":%q},"properties":`, r.guid)
	from := len(state)
	state = append(append(state, p.Raw()...), '}')
	r.keep(state, from, len(state)-1)
	return r
}

// What is found has to be there still when the texts have been searched.
func TestWhatChangedSinceItWasFoundIsFoundAsItIs(t *testing.T) {
	t.Parallel()
	x := newIndex(newTypeSet(nil, nil))
	var was []*record
	for i, name := range []string{"same", "changed", "other", "gone"} {
		was = append(was, textRecord(name, "needle"))
		x.Commit(StateChange{sequence: uint64(i + 1), record: was[i]})
	}
	changed, other, gone := textRecord("changed", "needle too"), textRecord("other", "thread"), textRecord("gone", "")
	gone.deleted = true
	x.Commit(StateChange{sequence: 5, record: changed}, StateChange{sequence: 6, record: other}, StateChange{sequence: 7, record: gone})
	if got := x.current(slices.Clone(was), "needle"); !slices.Equal(got, []*record{was[0], changed}) {
		t.Errorf("got %v", got)
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
