package graph

import (
	"cmp"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// delete removes an element and what is anchored to it.
func (t *transaction) delete(c *events.Delete) error {
	old, err := index.Element(t.view(), c.Element, "/element")
	if events.CodeOf(err) == events.CodeNotFound {
		return expect(c.Expectation, nil, cmp.Or(c.Element.GUID, c.Element.QualifiedName))
	}
	if err != nil {
		return err
	}
	if err := cmp.Or(expect(c.Expectation, old, ""), t.mayChange(old)); err != nil {
		return err
	}
	family := familyOf(t.view(), old)
	if !c.Cascade {
		if err := checkNoCascade(old, family); err != nil {
			return err
		}
	}
	switch c.Method {
	case events.DeleteArchive:
		return t.archive(family, c.ArchiveProcess)
	case events.DeletePurge:
		// Identifiers come first: if a crash cuts a large purge in two, the rest is
		// found again from the element.
		t.remove(t.orphanedIdentifiers(family), true)
		t.remove(family, true)
	default:
		t.remove(family, false)
	}
	t.result.GUID = old.GUID.String()
	return nil
}

// checkNoCascade refuses to delete an element to which others are anchored that are
// not archived.
func checkNoCascade(root *index.Record, family []*index.Record) error {
	members := slices.DeleteFunc(slices.Clone(family), func(r *index.Record) bool { return r.Archived || r == root })
	if len(members) == 0 {
		return nil
	}
	return events.Errorf(events.CodeConflict, "/cascade", "elements are anchored to %s (%d, such as %s): delete them first, or cascade",
		root.Name, len(members), members[0].Name)
}

// familyOf returns the elements that are anchored to an element, directly or not, and
// last the element itself: if a crash cuts a large deletion in two, the rest is found
// again from the element.
func familyOf(v view, root *index.Record) []*index.Record {
	family, seen := []*index.Record{root}, map[guid]bool{root.GUID: true}
	for i := 0; i < len(family); i++ {
		for _, r := range sortByGUID(v.Group(index.AnchoredTo(family[i].GUID))) {
			if !seen[r.GUID] {
				seen[r.GUID] = true
				family = append(family, r)
			}
		}
	}
	slices.Reverse(family)
	return family
}

// remove deletes elements, their relationships first, so that no reader ever sees a
// relationship without an end.
func (t *transaction) remove(family []*index.Record, purge bool) {
	var links []*index.Record
	for _, r := range family {
		links = append(links, t.view().Group(index.LinksOf(r.GUID))...)
	}
	for _, r := range append(sortByGUID(links), family...) {
		t.emit(removal(r, purge))
	}
}

// removal returns the change that deletes a record; a purge leaves only its guid and
// type.
func removal(old *index.Record, purge bool) change {
	c := change{
		eventType: events.TypeElementDeleted, data: removed(old.State()), StateChange: index.StateChange{Record: old.Deletion(), Purged: purge},
	}
	if old.Relationship {
		c.eventType = events.TypeRelationshipDeleted
	}
	if purge {
		c.data = purgedData(old)
	}
	return c
}

// archive classifies elements as Memento; the last one is the root.
func (t *transaction) archive(family []*index.Record, process string) error {
	properties := map[string]any{"archiveDate": t.q.Time.Format(time.RFC3339Nano), "archiveUser": t.q.Actor}
	if process != "" {
		properties["archiveProcess"] = process
	}
	memento := events.Classification{Name: events.Memento, Properties: events.Props(properties)}
	root := family[len(family)-1]
	if err := checkClassification(t.view().Types(), root.Type, &memento, false, ""); err != nil {
		return events.Errorf(events.CodeConflict, "/method", "%s cannot be archived: %s", root.Name, messageOf(err))
	}
	present := slices.DeleteFunc(family, func(r *index.Record) bool { return r.Archived })
	err := t.putAll(present, events.TypeElementClassified, &memento)
	t.is(t.view().ByGUID(root.GUID))
	return err
}
