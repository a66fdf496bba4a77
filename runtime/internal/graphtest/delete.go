package graphtest

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

// family returns an element and what is anchored to it, and so on, anchors first
// and otherwise by guid.
func (m *Model) family(root *modelElement) []*modelElement {
	all := []*modelElement{root}
	for i := 0; i < len(all); i++ {
		for _, id := range slices.Sorted(maps.Keys(m.elements)) {
			if e := m.elements[id]; e.anchor == all[i].guid {
				all = append(all, e)
			}
		}
	}
	return all
}

func (m *Model) remove(c *events.Delete) (outcome, error) {
	root := m.find(c.Element)
	switch {
	case m.isLink(c.Element):
		return outcome{}, refusal("a relationship")
	case root == nil && !asExpected(c.Expectation, 0):
		return outcome{}, refusal("it is not there")
	case root == nil:
		return outcome{}, nil
	case !asExpected(c.Expectation, root.version):
		return outcome{}, refusal("version %d", root.version)
	}
	if err := m.mayChange(root.source); err != nil {
		return outcome{}, err
	}
	family := m.family(root)
	for _, e := range family[1:] {
		if !c.Cascade && !e.archived() {
			return outcome{}, refusal("%s is anchored to it", e.name)
		}
	}
	if c.Method == events.DeleteArchive {
		return m.archive(family, c.ArchiveProcess)
	}
	purge := c.Method == events.DeletePurge
	if purge {
		defer m.purgeIdentifiers(m.identifiersOf(family))
	}
	for _, e := range family {
		for _, l := range m.linked(e.guid) {
			m.drop(l, purge)
		}
	}
	slices.Reverse(family)
	for _, e := range family {
		m.bury(e, purge)
	}
	return outcome{guid: root.guid, changed: true}, nil
}

func (m *Model) identifiersOf(family []*modelElement) (ids []string) {
	for _, e := range family {
		for _, l := range m.linked(e.guid) {
			if l.typ == "ExternalIdLink" && l.end1 == e.guid {
				ids = append(ids, l.end2)
			}
		}
	}
	return ids
}

// purgeIdentifiers purges those that nothing has any more.
func (m *Model) purgeIdentifiers(ids []string) {
	for _, id := range ids {
		e := m.elements[id]
		if e == nil || m.mayChange(e.source) != nil || len(m.family(e)) > 1 ||
			slices.ContainsFunc(m.linked(id), func(l *modelLink) bool { return l.typ == "ExternalIdLink" }) {
			continue
		}
		for _, l := range m.linked(id) {
			m.drop(l, true)
		}
		m.bury(e, true)
	}
}

// bury deletes an element. Its grave is what the command deleted until then.
func (m *Model) bury(e *modelElement, purge bool) {
	delete(m.elements, e.guid)
	m.note("element", e.guid, events.TypeElementDeleted, 0)
	if purge {
		delete(m.graves, e.guid)
		m.forget("element", e.guid)
		return
	}
	m.issue.gone = append(m.issue.gone, e)
	m.graves[e.guid] = slices.Clone(m.issue.gone)
}

// forget removes all history, so that nothing brings it back.
func (m *Model) forget(kind, id string) {
	m.kept[kind+" "+id] = 1
	for root, grave := range m.graves {
		m.graves[root] = slices.DeleteFunc(slices.Clone(grave), func(g any) bool {
			e, isElement := g.(*modelElement)
			l, isLink := g.(*modelLink)
			return isElement && e.guid == id || isLink && l.guid == id
		})
	}
}

// archive marks a family, but for what is archived already.
func (m *Model) archive(family []*modelElement, process string) (outcome, error) {
	memento := modelMark{properties: map[string]any{"archiveDate": stamp(m.issue.time), "archiveUser": "/test"}}
	if process != "" {
		memento.properties["archiveProcess"] = process
	}
	changed := false
	for _, e := range family {
		if e.archived() {
			continue
		}
		changed = true
		if _, err := m.lead(e, events.TypeElementClassified, func(e *modelElement) error {
			e.marks[events.Memento] = memento
			return nil
		}); err != nil {
			return outcome{}, err
		}
	}
	root := m.elements[family[0].guid]
	return outcome{guid: root.guid, version: root.version, changed: changed}, nil
}

func (m *Model) restore(c *events.Restore) (outcome, error) {
	e := m.find(c.Element)
	switch {
	case e == nil:
		return m.exhume(events.ElementKey(c.Element).String(), c.Element.GUID)
	case !e.archived():
		return outcome{guid: e.guid, version: e.version}, nil
	}
	if err := m.mayChange(e.source); err != nil || m.anchorArchived(e) {
		return outcome{}, refusal("its anchor is archived, or %v", err)
	}
	var last outcome
	for _, f := range m.archivedWith(e) {
		var err error
		if last, err = m.lead(f, events.TypeElementRestored, func(e *modelElement) error {
			delete(e.marks, events.Memento)
			return nil
		}); err != nil {
			return outcome{}, err
		}
	}
	return last, nil
}

// archivedWith returns what was archived with an element, as were the anchors between
// them; itself last.
func (m *Model) archivedWith(root *modelElement) (with []*modelElement) {
	kept := map[string]bool{} // in the archive
	for _, e := range m.family(root) {
		mark, archived := e.marks[events.Memento]
		switch {
		case e != root && kept[e.anchor], archived && !same(mark.properties, root.marks[events.Memento].properties):
			kept[e.guid] = true
		case archived:
			with = append(with, e)
		}
	}
	slices.Reverse(with)
	return with
}

func (m *Model) anchorArchived(e *modelElement) bool {
	return e.anchor != "" && m.elements[e.anchor] != nil && m.elements[e.anchor].archived()
}

// exhume brings back an element that was deleted before this command, what was
// anchored to it and deleted with it, and relationships that find their place.
func (m *Model) exhume(root, guid string) (outcome, error) {
	if guid != "" {
		root = guid
	}
	elements, links := m.wentWith(root)
	if elements[root] == nil || m.issue.before.elements[root] != nil {
		return outcome{}, refusal("no grave")
	}
	if err := m.mayChange(elements[root].source); err != nil {
		return outcome{}, err
	}
	if !elements[root].archived() && m.anchorArchived(elements[root]) || m.canReturn(elements[root].anchor) {
		return outcome{}, refusal("its anchor is archived, or can be restored first")
	}
	if err := m.bringBack(elements); err != nil {
		return outcome{}, err
	}
	for _, l := range links {
		m.relink(l)
	}
	return outcome{guid: root, version: m.elements[root].version, changed: true}, nil
}

// bringBack brings back elements that are not there.
func (m *Model) bringBack(elements map[string]*modelElement) error {
	for _, id := range slices.Sorted(maps.Keys(elements)) {
		old := elements[id]
		if m.elements[id] != nil {
			continue
		}
		if m.named(old.name) != nil || m.links[id] != nil {
			return refusal("%s is taken", old.name)
		}
		e := old.clone()
		if m.elements[e.anchor] == nil && elements[e.anchor] == nil {
			e.anchor = ""
		}
		m.touch(e, events.TypeElementRestored)
	}
	return nil
}

// canReturn reports whether a deleted anchor and what went with it can be restored
// on the same behalf.
func (m *Model) canReturn(anchor string) bool {
	if m.elements[anchor] != nil || m.issue.before.elements[anchor] != nil {
		return false
	}
	gone, _ := m.wentWith(anchor)
	names := map[string]bool{}
	for id, e := range gone {
		if m.elements[id] == nil && (m.named(e.name) != nil || m.links[id] != nil || e.name != "" && names[e.name]) {
			return false
		}
		names[e.name] = true
	}
	return gone[anchor] != nil && m.mayChange(gone[anchor].source) == nil
}

// wentWith returns the elements that were anchored to a deleted one, itself
// among them, and the relationships of them all, each as it was at last.
func (m *Model) wentWith(root string) (elements map[string]*modelElement, links []*modelLink) {
	all, byGUID := map[string]*modelElement{}, map[string]*modelLink{}
	for _, g := range m.issue.before.graves[root] {
		switch g := g.(type) {
		case *modelElement:
			all[g.guid] = g
		case *modelLink:
			byGUID[g.guid] = g
		}
	}
	elements = map[string]*modelElement{}
	for id, e := range all {
		for up := e; up != nil; up = all[up.anchor] {
			if up.guid == root {
				elements[id] = e
			}
		}
	}
	for _, g := range m.issue.before.graves[root] {
		if l, ok := g.(*modelLink); ok && byGUID[l.guid] == l && (elements[l.end1] != nil || elements[l.end2] != nil) {
			links = append(links, l)
		}
	}
	return elements, links
}

// relink brings back a relationship, unless its ends are gone or of other types,
// or another one has its place.
func (m *Model) relink(old *modelLink) {
	end1, end2 := m.elements[old.end1], m.elements[old.end2]
	if end1 == nil || end2 == nil || !mayStand(old.typ, 1, end1.typ) || !mayStand(old.typ, 2, end2.typ) ||
		m.links[old.guid] != nil || m.elements[old.guid] != nil || len(m.inTheWay(old)) > 0 ||
		old.typ != "DataFlow" && m.only(old.typ, old.end1, old.end2) != nil {
		return
	}
	l := *old
	l.version++
	l.updated = m.issue.time
	m.putLink(&l, events.TypeRelationshipRestored)
}
