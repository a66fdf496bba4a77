package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// Related returns a page of the relationships of an element and of the elements
// at their other ends, in at most room bytes. It may hold fewer than asked for, and
// go on: an element can have very many relationships of other types.
func (x *Index) Related(ctx context.Context, q *events.Related, room int) (RelatedAnswer, error) {
	after, err := checkRelated(x.Types(), q)
	if err != nil {
		return RelatedAnswer{}, err
	}
	// The sequence is read first: what the answer holds is at least of it.
	sequence, _ := x.Reached()
	from, err := element(x, q.ElementRef, "")
	if err != nil {
		return RelatedAnswer{}, err
	}
	p, more, budget := newPage[RelatedPair](q.Page, room), false, newBudget(ctx)
	for l := range x.links(from.guid, after) {
		far := x.far(l, from.guid, q.End)
		if far == nil || q.Relationship != "" && !l.typ.Is(q.Relationship) || !l.row().Visible(q.EffectiveAt, true) ||
			!far.row().Visible(q.EffectiveAt, q.IncludeArchived) {
			if p.next = l.guid.String(); budget.spent() {
				more = true
				break
			}
			continue
		}
		if more = !p.add(RelatedPair{Relationship: l.state(), Element: far.state()}, len(l.text)+len(far.text), l.guid.String()); more {
			break
		}
	}
	items, next := p.answer(more)
	return RelatedAnswer{Sequence: sequence, Related: items, Next: next}, nil
}

// checkRelated returns the guid of the relationship that a page begins behind.
func checkRelated(types *opentypes.Registry, q *events.Related) (after guid, err error) {
	if q.End < 0 || q.End > 2 {
		return after, events.Errorf(events.CodeInvalid, "/end", "%d: use 1, 2, or 0 for both", q.End)
	}
	if q.Relationship != "" {
		if _, err := types.Relationship(q.Relationship, "/relationship"); err != nil {
			return after, err
		}
	}
	if q.After != "" {
		if after, err = uuid.Parse(q.After); err != nil {
			return after, events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer gave as next", q.After)
		}
	}
	return after, nil
}

// linksAtATime is how many relationships are read while nothing is written.
const linksAtATime = 512

// links yields the relationships of an element, in the order of their guids,
// behind one.
func (x *Index) links(element, after guid) func(yield func(*record) bool) {
	return func(yield func(*record) bool) {
		for {
			some := x.someLinks(element, after)
			for _, l := range some {
				if !yield(l) {
					return
				}
			}
			if len(some) < linksAtATime {
				return
			}
			after = some[len(some)-1].guid
		}
	}
}

func (x *Index) someLinks(element, after guid) (links []*record) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.ends.Ascend(end{element: element, link: &record{guid: after}}, func(e end) bool {
		if e.element != element {
			return false
		}
		if e.link.guid != after {
			links = append(links, e.link)
		}
		return len(links) < linksAtATime
	})
	return links
}

// far returns the element at the other end of a relationship, nil if from is
// not at the end asked for, or it was deleted meanwhile.
func (x *Index) far(l *record, from guid, end int) *record {
	other := l.across(from, end)
	if other == uuid.Nil {
		return nil
	}
	return x.get(other)
}

// across returns the element at the other end, if from is at the end asked for.
func (r *record) across(from guid, end int) guid {
	switch {
	case r.end1 == from && end != 2:
		return r.end2
	case r.end2 == from && end != 1:
		return r.end1
	default:
		return uuid.Nil
	}
}
