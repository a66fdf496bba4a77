package graph

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// delete removes an element and what is anchored to it.
func (a *applier) delete(v view, q *Request, c *events.Delete) (Outcome, error) {
	old, err := element(v, c.Element, "/element")
	if events.CodeOf(err) == events.CodeNotFound {
		return Outcome{}, expect(c.Expectation, nil, nameOf(c.Element))
	}
	if err != nil {
		return Outcome{}, err
	}
	if err := expect(c.Expectation, old, ""); err != nil {
		return Outcome{}, err
	}
	if err := q.mayChange(old); err != nil {
		return Outcome{}, err
	}
	family := familyOf(v, old)
	if !c.Cascade {
		if err := checkNoCascade(old, family); err != nil {
			return Outcome{}, err
		}
	}
	if c.Method == events.DeleteArchive {
		return a.archive(v, q, family, c)
	}
	return Outcome{
		changes: removals(v, family, c.Method == events.DeletePurge),
		Result:  events.Result{GUID: old.guid.String(), Changed: true},
	}, nil
}

// alone checks that of the family of an element only itself is alive.
func checkNoCascade(root *record, family []*record) error {
	liveElement := slices.DeleteFunc(slices.Clone(family), func(r *record) bool { return r.archived || r == root })
	if len(liveElement) == 0 {
		return nil
	}
	if len(liveElement) == 1 {
		return events.Errorf(events.CodeConflict, "/cascade", "1 element is anchored to %s, %s; delete that first, or both with --cascade", root.name, liveElement[0].name)
	}
	return events.Errorf(events.CodeConflict, "/cascade", "%d elements are anchored to %s, such as %s; delete them first, or all with --cascade",
		len(liveElement), root.name, liveElement[0].name)
}

// familyOf returns the elements that are anchored to an element, to these, and
// so on, and last the element itself: should a crash cut a large deletion in
// two, what is left of it is found again from the element.
func familyOf(v view, root *record) []*record {
	family, seen := []*record{root}, map[guid]bool{root.guid: true}
	for i := 0; i < len(family); i++ {
		members := v.anchored(family[i].guid)
		slices.SortFunc(members, byGUID)
		for _, r := range members {
			if !seen[r.guid] {
				seen[r.guid] = true
				family = append(family, r)
			}
		}
	}
	slices.Reverse(family)
	return family
}

func byGUID(a, b *record) int { return bytes.Compare(a.guid[:], b.guid[:]) }

// removals removes elements: first their relationships, so that nobody ever sees
// one that leads nowhere.
func removals(v view, family []*record, purge bool) []change {
	var links []*record
	for _, r := range family {
		links = append(links, v.linked(r.guid)...)
	}
	slices.SortFunc(links, byGUID)
	links = slices.CompactFunc(links, func(a, b *record) bool { return a.guid == b.guid })
	changes := make([]change, 0, len(links)+len(family))
	for _, l := range links {
		changes = append(changes, removalOf(l, events.TypeRelationshipDeleted, purge))
	}
	for _, r := range family {
		changes = append(changes, removalOf(r, events.TypeElementDeleted, purge))
	}
	return changes
}

func removal(old *record, eventType string) change { return removalOf(old, eventType, false) }

func removalOf(old *record, eventType string, purge bool) change {
	c := change{eventType: eventType, record: old.tombstone(), purged: purge, data: removed(old.state())}
	if purge {
		c.data = purged(old)
	}
	return c
}

// gone returns a record of what was, but is not any more.
func (r *record) tombstone() *record {
	return &record{
		guid: r.guid, relationship: r.relationship, deleted: true, derived: r.derived, archived: r.archived, typ: r.typ, home: r.home,
		name: r.name, version: r.version, connected: r.connected, anchor: r.anchor,
	}
}

// purged is the data of a deletion that leaves no trace but guid and type.
func purged(old *record) []byte {
	h := events.ElementHeader{GUID: old.guid.String(), Type: *old.typ}
	h.Versions.Version = old.version
	if !old.relationship {
		state, _, _ := appendElement(nil, &events.Element{Header: h})
		return purgedData(state)
	}
	state, _, _ := appendRelationship(nil, &events.Relationship{
		Header: h, End1: events.ElementStub{GUID: old.end1.String()}, End2: events.ElementStub{GUID: old.end2.String()},
	})
	return purgedData(state)
}

// archive classifies elements as Memento.
func (a *applier) archive(v view, q *Request, family []*record, c *events.Delete) (Outcome, error) {
	properties := map[string]any{"archiveDate": q.Time.Format(time.RFC3339Nano), "archiveUser": q.Actor}
	if c.ArchiveProcess != "" {
		properties["archiveProcess"] = c.ArchiveProcess
	}
	memento := events.Classification{Name: events.Memento, Properties: events.Props(properties)}
	root := family[len(family)-1]
	if err := checkClassification(v.registry(), root.typ, &memento, false, ""); err != nil {
		return Outcome{}, events.Errorf(events.CodeConflict, "/method", "%s cannot be archived: %s", root.name, messageOf(err))
	}
	s := a.stage(v)
	for _, r := range family {
		if r.archived {
			continue
		}
		o, err := a.revise(q.cascade(r), r, events.TypeElementClassified, events.Memento, func(e *events.Element) error {
			mark(e, &memento)
			return nil
		})
		if err != nil {
			return Outcome{}, err
		}
		s.take(o)
	}
	s.all.Result = events.Result{GUID: root.guid.String(), Version: root.version, Changed: len(s.all.changes) > 0}
	if now := s.view.get(root.guid); now != nil {
		s.all.Result.Version = now.version
	}
	return s.all, nil
}

// alongside is the request for an element that goes, or comes back, with the one
// that it is about. Whoever anchors an element to another one gives its life away:
// it takes no more than may be done to that.
func (q *Request) cascade(r *record) *Request {
	if q.mayChange(r) == nil {
		return q
	}
	its := *q
	its.Source, its.Scope = r.source(), ""
	return &its
}

// restore brings back an element, and what went with it.
func (a *applier) restore(v view, q *Request, c *events.Restore) (Outcome, error) {
	old, err := element(v, c.Element, "/element")
	switch {
	case err == nil && old.archived:
		return a.unarchive(v, q, old)
	case err == nil:
		return unchanged(old), nil
	case events.CodeOf(err) != events.CodeNotFound:
		return Outcome{}, err
	}
	deletions := q.Deletions[guidOf(c.Element)]
	if len(deletions) == 0 {
		return Outcome{}, errNotRestorable(v, c.Element)
	}
	root := deletions[len(deletions)-1]
	s := a.stage(v)
	if err := cmp.Or(q.mayChange(root), a.checkAnchorRestored(v, q, root)); err != nil {
		return Outcome{}, err
	}
	if err := s.restoreAll(q, deletions); err != nil {
		return Outcome{}, err
	}
	s.all.Result.GUID = root.guid.String()
	if now := s.view.get(root.guid); now != nil {
		s.all.Result.Version = now.version
	}
	return s.all, nil
}

// hasAnchor refuses to bring back an element whose anchor is archived, or can be
// brought back first: without it, it would stand by itself from then on.
func (a *applier) checkAnchorRestored(v view, q *Request, r *record) error {
	switch {
	case r.anchor == uuid.Nil:
		return nil
	case elementAt(v, r.anchor) != nil && r.archived:
		return nil // it is in the archive again, as it was
	case elementAt(v, r.anchor) != nil:
		return checkAnchorNotArchived(v, r)
	}
	if deletions := q.Deletions[r.anchor]; len(deletions) > 0 && a.canRestore(v, q, deletions) {
		return events.Errorf(events.CodeConflict, "/element", "its anchor, %s, is deleted, too: restore that first", q.Deletions.root(r.anchor).name)
	}
	return nil
}

// canReturn reports whether what was deleted together can be brought back on the
// same behalf. What it was anchored to itself does not matter: where that cannot come
// back before it, it does so alone.
func (a *applier) canRestore(v view, q *Request, deletions []*record) bool {
	return q.mayChange(deletions[len(deletions)-1]) == nil && a.stage(v).restoreAll(q, deletions) == nil
}

// anchorPresent refuses to let an element live whose anchor is archived: it goes and
// comes with that.
func checkAnchorNotArchived(v view, r *record) error {
	if anchor := v.get(r.anchor); anchor != nil && anchor.archived {
		return events.Errorf(events.CodeConflict, "/element", "its anchor, %s, is archived; restore that first", anchor.name)
	}
	return nil
}

func nameOf(ref events.ElementRef) string {
	if ref.GUID != "" {
		return ref.GUID
	}
	return ref.QualifiedName
}

// inOrderOfReturn puts elements before relationships, and the element that was
// asked for last: should a crash cut a large restoration in two, the rest is
// still to be done as long as that is missing.
func restoreOrder(deletions []*record) []*record {
	rank := func(r *record) int {
		switch {
		case r == deletions[len(deletions)-1]:
			return 2
		case r.relationship:
			return 1
		default:
			return 0
		}
	}
	sorted := slices.Clone(deletions)
	slices.SortStableFunc(sorted, func(a, b *record) int { return cmp.Compare(rank(a), rank(b)) })
	return sorted
}

// bringAllBack makes what was deleted together be there again.
func (s *stage) restoreAll(q *Request, deletions []*record) error {
	for _, r := range restoreOrder(deletions) {
		if err := s.restoreRecord(q, r, deletions[len(deletions)-1]); err != nil {
			return err
		}
	}
	return nil
}

// bringBack makes a deleted record be there again.
func (s *stage) restoreRecord(q *Request, r, root *record) error {
	if now := s.view.get(r.guid); now != nil {
		return checkStillElement(now, r)
	}
	if r.relationship {
		return s.restoreLink(q, r, root)
	}
	if other := s.view.named(r.name); r.named() && other != nil {
		return events.Errorf(events.CodeConflict, "/element", "%q is now the name of another element, %s", r.name, other.guid)
	}
	e, err := r.element()
	if err != nil {
		return err
	}
	if r == root && r.anchor != uuid.Nil && elementAt(s.view, r.anchor) == nil {
		addDropped(&s.all.Result, "anchor "+e.Header.AnchorGUID)
		e.Header.AnchorGUID = "" // it stands by itself from now on
	}
	q.touch(&e.Header)
	return s.takeOr(s.store(r.typ, r, e, events.TypeElementRestored, ""))
}

// notRelated refuses to bring back an element whose guid a relationship has now.
func checkStillElement(now, r *record) error {
	if now.relationship && !r.relationship {
		return events.Errorf(events.CodeConflict, "/element", "%s, the guid of %s, is now that of a relationship", r.guid, r.name)
	}
	return nil
}

// elementAt returns the element that has a guid, nil if there is none.
func elementAt(v view, id guid) *record {
	if r := v.get(id); r != nil && !r.relationship {
		return r
	}
	return nil
}

// relink makes a deleted relationship be there again. It went with an element,
// whoever it belongs to, and comes back with it; but it stays away where its ends
// are not both there, or are of other types now, or another one has its place.
func (s *stage) restoreLink(q *Request, r, root *record) error {
	end := func(id guid) *record {
		if id == root.guid {
			return root
		}
		return s.view.get(id)
	}
	end1, end2 := end(r.end1), end(r.end2)
	rel, err := r.link()
	if err != nil {
		return err
	}
	if !s.fitsLink(r, end1, end2) {
		addDropped(&s.all.Result, r.typ.Name+" "+nameOfStub(rel.End1)+arrow+nameOfStub(rel.End2))
		return nil
	}
	rel.End1, rel.End2 = stub(end1), stub(end2)
	q.touch(&rel.Header)
	return s.takeOr(s.storeLink(r.typ, r, rel, events.TypeRelationshipRestored))
}

// hasPlace reports whether a deleted relationship may stand between two records,
// which are nil where there is nothing.
func (s *stage) fitsLink(r, end1, end2 *record) bool {
	if end1 == nil || end2 == nil {
		return false
	}
	typ, err := s.view.registry().Relationship(r.typ.Name, "/element")
	return err == nil && typ.CheckEnds(end1.typ, end2.typ, "/element") == nil && s.fitsCardinality(typ, end1, end2)
}

func (s *stage) takeOr(o Outcome, err error) error {
	if err == nil {
		s.take(o)
	}
	return err
}

// unarchive takes the Memento from an element and from those that were archived
// with it.
func (a *applier) unarchive(v view, q *Request, root *record) (Outcome, error) {
	if err := cmp.Or(q.mayChange(root), checkAnchorNotArchived(v, root)); err != nil {
		return Outcome{}, err
	}
	family, err := archivedWith(v, root)
	if err != nil {
		return Outcome{}, err
	}
	s := a.stage(v)
	var last Outcome
	for _, r := range family {
		if last, err = a.revise(q.cascade(r), r, events.TypeElementRestored, "", func(*events.Element) error { return nil }); err != nil {
			return Outcome{}, err
		}
		s.take(last)
	}
	s.all.Result = last.Result
	return s.all, nil
}

// archivedWith returns those of the family of an element that were archived with it,
// and so were their anchors.
func archivedWith(v view, root *record) ([]*record, error) {
	memento, err := mementoOf(root)
	if err != nil {
		return nil, err
	}
	family := familyOf(v, root)
	lives := map[guid]bool{root.anchor: true}
	for _, r := range slices.Backward(family) { // anchors first
		its, err := mementoOf(r)
		lives[r.guid] = lives[r.anchor] && (!r.archived || err == nil && its.Properties.Equal(memento.Properties))
	}
	return slices.DeleteFunc(family, func(r *record) bool { return !r.archived || !lives[r.guid] }), nil
}

func mementoOf(r *record) (events.Classification, error) {
	e, err := r.element()
	if err != nil || e.Classification(events.Memento) == nil {
		return events.Classification{}, err
	}
	return *e.Classification(events.Memento), nil
}
