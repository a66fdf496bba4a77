package graph

import (
	"cmp"
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// restore brings back an element and what was deleted or archived with it.
func (t *transaction) restore(c *events.Restore) error {
	old, err := index.Element(t.view(), c.Element, "/element")
	switch {
	case err == nil && old.Archived:
		return t.unarchive(old)
	case err == nil:
		t.is(old)
		return nil
	case events.CodeOf(err) != events.CodeNotFound:
		return err
	}
	family := t.q.Deletions[index.GUIDOf(c.Element)]
	if len(family) == 0 {
		return index.NotRestorable(t.view(), c.Element)
	}
	root := family[len(family)-1]
	if err := cmp.Or(t.mayChange(root), t.checkAnchorRestored(root)); err != nil {
		return err
	}
	return t.restoreAll(family)
}

// checkAnchorRestored refuses to restore an element before its anchor, if that can be
// restored: the element would lose it.
func (t *transaction) checkAnchorRestored(r *index.Record) error {
	if anchor := t.view().ByGUID(r.Anchor); anchor != nil && !anchor.Relationship {
		if r.Archived {
			return nil // it returns to the archive
		}
		return checkAnchorNotArchived(t.view(), r)
	}
	if family := t.q.Deletions[r.Anchor]; len(family) > 0 && t.canRestore(family) {
		return events.Errorf(events.CodeConflict, "/element", "its anchor, %s, is deleted, too: restore that first", family[len(family)-1].Name)
	}
	return nil
}

// canRestore reports whether the same request could restore what was deleted together.
func (t *transaction) canRestore(family []*index.Record) bool {
	trial := &transaction{Pending: t.Pending, q: t.q, base: t.view()}
	return t.mayChange(family[len(family)-1]) == nil && trial.restoreAll(family) == nil
}

// checkAnchorNotArchived refuses to unarchive an element before its anchor.
func checkAnchorNotArchived(v view, r *index.Record) error {
	if anchor := v.ByGUID(r.Anchor); anchor != nil && anchor.Archived {
		return events.Errorf(events.CodeConflict, "/element", "its anchor, %s, is archived; restore that first", anchor.Name)
	}
	return nil
}

// restoreAll restores what was deleted together; the last one is the root.
func (t *transaction) restoreAll(family []*index.Record) error {
	root := family[len(family)-1]
	for _, r := range family {
		if err := t.restoreRecord(r, root); err != nil {
			return err
		}
	}
	t.is(t.view().ByGUID(root.GUID))
	return nil
}

func (t *transaction) restoreRecord(r, root *index.Record) error {
	if now := t.view().ByGUID(r.GUID); now != nil {
		if now.Relationship && !r.Relationship {
			return events.Errorf(events.CodeConflict, "/element", "%s, the guid of %s, is now that of a relationship", r.GUID, r.Name)
		}
		return nil
	}
	if r.Relationship {
		return t.restoreLink(r, root)
	}
	if other := t.view().ByName(r.Name); r.HasName() && other != nil {
		return events.Errorf(events.CodeConflict, "/element", "%q is now the name of another element, %s", r.Name, other.GUID)
	}
	e, err := r.Element()
	if err != nil {
		return err
	}
	if anchor := t.view().ByGUID(r.Anchor); r == root && e.Header.AnchorGUID != "" && (anchor == nil || anchor.Relationship) {
		t.dropped("anchor " + e.Header.AnchorGUID)
		e.Header.AnchorGUID = ""
	}
	t.touch(&e.Header)
	return t.store(r.Type, r, e, events.TypeElementRestored, "")
}

// restoreLink restores a relationship that was deleted with an element, whoever owns
// it. It stays away if an end is missing, has another type now, or takes no more
// relationships.
func (t *transaction) restoreLink(r, root *index.Record) error {
	end := func(id guid) *index.Record {
		if id == root.GUID {
			return root
		}
		return t.view().ByGUID(id)
	}
	end1, end2 := end(r.End1), end(r.End2)
	l, err := r.Link()
	if err != nil {
		return err
	}
	if !t.fitsLink(r, end1, end2) {
		t.dropped(r.Type.Name + " " + cmp.Or(l.End1.QualifiedName, l.End1.GUID) + arrow + cmp.Or(l.End2.QualifiedName, l.End2.GUID))
		return nil
	}
	l.End1, l.End2 = stub(end1), stub(end2)
	t.touch(&l.Header)
	return t.storeLink(r.Type, r, l, change{eventType: events.TypeRelationshipRestored})
}

// fitsLink reports whether a deleted relationship may stand between two records,
// which may be nil.
func (t *transaction) fitsLink(r, end1, end2 *index.Record) bool {
	if end1 == nil || end2 == nil {
		return false
	}
	typ, err := t.view().Types().Relationship(r.Type.Name, "/element")
	return err == nil && typ.CheckEnds(end1.Type, end2.Type, "/element") == nil && t.fitsCardinality(typ, end1, end2)
}

// unarchive takes the Memento from an element and from what was archived with it.
func (t *transaction) unarchive(root *index.Record) error {
	if err := cmp.Or(t.mayChange(root), checkAnchorNotArchived(t.view(), root)); err != nil {
		return err
	}
	family, err := archivedWith(t.view(), root)
	if err != nil {
		return err
	}
	return t.putAll(family, events.TypeElementRestored, nil)
}

// putAll puts elements, each with one more classification if there is one.
func (t *transaction) putAll(list []*index.Record, eventType string, add *events.Classification) error {
	name := ""
	for _, r := range list {
		e, err := r.Element()
		if err != nil {
			return err
		}
		if add != nil {
			name = add.Name
			setClassification(e, add)
		}
		if err := t.put(r, e, eventType, name); err != nil {
			return err
		}
	}
	return nil
}

// archivedWith returns the members of a family that were archived together with the
// root, as were their anchors.
func archivedWith(v view, root *index.Record) ([]*index.Record, error) {
	memento, err := mementoOf(root)
	if err != nil {
		return nil, err
	}
	family := familyOf(v, root)
	with := map[guid]bool{root.Anchor: true}
	for _, r := range slices.Backward(family) { // anchors first
		own, err := mementoOf(r)
		with[r.GUID] = with[r.Anchor] && (!r.Archived || err == nil && own.Equal(memento))
	}
	return slices.DeleteFunc(family, func(r *index.Record) bool { return !r.Archived || !with[r.GUID] }), nil
}

// mementoOf returns the properties of an element's Memento.
func mementoOf(r *index.Record) (events.Properties, error) {
	e, err := r.Element()
	if err != nil || e.Classification(events.Memento) == nil {
		return events.Properties{}, err
	}
	return e.Classification(events.Memento).Properties, nil
}
