package graph

import (
	"cmp"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
)

// delete removes an element and what is anchored to it.
func (t *transaction) delete(c *events.Delete) error {
	old, err := element(t.view(), c.Element, "/element")
	if events.CodeOf(err) == events.CodeNotFound {
		return expect(c.Expectation, nil, nameOf(c.Element))
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
	t.result.GUID = old.guid.String()
	return nil
}

// checkNoCascade refuses to delete an element to which others are anchored that are
// not archived.
func checkNoCascade(root *record, family []*record) error {
	members := slices.DeleteFunc(slices.Clone(family), func(r *record) bool { return r.archived || r == root })
	if len(members) == 0 {
		return nil
	}
	return events.Errorf(events.CodeConflict, "/cascade", "elements are anchored to %s (%d, such as %s): delete them first, or cascade",
		root.name, len(members), members[0].name)
}

// familyOf returns the elements that are anchored to an element, directly or not, and
// last the element itself: if a crash cuts a large deletion in two, the rest is found
// again from the element.
func familyOf(v view, root *record) []*record {
	family, seen := []*record{root}, map[guid]bool{root.guid: true}
	for i := 0; i < len(family); i++ {
		for _, r := range sortByGUID(v.group(AnchoredTo(family[i].guid))) {
			if !seen[r.guid] {
				seen[r.guid] = true
				family = append(family, r)
			}
		}
	}
	slices.Reverse(family)
	return family
}

// remove deletes elements, their relationships first, so that no reader ever sees a
// relationship without an end.
func (t *transaction) remove(family []*record, purge bool) {
	var links []*record
	for _, r := range family {
		links = append(links, t.view().group(LinksOf(r.guid))...)
	}
	for _, r := range append(sortByGUID(links), family...) {
		t.emit(removal(r, purge))
	}
}

// removal returns the change that deletes a record; a purge leaves only its guid and
// type.
func removal(old *record, purge bool) change {
	c := change{eventType: events.TypeElementDeleted, record: old.deletion(), purged: purge, data: removed(old.state())}
	if old.relationship {
		c.eventType = events.TypeRelationshipDeleted
	}
	if purge {
		c.data = purgedData(old)
	}
	return c
}

// archive classifies elements as Memento; the last one is the root.
func (t *transaction) archive(family []*record, process string) error {
	properties := map[string]any{"archiveDate": t.q.Time.Format(time.RFC3339Nano), "archiveUser": t.q.Actor}
	if process != "" {
		properties["archiveProcess"] = process
	}
	memento := events.Classification{Name: events.Memento, Properties: events.Props(properties)}
	root := family[len(family)-1]
	if err := checkClassification(t.view().Types(), root.typ, &memento, false, ""); err != nil {
		return events.Errorf(events.CodeConflict, "/method", "%s cannot be archived: %s", root.name, messageOf(err))
	}
	for _, r := range family {
		if r.archived {
			continue
		}
		e, err := r.element()
		if err != nil {
			return err
		}
		setClassification(e, &memento)
		if err := t.put(r, e, events.TypeElementClassified, events.Memento); err != nil {
			return err
		}
	}
	t.is(t.view().get(root.guid))
	return nil
}
