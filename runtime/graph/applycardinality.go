package graph

import (
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// typeLineage is the super type of what data and control flow through. It may
// lead to what is archived, as that is what was.
const typeLineage = "LineageRelationship"

// checkPresent refuses to relate what is archived anew.
func checkPresent(typ *opentypes.Type, end1, end2 *record) error {
	if typ.Is(typeLineage) {
		return nil
	}
	for i, r := range [2]*record{end1, end2} {
		if r.archived {
			return events.Errorf(events.CodeConflict, [2]string{"/relationship/end1", "/relationship/end2"}[i], "%s is archived; restore it first", r.name)
		}
	}
	return nil
}

// makeRoom checks that the type allows one more relationship of both elements. A
// relationship of the scope that is being reconciled gives way: the connector
// sees the new one instead, and would remove the other at the end.
func (s *stage) replaceEnd(q *Request, typ *opentypes.Type, end1, end2 *record) error {
	for _, o := range s.cardinalityConflicts(typ, end1, end2) {
		if r := o.link; q.Scope == "" || r.scope() != q.Scope || r.source() != q.Source {
			return events.Errorf(events.CodeConflict, "/relationship/"+o.end,
				"%s has %s already, %s; it can have only one at this end", o.of.name, article(r.typ.Name), r.guid)
		}
		s.take(Outcome{changes: []change{removal(o.link, events.TypeRelationshipDeleted)}})
	}
	return nil
}

// hasRoom reports whether the type allows one more relationship of both elements.
func (s *stage) fitsCardinality(typ *opentypes.Type, end1, end2 *record) bool {
	if !typ.MultiLink() && onlyBetween(s.view, typ, end1.guid, end2.guid) != nil {
		return false
	}
	return len(s.cardinalityConflicts(typ, end1, end2)) == 0
}

// obstacle is a relationship that leaves no room for another one.
type cardinalityConflict struct {
	link, of *record
	end      string
}

// inTheWay finds the relationships that leave no room for one more, where the
// type allows but one.
func (s *stage) cardinalityConflicts(typ *opentypes.Type, end1, end2 *record) (all []cardinalityConflict) {
	for _, r := range s.related(end2.guid, typ, 1) {
		all = append(all, cardinalityConflict{link: r, of: end2, end: "end1"})
	}
	for _, r := range s.related(end1.guid, typ, 2) {
		if !slices.ContainsFunc(all, func(o cardinalityConflict) bool { return o.link == r }) {
			all = append(all, cardinalityConflict{link: r, of: end1, end: "end2"})
		}
	}
	return all
}

// related returns, where an element can be related to but one at an end, by a
// type and its super and subtypes, the relationships by which it is; but for those
// to what is archived.
func (s *stage) related(element guid, typ *opentypes.Type, end int) []*record {
	limit := typ.Limit(end)
	if limit == "" {
		return nil
	}
	return slices.DeleteFunc(s.view.linked(element), func(r *record) bool {
		if !r.typ.Is(limit) {
			return true
		}
		there := s.view.get(r.across(element, 3-end)) // nil if the element is at the same end
		return there == nil || there.archived
	})
}

// giveWay removes the relationships of elements that are archived no more for which
// there is no room any more: others have taken their place meanwhile. They go before
// the elements come back: should a crash cut very many in two, nobody would look at
// those again that are back already.
func (a *applier) replaceEnds(v view, o Outcome) Outcome {
	if !slices.ContainsFunc(o.changes, func(c change) bool { return c.eventType == events.TypeElementRestored }) {
		return o
	}
	s := a.stage(v)
	s.view.add(o.changes)
	for _, r := range s.unarchived(v, o.changes) {
		for _, l := range s.view.linked(r.guid) {
			if s.exceedsCardinality(l, r.guid) {
				addDropped(&o.Result, l.typ.Name+" "+nameAt(s.view, l.end1)+arrow+nameAt(s.view, l.end2))
				s.take(Outcome{changes: []change{removal(l, events.TypeRelationshipDeleted)}})
			}
		}
	}
	if len(s.all.changes) > 0 {
		o.changes = slices.Concat(s.all.changes, o.changes)
	}
	return o
}

// broughtBack returns the elements that changes take from the archive, but for those
// that others of them change again: what several commands do, each has seen to.
func (s *stage) unarchived(was view, changes []change) (back []*record) {
	for i := range changes {
		c := &changes[i]
		if c.eventType != events.TypeElementRestored || c.record.archived || s.view.get(c.record.guid) != c.record {
			continue
		}
		if old := was.get(c.record.guid); old != nil && old.archived {
			back = append(back, c.record)
		}
	}
	return back
}

func nameAt(v view, id guid) string {
	if r := v.get(id); r != nil {
		return r.name
	}
	return id.String()
}

// displaced reports whether the element at the other end of a relationship has
// another one instead.
func (s *stage) exceedsCardinality(l *record, back guid) bool {
	typ, err := s.view.registry().Relationship(l.typ.Name, "")
	if err != nil {
		return false // of a type that is not known any more
	}
	other := func(r *record) bool { return r.guid != l.guid }
	return l.end1 == back && slices.ContainsFunc(s.related(l.end2, typ, 1), other) ||
		l.end2 == back && slices.ContainsFunc(s.related(l.end1, typ, 2), other)
}
