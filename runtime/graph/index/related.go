package index

import (
	"context"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// Related returns a page of the relationships of an element and of the elements
// at their other ends, in at most room bytes. A page may hold fewer
// than its limit and still have a next one: an element can have very many
// relationships of other types.
func (x *Index) Related(ctx context.Context, q *events.Related, room int) (RelatedAnswer, error) {
	after, err := checkRelated(x.Types(), q)
	if err != nil {
		return RelatedAnswer{}, err
	}
	// The sequence is read first: what the answer holds is at least of it.
	sequence, _ := x.Reached()
	from, err := Element(x, q.ElementRef, "")
	if err != nil {
		return RelatedAnswer{}, err
	}
	p, more, budget := newPage[RelatedPair](q.Page, room), false, newBudget(ctx)
	for l := range x.links(from.GUID, after) {
		far := x.far(l, from.GUID, q.End)
		if far == nil || q.Relationship != "" && !l.Type.Is(q.Relationship) || !l.row().Visible(q.EffectiveAt, true) ||
			!far.row().Visible(q.EffectiveAt, q.IncludeArchived) {
			if p.next = l.GUID.String(); budget.spent() {
				more = true
				break
			}
			continue
		}
		if more = !p.add(RelatedPair{Relationship: l.State(), Element: far.State()}, len(l.text)+len(far.text), l.GUID.String()); more {
			break
		}
	}
	items, next := p.answer(more)
	return RelatedAnswer{Sequence: sequence, Related: items, Next: next}, nil
}

// checkRelated returns the guid of the relationship after which the page starts.
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

// linksAtATime bounds the relationships that are read under one lock.
const linksAtATime = 512

// links yields the relationships of an element after one, in the order of their
// guids.
func (x *Index) links(element, after guid) func(yield func(*Record) bool) {
	return func(yield func(*Record) bool) {
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
			after = some[len(some)-1].GUID
		}
	}
}

func (x *Index) someLinks(element, after guid) (links []*Record) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.ascend(LinksOf(element), after, func(l *Record) bool {
		links = append(links, l)
		return len(links) < linksAtATime
	})
	return links
}

// far returns the element at the other end of a relationship; nil if from is not at
// the given end, or the other element is deleted.
func (x *Index) far(l *Record, from guid, end int) *Record {
	other := l.Across(from, end)
	if other == uuid.Nil {
		return nil
	}
	return x.ByGUID(other)
}

// Across returns the guid of the element at the other end if from is at the given end,
// 0 for any; otherwise [uuid.Nil].
func (r *Record) Across(from guid, end int) uuid.UUID {
	switch {
	case r.End1 == from && end != 2:
		return r.End2
	case r.End2 == from && end != 1:
		return r.End1
	default:
		return uuid.Nil
	}
}
