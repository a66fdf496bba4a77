package graphtest

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

// family returns an element and everything anchored to it, directly or not, anchors
// first and otherwise by guid.
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
			m.delete(l, purge)
		}
	}
	slices.Reverse(family)
	for _, e := range family {
		m.delete(e, purge)
	}
	m.purgeOrphans(identifiers)
	return outcome{guid: root.guid, changed: true}
}

// purgeOrphans purges those of the identifiers that no element has.
func (m *Model) purgeOrphans(identifiers []string) {
	for _, id := range identifiers {
		e := m.element(id)
		if e == nil || !m.owns(e) || len(m.family(e)) > 1 || len(m.identifying(id)) > 0 {
			continue
		}
		for _, l := range m.linked(id) {
			m.delete(l, true)
		}
		m.delete(e, true)
	}
}

// archive classifies the members of a family that are not archived yet.
func (m *Model) archive(family []*instance, process string) outcome {
	memento := classification{properties: map[string]any{"archiveDate": stamp(m.request.time), "archiveUser": "/test"}}
	if process != "" {
		memento.properties["archiveProcess"] = process
	}
	changed := false
	for _, old := range family {
		if !old.archived() {
			e := old.clone()
			e.classifications[events.Memento] = memento
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
		delete(e.classifications, events.Memento)
		last = m.revise(old, e, events.TypeElementRestored)
	}
	return last
}

// archivedWith returns the elements that were archived with an element, as were the
// anchors between them; itself last.
func (m *Model) archivedWith(root *instance) (with []*instance) {
	kept := map[string]bool{} // these stay archived
	for _, e := range m.family(root) {
		mark, archived := e.classifications[events.Memento]
		switch {
		case e != root && kept[e.anchor], archived && !same(mark.properties, root.classifications[events.Memento].properties):
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

// restoreDeleted restores an element that was deleted before this command, what was
// anchored to it and deleted with it, and the relationships that are still possible.
func (m *Model) restoreDeleted(id string) outcome {
	elements, links := m.deletedWith(id)
	root := elements[id]
	refuseIf(root == nil || m.request.before.element(id) != nil, "it was not deleted")
	m.mustOwn(root)
	refuseIf(!root.archived() && m.anchorArchived(root) || m.canRestore(root.anchor), "its anchor is archived, or can be restored first")
	m.restoreElements(elements)
	for _, l := range links {
		m.restoreLink(l)
	}
	return outcome{guid: id, version: m.instances[id].version, changed: true}
}

// restoreElements restores those elements that do not exist.
func (m *Model) restoreElements(elements map[string]*instance) {
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

// canRestore reports whether the same sender can restore a deleted anchor with all that
// was deleted with it.
func (m *Model) canRestore(anchor string) bool {
	if m.element(anchor) != nil || m.request.before.element(anchor) != nil {
		return false
	}
	gone, _ := m.deletedWith(anchor)
	trial := m.clone()
	return gone[anchor] != nil && m.owns(gone[anchor]) && try(func() { trial.restoreElements(gone) }) == nil
}

// deletedWith returns a deleted element and those anchored to it, and the relationships
// of them all, each in its last state.
func (m *Model) deletedWith(root string) (elements map[string]*instance, links []*instance) {
	all := map[string]*instance{}
	for _, g := range m.request.before.deletions[root] {
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
	for _, l := range m.request.before.deletions[root] {
		if l.isLink() && all[l.key()] == l && (elements[l.ends[0]] != nil || elements[l.ends[1]] != nil) {
			links = append(links, l)
		}
	}
	return elements, links
}

// restoreLink restores a relationship, unless an end is missing or of another type, or
// another relationship has taken its place.
func (m *Model) restoreLink(old *instance) {
	end1, end2 := m.element(old.ends[0]), m.element(old.ends[1])
	if end1 != nil && end2 != nil && m.mayRelate(old.typ, 0, end1.typ) && m.mayRelate(old.typ, 1, end2.typ) &&
		m.instances[old.guid] == nil && len(m.conflicts(old)) == 0 && m.only(old.typ, old.ends) == nil {
		m.touch(old.clone(), events.TypeRelationshipRestored)
	}
}
