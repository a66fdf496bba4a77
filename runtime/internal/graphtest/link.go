package graphtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
)

// mayStand reports whether an element of a type may be at an end of a
// relationship.
func mayStand(link string, end int, typ string) bool {
	file := typ == "DataFile" || typ == "CSVFile"
	switch {
	case (link == "NestedFile" || holds(link)) && end == 1:
		return typ == "FileFolder"
	case link == "NestedFile" || holds(link):
		return file
	case link == "ConnectToEndpoint" && end == 1:
		return typ == "Connection"
	case link == "ConnectToEndpoint":
		return typ == "Endpoint"
	case strings.HasPrefix(link, "ExternalId") && end == 2:
		return typ == "ExternalId"
	case link == "ExternalIdLink":
		return true
	default:
		return referenceable(typ)
	}
}

// holds are a type and its subtype, of which a file has one.
func holds(typ string) bool { return typ == "Holds" || typ == "HoldsTight" }

func (m *Model) link(c *events.Link) outcome {
	s := &c.Relationship
	end1, end2 := m.find(s.End1), m.find(s.End2)
	refuseIf(m.attributes(s.Type) == nil || end1 == nil || end2 == nil || !mayStand(s.Type, 1, end1.typ) || !mayStand(s.Type, 2, end2.typ), "no such ends")
	old, id := m.meantLink(s, end1.guid, end2.guid)
	if old != nil {
		expect(c.Expectation, old.version)
		return m.reviseLink(old, s.Properties, c.Merge, s.Effectivity)
	}
	expect(c.Expectation, 0)
	refuseIf(s.Type != "DataFlow" && (end1.archived() || end2.archived()), "archived") // only lineage leads to what was
	l := m.issue.created(id, s.Type)
	l.end1, l.end2 = end1.guid, end2.guid
	l.setEffectivity(s.Effectivity)
	l.properties = m.wanted(s.Type, nil, s.Properties, false, events.RefuseUnknown)
	for _, other := range m.inTheWay(l) { // what the same reconciliation saw before in that place goes
		refuseIf(m.issue.scope == "" || other.scope != m.issue.scope || other.source != m.issue.source, "%s is in the way", other)
		m.drop(other, false)
	}
	return m.put(l, events.TypeRelationshipCreated)
}

// meantLink is the relationship that a spec means: there is one of a type between
// two elements, unless the type is a multi-link.
func (m *Model) meantLink(s *events.RelationshipSpec, end1, end2 string) (old *thing, id string) {
	id = cmp.Or(s.GUID, events.RelationshipGUIDOf(s.Type, end1, end2))
	refuseIf(m.elements[id] != nil, "the guid of an element")
	if old = m.links[id]; old != nil {
		refuseIf(old.typ != s.Type || old.end1 != end1 || old.end2 != end2, "the guid of another")
	} else if s.Type != "DataFlow" {
		old = m.only(s.Type, end1, end2)
		refuseIf(old != nil && (s.GUID != "" || old.typ != s.Type), "there can be only one")
	}
	return old, id
}

func (m *Model) between(typ, end1, end2 string) []*thing {
	return slices.DeleteFunc(m.linked(end1), func(l *thing) bool { return l.typ != typ || l.end1 != end1 || l.end2 != end2 })
}

// only is the relationship between two elements, where there can be but one.
func (m *Model) only(typ, end1, end2 string) *thing {
	all := m.between(typ, end1, end2)
	if holds(typ) {
		all = append(m.between("Holds", end1, end2), m.between("HoldsTight", end1, end2)...)
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// inTheWay are those that leave no room for another one: a connection has one
// endpoint, and a file has one folder that holds it, but for those that are
// archived.
func (m *Model) inTheWay(l *thing) []*thing {
	switch {
	case l.typ == "ConnectToEndpoint":
		return slices.DeleteFunc(m.linked(l.end1), func(other *thing) bool {
			return other.typ != l.typ || other.end1 != l.end1 || m.elements[other.end2].archived()
		})
	case holds(l.typ):
		return slices.DeleteFunc(m.linked(l.end2), func(other *thing) bool {
			return !holds(other.typ) || other.end2 != l.end2 || m.elements[other.end1].archived()
		})
	default:
		return nil
	}
}

// replaceEnds drops the relationships of an element that is archived no more which
// have lost their place meanwhile.
func (m *Model) replaceEnds(back string) {
	for _, l := range m.linked(back) {
		far := l.typ == "ConnectToEndpoint" && l.end2 == back || holds(l.typ) && l.end1 == back
		if far && slices.ContainsFunc(m.inTheWay(l), func(other *thing) bool { return other.guid != l.guid }) {
			m.drop(l, false)
		}
	}
}

func (m *Model) reviseLink(old *thing, p events.Properties, merge bool, effective *events.Effectivity) outcome {
	m.mustOwn(old)
	l := old.clone()
	l.properties = m.wanted(l.typ, old.properties, p, merge, events.RefuseUnknown)
	l.setEffectivity(effective)
	return m.revise(old, l, events.TypeRelationshipUpdated)
}

// findLink returns the relationship that a reference means, nil if there is none.
func (m *Model) findLink(r *events.RelationshipRef) *thing {
	if r.GUID != "" {
		refuseIf(m.elements[r.GUID] != nil, "an element")
		return m.links[r.GUID]
	}
	refuseIf(m.attributes(r.Type) == nil || m.isLink(r.End1) || m.isLink(r.End2), "no such type, or relationships as ends")
	end1, end2 := m.find(r.End1), m.find(r.End2)
	if end1 == nil || end2 == nil {
		return nil
	}
	all := m.between(r.Type, end1.guid, end2.guid)
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
	m.drop(l, false)
	return outcome{guid: l.guid, changed: true}
}

// external finds an element and a scope, and names the identifier.
func (m *Model) external(x *events.ExternalID) (of, scope, id events.ElementRef) {
	e, s := m.find(x.Element), m.find(x.Scope)
	refuseIf(e == nil || s == nil, "no element or scope")
	return events.ByGUID(e.guid), events.ByGUID(s.guid), m.identified(x)
}

// identified names an identifier, whether or not the element is there; it may also
// outlive its scope.
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
	if len(m.between("ExternalIdScope", scope.GUID, r.guid)) == 0 {
		m.link(&events.Link{Relationship: events.RelationshipSpec{Type: "ExternalIdScope", End1: scope, End2: id}})
		r.changed = true
	}
	linked := m.link(&events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: "ExternalIdLink", End1: of, End2: id, Properties: c.Link}})
	r.changed = r.changed || linked.changed
	return r
}

// identifier is one that others may have made: who changes nothing about it need
// not own it.
func (m *Model) identifier(ref events.ElementRef, p map[string]any) outcome {
	if e := m.find(ref); e != nil && e.typ == "ExternalId" && !e.archived() {
		if want := m.wanted(e.typ, e.properties, events.Props(p), true, events.RefuseUnknown); same(want, e.properties) {
			return e.outcome()
		}
	}
	return m.upsert(&events.Upsert{Merge: true, Element: events.ElementSpec{Type: "ExternalId", QualifiedName: ref.QualifiedName, Properties: events.Props(p)}})
}

// unlinkExternalID deletes an identifier that no element has any more, unless it
// belongs to somebody else.
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

// identifying are the links from elements to an identifier.
func (m *Model) identifying(id string) []*thing {
	return slices.DeleteFunc(m.linked(id), func(l *thing) bool { return l.typ != "ExternalIdLink" })
}

func (m *Model) confirm(c *events.ConfirmSynchronization) outcome {
	of, _, id := m.external(&c.ExternalID)
	refuseIf(m.find(id) == nil, "no such identifier")
	at := c.Time
	if at.IsZero() {
		at = m.issue.time
	}
	changed := c.OpenChanged
	if e := m.find(of); changed.IsZero() {
		changed = e.created
		if !e.updated.IsZero() {
			changed = e.updated
		}
		if changed.After(at) {
			changed = time.Time{}
		}
	}
	properties := map[string]any{"lastSynchronized": stamp(at), "openChanged": nil, "thirdPartyChanged": nil}
	for name, t := range map[string]time.Time{"openChanged": changed, "thirdPartyChanged": c.ThirdPartyChanged} {
		if !t.IsZero() {
			properties[name] = stamp(t)
		}
	}
	return m.updateLink(&events.UpdateRelationship{
		Relationship: events.RelationshipRef{Type: "ExternalIdLink", End1: of, End2: id}, Properties: events.Props(properties),
	})
}
