package graphtest

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

// family returns an element and what is anchored to it, and so on, anchors first
// and otherwise by guid.
func (m *Model) family(root *instance) []*instance {
	all := []*instance{root}
	for i := 0; i < len(all); i++ {
		all = append(all, m.all(func(e *instance) bool { return e.anchor == all[i].guid })...)
	}
	return all
}

func (m *Model) remove(c *events.Delete) outcome {
	refuseIf(m.isLink(c.Element), "a relationship")
	root := m.find(c.Element)
	if root == nil {
		expect(c.Expectation, 0)
		return outcome{}
	}
	expect(c.Expectation, root.version)
	m.mustOwn(root)
	family := m.family(root)
	for _, e := range family[1:] {
		refuseIf(!c.Cascade && !e.archived(), "%s is anchored to it", e.name)
	}
	if c.Method == events.DeleteArchive {
		return m.archive(family, c.ArchiveProcess)
	}
	purge := c.Method == events.DeletePurge
	var identifiers []string
	for _, e := range family {
		for _, l := range m.linked(e.guid) {
			if purge && l.typ == "ExternalIdLink" && l.ends[0] == e.guid {
				identifiers = append(identifiers, l.ends[1])
			}
			m.drop(l, purge)
		}
	}
	slices.Reverse(family)
	for _, e := range family {
		m.drop(e, purge)
	}
	m.purgeOrphans(identifiers)
	return outcome{guid: root.guid, changed: true}
}

// purgeOrphans purges the identifiers that nothing has any more.
func (m *Model) purgeOrphans(identifiers []string) {
	for _, id := range identifiers {
		e := m.element(id)
		if e == nil || !m.owns(e) || len(m.family(e)) > 1 || len(m.identifying(id)) > 0 {
			continue
		}
		for _, l := range m.linked(id) {
			m.drop(l, true)
		}
		m.drop(e, true)
	}
}

// archive marks a family, but for what is archived already.
func (m *Model) archive(family []*instance, process string) outcome {
	memento := mark{properties: map[string]any{"archiveDate": stamp(m.issue.time), "archiveUser": "/test"}}
	if process != "" {
		memento.properties["archiveProcess"] = process
	}
	changed := false
	for _, old := range family {
		if !old.archived() {
			e := old.clone()
			e.marks[events.Memento] = memento
			m.revise(old, e, events.TypeElementClassified)
			changed = true
		}
	}
	root := m.element(family[0].guid)
	return outcome{guid: root.guid, version: root.version, changed: changed}
}

func (m *Model) restore(c *events.Restore) (last outcome) {
	root := m.find(c.Element)
	if root == nil {
		id := c.Element.GUID
		if id == "" {
			id = events.ElementKey(c.Element).String()
		}
		return m.restoreDeleted(id)
	}
	if !root.archived() {
		return root.outcome()
	}
	m.mustOwn(root)
	refuseIf(m.anchorArchived(root), "its anchor is archived")
	for _, old := range m.archivedWith(root) {
		e := old.clone()
		delete(e.marks, events.Memento)
		last = m.revise(old, e, events.TypeElementRestored)
	}
	return last
}

// archivedWith returns what was archived with an element, as were the anchors between
// them; itself last.
func (m *Model) archivedWith(root *instance) (with []*instance) {
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

func (m *Model) anchorArchived(e *instance) bool {
	anchor := m.element(e.anchor)
	return anchor != nil && anchor.archived()
}

// restoreDeleted brings back an element that was deleted before this command, what was
// anchored to it and deleted with it, and relationships that find their place.
func (m *Model) restoreDeleted(id string) outcome {
	elements, links := m.deletedWith(id)
	root := elements[id]
	refuseIf(root == nil || m.issue.before.element(id) != nil, "it was not deleted")
	m.mustOwn(root)
	refuseIf(!root.archived() && m.anchorArchived(root) || m.canReturn(root.anchor), "its anchor is archived, or can be restored first")
	m.bringBack(elements)
	for _, l := range links {
		m.relink(l)
	}
	return outcome{guid: id, version: m.instances[id].version, changed: true}
}

// bringBack brings back elements that are not there.
func (m *Model) bringBack(elements map[string]*instance) {
	for _, id := range slices.Sorted(maps.Keys(elements)) {
		if m.element(id) != nil {
			continue
		}
		e := elements[id].clone()
		refuseIf(m.named(e.name) != nil || m.instances[id] != nil, "%s is taken", e.name)
		if m.element(e.anchor) == nil && elements[e.anchor] == nil {
			e.anchor = ""
		}
		m.touch(e, events.TypeElementRestored)
	}
}

// canReturn reports whether a deleted anchor and what was deleted with it can be
// restored on the same behalf.
func (m *Model) canReturn(anchor string) bool {
	if m.element(anchor) != nil || m.issue.before.element(anchor) != nil {
		return false
	}
	gone, _ := m.deletedWith(anchor)
	trial := m.clone()
	return gone[anchor] != nil && m.owns(gone[anchor]) && try(func() { trial.bringBack(gone) }) == nil
}

// deletedWith returns the elements that were anchored to a deleted one, itself
// among them, and the relationships of them all, each as it was at last.
func (m *Model) deletedWith(root string) (elements map[string]*instance, links []*instance) {
	all := map[string]*instance{}
	for _, g := range m.issue.before.deletions[root] {
		all[g.key()] = g
	}
	elements = map[string]*instance{}
	for _, e := range all {
		for up := e; !e.isLink() && up != nil; up = all["element "+up.anchor] {
			if up.guid == root {
				elements[e.guid] = e
			}
		}
	}
	for _, l := range m.issue.before.deletions[root] {
		if l.isLink() && all[l.key()] == l && (elements[l.ends[0]] != nil || elements[l.ends[1]] != nil) {
			links = append(links, l)
		}
	}
	return elements, links
}

// relink brings back a relationship, unless its ends are gone or of other types,
// or another one has its place.
func (m *Model) relink(old *instance) {
	end1, end2 := m.element(old.ends[0]), m.element(old.ends[1])
	if end1 != nil && end2 != nil && m.mayStand(old.typ, 0, end1.typ) && m.mayStand(old.typ, 1, end2.typ) &&
		m.instances[old.guid] == nil && len(m.inTheWay(old)) == 0 && m.only(old.typ, old.ends) == nil {
		m.touch(old.clone(), events.TypeRelationshipRestored)
	}
}
