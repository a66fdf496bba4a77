package graph

import (
	"cmp"
	"slices"

	"github.com/camena-io/camena/events"
)

// restore brings back an element and what was deleted or archived with it.
func (t *transaction) restore(c *events.Restore) error {
	old, err := element(t.view(), c.Element, "/element")
	switch {
	case err == nil && old.archived:
		return t.unarchive(old)
	case err == nil:
		t.is(old)
		return nil
	case events.CodeOf(err) != events.CodeNotFound:
		return err
	}
	family := t.q.Deletions[guidOf(c.Element)]
	if len(family) == 0 {
		return errNotRestorable(t.view(), c.Element)
	}
	root := family[len(family)-1]
	if err := cmp.Or(t.mayChange(root), t.checkAnchorRestored(root)); err != nil {
		return err
	}
	return t.restoreAll(family)
}

// checkAnchorRestored refuses to restore an element before its anchor, if that can be
// restored: the element would lose it.
func (t *transaction) checkAnchorRestored(r *record) error {
	if anchor := t.view().get(r.anchor); anchor != nil && !anchor.relationship {
		if r.archived {
			return nil // it returns to the archive
		}
		return checkAnchorNotArchived(t.view(), r)
	}
	if family := t.q.Deletions[r.anchor]; len(family) > 0 && t.canRestore(family) {
		return events.Errorf(events.CodeConflict, "/element", "its anchor, %s, is deleted, too: restore that first", family[len(family)-1].name)
	}
	return nil
}

// canRestore reports whether the same request could restore what was deleted together.
func (t *transaction) canRestore(family []*record) bool {
	trial := &transaction{Pending: t.Pending, q: t.q, base: t.view()}
	return t.mayChange(family[len(family)-1]) == nil && trial.restoreAll(family) == nil
}

// checkAnchorNotArchived refuses to unarchive an element before its anchor.
func checkAnchorNotArchived(v view, r *record) error {
	if anchor := v.get(r.anchor); anchor != nil && anchor.archived {
		return events.Errorf(events.CodeConflict, "/element", "its anchor, %s, is archived; restore that first", anchor.name)
	}
	return nil
}

// restoreAll restores what was deleted together; the last one is the root.
func (t *transaction) restoreAll(family []*record) error {
	root := family[len(family)-1]
	for _, r := range family {
		if err := t.restoreRecord(r, root); err != nil {
			return err
		}
	}
	t.is(t.view().get(root.guid))
	return nil
}

func (t *transaction) restoreRecord(r, root *record) error {
	if now := t.view().get(r.guid); now != nil {
		if now.relationship && !r.relationship {
			return events.Errorf(events.CodeConflict, "/element", "%s, the guid of %s, is now that of a relationship", r.guid, r.name)
		}
		return nil
	}
	if r.relationship {
		return t.restoreLink(r, root)
	}
	if other := t.view().named(r.name); r.named() && other != nil {
		return events.Errorf(events.CodeConflict, "/element", "%q is now the name of another element, %s", r.name, other.guid)
	}
	e, err := r.element()
	if err != nil {
		return err
	}
	if anchor := t.view().get(r.anchor); r == root && e.Header.AnchorGUID != "" && (anchor == nil || anchor.relationship) {
		t.dropped("anchor " + e.Header.AnchorGUID)
		e.Header.AnchorGUID = ""
	}
	t.touch(&e.Header)
	return t.store(r.typ, r, e, events.TypeElementRestored, "")
}

// restoreLink restores a relationship that was deleted with an element, whoever owns
// it. It stays away if an end is missing, has another type now, or takes no more
// relationships.
func (t *transaction) restoreLink(r, root *record) error {
	end := func(id guid) *record {
		if id == root.guid {
			return root
		}
		return t.view().get(id)
	}
	end1, end2 := end(r.end1), end(r.end2)
	l, err := r.link()
	if err != nil {
		return err
	}
	if !t.fitsLink(r, end1, end2) {
		t.dropped(r.typ.Name + " " + nameOfStub(l.End1) + arrow + nameOfStub(l.End2))
		return nil
	}
	l.End1, l.End2 = stub(end1), stub(end2)
	t.touch(&l.Header)
	return t.storeLink(r.typ, r, l, change{eventType: events.TypeRelationshipRestored})
}

// fitsLink reports whether a deleted relationship may stand between two records,
// which may be nil.
func (t *transaction) fitsLink(r, end1, end2 *record) bool {
	if end1 == nil || end2 == nil {
		return false
	}
	typ, err := t.view().Types().Relationship(r.typ.Name, "/element")
	return err == nil && typ.CheckEnds(end1.typ, end2.typ, "/element") == nil && t.fitsCardinality(typ, end1, end2)
}

// unarchive takes the Memento from an element and from what was archived with it.
func (t *transaction) unarchive(root *record) error {
	if err := cmp.Or(t.mayChange(root), checkAnchorNotArchived(t.view(), root)); err != nil {
		return err
	}
	family, err := archivedWith(t.view(), root)
	if err != nil {
		return err
	}
	for _, r := range family {
		e, err := r.element()
		if err != nil {
			return err
		}
		if err := t.put(r, e, events.TypeElementRestored, ""); err != nil {
			return err
		}
	}
	return nil
}

// archivedWith returns the members of a family that were archived together with the
// root, as were their anchors.
func archivedWith(v view, root *record) ([]*record, error) {
	memento, err := mementoOf(root)
	if err != nil {
		return nil, err
	}
	family := familyOf(v, root)
	with := map[guid]bool{root.anchor: true}
	for _, r := range slices.Backward(family) { // anchors first
		own, err := mementoOf(r)
		with[r.guid] = with[r.anchor] && (!r.archived || err == nil && own.Equal(memento))
	}
	return slices.DeleteFunc(family, func(r *record) bool { return !r.archived || !with[r.guid] }), nil
}

// mementoOf returns the properties of an element's Memento.
func mementoOf(r *record) (events.Properties, error) {
	e, err := r.element()
	if err != nil || e.Classification(events.Memento) == nil {
		return events.Properties{}, err
	}
	return e.Classification(events.Memento).Properties, nil
}
