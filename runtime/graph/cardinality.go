package graph

import (
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// typeLineage is the super type of data and control flow. It may lead to archived
// elements, as lineage tells what was.
const typeLineage = "LineageRelationship"

// checkLive refuses a new relationship of an archived element.
func checkLive(typ *opentypes.Type, end1, end2 *index.Record) error {
	switch {
	case typ.Is(typeLineage):
		return nil
	case end1.Archived:
		return errArchived(end1, "/relationship/end1")
	case end2.Archived:
		return errArchived(end2, "/relationship/end2")
	}
	return nil
}

// replaceEnd checks that the type allows one more relationship of both elements. It
// removes a relationship of the scope that is being reconciled: the connector sees the
// new one in its place and would remove the old one at the end.
func (t *transaction) replaceEnd(typ *opentypes.Type, end1, end2 *index.Record) error {
	for _, c := range cardinalityConflicts(t.view(), typ, end1, end2) {
		if r := c.link; t.q.Scope == "" || r.Scope() != t.q.Scope || r.Source() != t.q.Source {
			return events.Errorf(events.CodeConflict, c.pointer, "%s has %s already, %s; it can have only one at this end", c.of.Name, opentypes.Article(r.Type.Name), r.GUID)
		}
		t.emit(removal(c.link, false))
	}
	return nil
}

// fitsCardinality reports whether the type allows one more relationship of both
// elements.
func (t *transaction) fitsCardinality(typ *opentypes.Type, end1, end2 *index.Record) bool {
	if !typ.MultiLink() && onlyBetween(t.view(), typ, end1.GUID, end2.GUID) != nil {
		return false
	}
	return len(cardinalityConflicts(t.view(), typ, end1, end2)) == 0
}

// cardinalityConflict is a relationship of an element that allows no other.
type cardinalityConflict struct {
	link, of *index.Record
	pointer  string // to the end of the new relationship
}

func cardinalityConflicts(v view, typ *opentypes.Type, end1, end2 *index.Record) (all []cardinalityConflict) {
	for _, r := range limitedLinks(v, end2.GUID, typ, 1) {
		all = append(all, cardinalityConflict{link: r, of: end2, pointer: "/relationship/end1"})
	}
	for _, r := range limitedLinks(v, end1.GUID, typ, 2) {
		if !slices.ContainsFunc(all, func(c cardinalityConflict) bool { return c.link == r }) {
			all = append(all, cardinalityConflict{link: r, of: end1, pointer: "/relationship/end2"})
		}
	}
	return all
}

// limitedLinks returns the relationships of an element, of a type or its super and
// subtypes, if these allow only one at an end. Those of archived elements do not count.
func limitedLinks(v view, element guid, typ *opentypes.Type, end int) []*index.Record {
	limit := typ.Limit(end)
	if limit == "" {
		return nil
	}
	return slices.DeleteFunc(v.Group(index.LinksOf(element)), func(r *index.Record) bool {
		if !r.Type.Is(limit) {
			return true
		}
		there := v.ByGUID(r.Across(element, 3-end)) // nil if the element is at the same end
		return there == nil || there.Archived
	})
}

// replaceEnds removes the relationships of unarchived elements that others have
// replaced meanwhile. These changes come first, at begin: if a crash cuts very many
// changes in two, nothing would look again at elements that are back already.
func (t *transaction) replaceEnds(begin int) {
	if len(t.unarchived) == 0 {
		return
	}
	back := t.unarchived
	t.unarchived = nil
	var removals []change
	for _, r := range back {
		if t.view().ByGUID(r.GUID) != r {
			continue // changed again by a step that has seen to it
		}
		for _, l := range t.view().Group(index.LinksOf(r.GUID)) {
			if exceedsCardinality(t.view(), l, r.GUID) {
				t.dropped(l.Type.Name + " " + nameAt(t.view(), l.End1) + arrow + nameAt(t.view(), l.End2))
				removals = append(removals, removal(l, false))
				t.own.add(removals[len(removals)-1:])
			}
		}
	}
	t.changes = slices.Insert(t.changes, begin, removals...)
	t.visible = len(t.changes)
}

func nameAt(v view, id guid) string {
	if r := v.ByGUID(id); r != nil {
		return r.Name
	}
	return id.String()
}

// exceedsCardinality reports whether the element at the other end of a relationship
// has another one instead.
func exceedsCardinality(v view, l *index.Record, back guid) bool {
	typ, err := v.Types().Relationship(l.Type.Name, "")
	if err != nil {
		return false // the type is not known any more
	}
	other := func(r *index.Record) bool { return r.GUID != l.GUID }
	return l.End1 == back && slices.ContainsFunc(limitedLinks(v, l.End2, typ, 1), other) ||
		l.End2 == back && slices.ContainsFunc(limitedLinks(v, l.End1, typ, 2), other)
}
