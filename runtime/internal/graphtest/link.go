package graphtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
)

// mayRelate reports whether an element of a type may be at an end of a relationship.
func (m *Model) mayRelate(link string, end int, typ string) bool {
	return m.isA(typ, m.typ(link).End(end+1).Type)
}

func (m *Model) link(c *events.Link) outcome {
	s := &c.Relationship
	end1, end2 := m.find(s.End1), m.find(s.End2)
	refuseIf(end1 == nil || end2 == nil || !m.mayRelate(s.Type, 0, end1.typ) || !m.mayRelate(s.Type, 1, end2.typ), "no such ends")
	ends := [2]string{end1.guid, end2.guid}
	old, id := m.meantLink(s, ends)
	if old != nil {
		expect(c.Expectation, old.version)
		return m.reviseLink(old, s.Properties, c.Merge, s.Effectivity)
	}
	expect(c.Expectation, 0)
	refuseIf(!m.isA(s.Type, "LineageRelationship") && (end1.archived() || end2.archived()), "archived") // only lineage leads to archived elements
	l := m.request.created(id, s.Type)
	l.ends = ends
	l.setEffectivity(s.Effectivity)
	l.properties = m.wanted(s.Type, nil, s.Properties, false, events.RefuseUnknown)
	for _, other := range m.conflicts(l) { // a reconciliation replaces what it saw there before
		refuseIf(m.request.scope == "" || other.scope != m.request.scope || other.source != m.request.source, "%s is in the way", other)
		m.delete(other, false)
	}
	return m.put(l, events.TypeRelationshipCreated)
}

// meantLink returns the relationship that a spec means: there is one of a type between
// two elements, unless the type is a multi-link.
func (m *Model) meantLink(s *events.RelationshipSpec, ends [2]string) (old *instance, id string) {
	id = cmp.Or(s.GUID, events.RelationshipGUIDOf(s.Type, ends[0], ends[1]))
	if old = m.instances[id]; old != nil {
		refuseIf(old.typ != s.Type || old.ends != ends, "the guid of another")
	} else if old = m.only(s.Type, ends); old != nil {
		refuseIf(s.GUID != "" || old.typ != s.Type, "there can be only one")
	}
	return old, id
}

func (m *Model) between(typ string, ends [2]string) []*instance {
	return slices.DeleteFunc(m.linked(ends[0]), func(l *instance) bool { return l.typ != typ || l.ends != ends })
}

// only returns the relationship of a type, or a subtype, between two elements; nil if
// there can be several.
func (m *Model) only(typ string, ends [2]string) *instance {
	for _, l := range m.linked(ends[0]) {
		if !m.typ(typ).MultiLink() && l.ends == ends && m.typ(l.typ).Root() == m.typ(typ).Root() {
			return l
		}
	}
	return nil
}

// conflictsAt returns the relationships that allow no other at an end of cardinality one.
// Archived elements there do not count.
func (m *Model) conflictsAt(l *instance, end int) []*instance {
	if m.typ(l.typ).End(end+1).Cardinality != events.CardinalityOne {
		return nil
	}
	return slices.DeleteFunc(m.linked(l.ends[1-end]), func(other *instance) bool {
		return other.guid == l.guid || m.typ(other.typ).Root() != m.typ(l.typ).Root() ||
			other.ends[1-end] != l.ends[1-end] || m.element(other.ends[end]).archived()
	})
}

func (m *Model) conflicts(l *instance) []*instance {
	return append(m.conflictsAt(l, 0), m.conflictsAt(l, 1)...)
}

// replaceEnds deletes the relationships of an unarchived element that others have
// replaced meanwhile.
func (m *Model) replaceEnds(back string) {
	for _, l := range m.linked(back) {
		for end, id := range l.ends {
			if id == back && len(m.conflictsAt(l, end)) > 0 {
				m.delete(l, false)
			}
		}
	}
}

func (m *Model) reviseLink(old *instance, p events.Properties, merge bool, effective *events.Effectivity) outcome {
	m.mustOwn(old)
	l := old.clone()
	l.properties = m.wanted(l.typ, old.properties, p, merge, events.RefuseUnknown)
	l.setEffectivity(effective)
	return m.revise(old, l, events.TypeRelationshipUpdated)
}

// findLink returns the relationship that a reference names, nil if there is none.
func (m *Model) findLink(r *events.RelationshipRef) *instance {
	if r.GUID != "" {
		refuseIf(m.element(r.GUID) != nil, "an element")
		return m.instances[r.GUID]
	}
	m.typ(r.Type)
	refuseIf(m.isLink(r.End1) || m.isLink(r.End2), "relationships as ends")
	end1, end2 := m.find(r.End1), m.find(r.End2)
	if end1 == nil || end2 == nil {
		return nil
	}
	all := m.between(r.Type, [2]string{end1.guid, end2.guid})
	refuseIf(len(all) > 1, "several")
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

func (m *Model) updateLink(c *events.UpdateRelationship) outcome {
	l := m.findLink(&c.Relationship)
	refuseIf(l == nil, "not there")
	expect(c.Expectation, l.version)
	return m.reviseLink(l, c.Properties, !c.Replace, c.Effectivity)
}

func (m *Model) unlink(c *events.Unlink) outcome {
	l := m.findLink(c.Ref())
	if l == nil {
		expect(c.Expectation, 0)
		return outcome{}
	}
	expect(c.Expectation, l.version)
	m.mustOwn(l)
	m.delete(l, false)
	return outcome{guid: l.guid, changed: true}
}

// external returns references to the element, the scope and the identifier.
func (m *Model) external(x *events.ExternalID) (of, scope, id events.ElementRef) {
	e, s := m.find(x.Element), m.find(x.Scope)
	refuseIf(e == nil || s == nil, "no element or scope")
	return events.ByGUID(e.guid), events.ByGUID(s.guid), m.identified(x)
}

// identified returns a reference to an identifier, which may outlive its scope.
func (m *Model) identified(x *events.ExternalID) events.ElementRef {
	name := cmp.Or(x.Scope.QualifiedName, x.Scope.GUID)
	if s := m.find(x.Scope); s != nil {
		name = cmp.Or(s.name, s.guid)
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "%", "%25"), ":", "%3A")
	return events.ByName("ExternalId::" + name + "::" + x.Identifier)
}

func (m *Model) linkExternalID(c *events.LinkExternalID) outcome {
	of, scope, id := m.external(&c.ExternalID)
	p := c.Properties.Map()
	p["identifier"] = c.Identifier
	r := m.identifier(id, p)
	if len(m.between("ExternalIdScope", [2]string{scope.GUID, r.guid})) == 0 {
		m.link(&events.Link{Relationship: events.RelationshipSpec{Type: "ExternalIdScope", End1: scope, End2: id}})
		r.changed = true
	}
	linked := m.link(&events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: "ExternalIdLink", End1: of, End2: id, Properties: c.Link}})
	r.changed = r.changed || linked.changed
	return r
}

// identifier creates or updates an identifier. It may belong to another source if it
// stays the same.
func (m *Model) identifier(ref events.ElementRef, p map[string]any) outcome {
	if e := m.find(ref); e != nil && e.typ == "ExternalId" && !e.archived() {
		if want := m.wanted(e.typ, e.properties, events.Props(p), true, events.RefuseUnknown); same(want, e.properties) {
			return e.outcome()
		}
	}
	return m.upsert(&events.Upsert{Merge: true, Element: events.ElementSpec{Type: "ExternalId", QualifiedName: ref.QualifiedName, Properties: events.Props(p)}})
}

// unlinkExternalID deletes an identifier after its last link, unless another source owns
// it.
func (m *Model) unlinkExternalID(c *events.UnlinkExternalID) outcome {
	refuseIf(m.isLink(c.Element) || m.isLink(c.Scope), "a relationship")
	ref := m.identified(&c.ExternalID)
	id := m.find(ref)
	if id == nil {
		return outcome{}
	}
	r := id.outcome()
	if m.find(c.Element) != nil {
		r.changed = m.unlink(&events.Unlink{Type: "ExternalIdLink", End1: c.Element, End2: ref}).changed
	}
	if len(m.identifying(id.guid)) == 0 && m.owns(id) {
		return m.remove(&events.Delete{Element: ref, Cascade: true})
	}
	return r
}

// identifying returns the links from elements to an identifier.
func (m *Model) identifying(id string) []*instance {
	return slices.DeleteFunc(m.linked(id), func(l *instance) bool { return l.typ != "ExternalIdLink" })
}

func (m *Model) confirm(c *events.ConfirmSynchronization) outcome {
	of, _, id := m.external(&c.ExternalID)
	refuseIf(m.find(id) == nil, "no such identifier")
	at, changed := cmp.Or(c.Time, m.request.time), c.OpenChanged
	if e := m.find(of); changed.IsZero() && !cmp.Or(e.updated, e.created).After(at) {
		changed = cmp.Or(e.updated, e.created)
	}
	properties := map[string]any{}
	for name, t := range map[string]time.Time{"lastSynchronized": at, "openChanged": changed, "thirdPartyChanged": c.ThirdPartyChanged} {
		if properties[name] = nil; !t.IsZero() {
			properties[name] = stamp(t)
		}
	}
	return m.updateLink(&events.UpdateRelationship{
		Relationship: events.RelationshipRef{Type: "ExternalIdLink", End1: of, End2: id}, Properties: events.Props(properties),
	})
}
