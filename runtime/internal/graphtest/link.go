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

func (m *Model) link(c *events.Link) (outcome, error) {
	s := &c.Relationship
	end1, end2 := m.find(s.End1), m.find(s.End2)
	if m.attributes(s.Type) == nil || end1 == nil || end2 == nil || !mayStand(s.Type, 1, end1.typ) || !mayStand(s.Type, 2, end2.typ) {
		return outcome{}, refusal("no such ends")
	}
	old, id, err := m.meantLink(s, end1.guid, end2.guid)
	if err != nil {
		return outcome{}, err
	}
	if old != nil {
		if !asExpected(c.Expectation, old.version) {
			return outcome{}, refusal("version %d", old.version)
		}
		return m.reviseLink(old, s.Properties, c.Merge, s.Effectivity)
	}
	if s.Type != "DataFlow" && (end1.archived() || end2.archived()) {
		return outcome{}, refusal("archived") // only lineage leads to what was
	}
	l := &modelLink{
		guid: id, typ: s.Type, end1: end1.guid, end2: end2.guid, version: 1,
		category: m.issue.origin(), source: m.issue.source, scope: m.issue.scope, created: m.issue.time,
	}
	if s.Effectivity != nil {
		l.effective = *s.Effectivity
	}
	if l.properties, err = m.wanted(s.Type, nil, s.Properties, false, events.RefuseUnknown); err != nil || !asExpected(c.Expectation, 0) {
		return outcome{}, refusal("properties or version: %v", err)
	}
	if err := m.makeRoom(l); err != nil {
		return outcome{}, err
	}
	return m.putLink(l, events.TypeRelationshipCreated), nil
}

// makeRoom drops what the same reconciliation saw before in that place.
func (m *Model) makeRoom(l *modelLink) error {
	for _, other := range m.inTheWay(l) {
		if m.issue.scope == "" || other.scope != m.issue.scope || other.source != m.issue.source {
			return refusal("%s is in the way", other)
		}
		m.drop(other, false)
	}
	return nil
}

// meantLink is the relationship that a spec means: there is one of a type between
// two elements, unless the type is a multi-link.
func (m *Model) meantLink(s *events.RelationshipSpec, end1, end2 string) (old *modelLink, id string, err error) {
	id = s.GUID
	if id == "" {
		id = events.RelationshipGUIDOf(s.Type, end1, end2)
	}
	if m.elements[id] != nil {
		return nil, "", refusal("the guid of an element")
	}
	if old = m.links[id]; old != nil {
		if old.typ != s.Type || old.end1 != end1 || old.end2 != end2 {
			return nil, "", refusal("the guid of another")
		}
		return old, id, nil
	}
	if s.Type == "DataFlow" {
		return nil, id, nil
	}
	if old = m.only(s.Type, end1, end2); old != nil && (s.GUID != "" || old.typ != s.Type) {
		return nil, "", refusal("there can be only one")
	}
	return old, id, nil
}

func (m *Model) between(typ, end1, end2 string) (all []*modelLink) {
	for _, l := range m.linked(end1) {
		if l.typ == typ && l.end1 == end1 && l.end2 == end2 {
			all = append(all, l)
		}
	}
	return all
}

// only is the relationship between two elements, where there can be but one.
func (m *Model) only(typ, end1, end2 string) *modelLink {
	types := []string{typ}
	if holds(typ) {
		types = []string{"Holds", "HoldsTight"}
	}
	for _, typ := range types {
		for _, l := range m.between(typ, end1, end2) {
			return l
		}
	}
	return nil
}

// inTheWay are those that leave no room for another one: a connection has one
// endpoint, and a file has one folder that holds it, but for those that are
// archived.
func (m *Model) inTheWay(l *modelLink) []*modelLink {
	switch {
	case l.typ == "ConnectToEndpoint":
		return slices.DeleteFunc(m.linked(l.end1), func(other *modelLink) bool {
			return other.typ != l.typ || other.end1 != l.end1 || m.elements[other.end2].archived()
		})
	case holds(l.typ):
		return slices.DeleteFunc(m.linked(l.end2), func(other *modelLink) bool {
			return !holds(other.typ) || other.end2 != l.end2 || m.elements[other.end1].archived()
		})
	default:
		return nil
	}
}

// giveWay drops the relationships of an element that is archived no more which
// have lost their place meanwhile.
func (m *Model) giveWay(back string) {
	for _, l := range m.linked(back) {
		far := l.typ == "ConnectToEndpoint" && l.end2 == back || holds(l.typ) && l.end1 == back
		if far && slices.ContainsFunc(m.inTheWay(l), func(other *modelLink) bool { return other.guid != l.guid }) {
			m.drop(l, false)
		}
	}
}

func (m *Model) reviseLink(old *modelLink, p events.Properties, merge bool, effective *events.Effectivity) (outcome, error) {
	l := *old
	var err error
	if l.properties, err = m.wanted(l.typ, old.properties, p, merge, events.RefuseUnknown); err != nil {
		return outcome{}, err
	}
	if err := m.mayChange(old.source); err != nil {
		return outcome{}, err
	}
	if effective != nil {
		l.effective = *effective
	}
	if m.issue.scope != "" {
		l.scope = m.issue.scope
	}
	if l.String() == old.String() {
		return outcome{guid: l.guid, version: l.version}, nil
	}
	l.version++
	l.updated = m.issue.time
	return m.putLink(&l, events.TypeRelationshipUpdated), nil
}

func (m *Model) putLink(l *modelLink, event string) outcome {
	m.links[l.guid] = l
	m.note("relationship", l.guid, event, l.version)
	return outcome{guid: l.guid, version: l.version, changed: true}
}

func (m *Model) drop(l *modelLink, purge bool) {
	delete(m.links, l.guid)
	delete(m.graves, l.guid) // of an element that had the guid before
	m.note("relationship", l.guid, events.TypeRelationshipDeleted, 0)
	if purge {
		m.forget("relationship", l.guid)
		return
	}
	m.issue.gone = append(m.issue.gone, l)
}

func (m *Model) findLink(r *events.RelationshipRef) (*modelLink, error) {
	if r.GUID != "" {
		if m.elements[r.GUID] != nil {
			return nil, refusal("an element")
		}
		return m.links[r.GUID], nil
	}
	if m.attributes(r.Type) == nil || m.isLink(r.End1) || m.isLink(r.End2) {
		return nil, refusal("no such type, or relationships as ends")
	}
	end1, end2 := m.find(r.End1), m.find(r.End2)
	if end1 == nil || end2 == nil {
		return nil, nil //nolint:nilnil // none
	}
	all := m.between(r.Type, end1.guid, end2.guid)
	switch len(all) {
	case 0:
		return nil, nil //nolint:nilnil // none
	case 1:
		return all[0], nil
	default:
		return nil, refusal("several")
	}
}

func (m *Model) updateLink(c *events.UpdateRelationship) (outcome, error) {
	l, err := m.findLink(&c.Relationship)
	if l == nil || err != nil || !asExpected(c.Expectation, l.version) {
		return outcome{}, refusal("not there, or %v", err)
	}
	return m.reviseLink(l, c.Properties, !c.Replace, c.Effectivity)
}

func (m *Model) rehomeLink(c *events.Rehome) (outcome, error) {
	old, err := m.findLink(&c.Relationship)
	if old == nil || err != nil || !asExpected(c.Expectation, old.version) || old.source != c.From || m.issue.source != "" && m.mayChange(old.source) != nil {
		return outcome{}, refusal("not there, not from %s, or %v", c.From, err)
	}
	if c.From == c.To {
		return outcome{guid: old.guid, version: old.version}, nil
	}
	l := *old
	l.category, l.source = homeAfter(old.category, c.To)
	l.scope = ""
	l.version++
	l.updated = m.issue.time
	return m.putLink(&l, events.TypeRelationshipRehomed), nil
}

func (m *Model) unlink(c *events.Unlink) (outcome, error) {
	l, err := m.findLink(c.Ref())
	switch {
	case err == nil && l == nil && !asExpected(c.Expectation, 0):
		return outcome{}, refusal("it is not there")
	case err != nil || l == nil:
		return outcome{}, err
	case !asExpected(c.Expectation, l.version):
		return outcome{}, refusal("version %d", l.version)
	}
	if err := m.mayChange(l.source); err != nil {
		return outcome{}, err
	}
	m.drop(l, false)
	return outcome{guid: l.guid, changed: true}, nil
}

// external finds an element and a scope, and names the identifier.
func (m *Model) external(x *events.ExternalID) (of, scope, id events.ElementRef, ok bool) {
	e, s := m.find(x.Element), m.find(x.Scope)
	if e == nil || s == nil {
		return of, scope, id, false
	}
	id, ok = m.identified(x)
	return events.ByGUID(e.guid), events.ByGUID(s.guid), id, ok
}

// identified names an identifier, whether or not the element is there.
func (m *Model) identified(x *events.ExternalID) (id events.ElementRef, ok bool) {
	s := m.find(x.Scope)
	if s == nil {
		return id, false
	}
	name := s.name
	if name == "" {
		name = s.guid
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "%", "%25"), ":", "%3A")
	return events.ByName("ExternalId::" + name + "::" + x.Identifier), true
}

func (m *Model) linkExternalID(c *events.LinkExternalID) (outcome, error) {
	of, scope, id, ok := m.external(&c.ExternalID)
	if !ok {
		return outcome{}, refusal("no element or scope")
	}
	p := c.Properties.Map()
	p["identifier"] = c.Identifier
	r, err := m.identifier(id, p)
	if err != nil {
		return r, err
	}
	if len(m.between("ExternalIdScope", scope.GUID, r.guid)) == 0 {
		if _, err := m.link(&events.Link{Relationship: events.RelationshipSpec{Type: "ExternalIdScope", End1: scope, End2: id}}); err != nil {
			return r, err
		}
		r.changed = true
	}
	linked, err := m.link(&events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: "ExternalIdLink", End1: of, End2: id, Properties: c.Link}})
	r.changed = r.changed || linked.changed
	return r, err
}

// identifier is one that others may have made: who changes nothing about it need
// not own it.
func (m *Model) identifier(ref events.ElementRef, p map[string]any) (outcome, error) {
	if e := m.find(ref); e != nil && e.typ == "ExternalId" && !e.archived() {
		want, err := m.wanted(e.typ, e.properties, events.Props(p), true, events.RefuseUnknown)
		if err != nil {
			return outcome{}, err
		}
		if same(want, e.properties) {
			return outcome{guid: e.guid, version: e.version}, nil
		}
	}
	return m.upsert(&events.Upsert{Merge: true, Element: events.ElementSpec{Type: "ExternalId", QualifiedName: ref.QualifiedName, Properties: events.Props(p)}})
}

// unlinkExternalID deletes an identifier that no element has any more, unless it
// belongs to somebody else.
func (m *Model) unlinkExternalID(c *events.UnlinkExternalID) (outcome, error) {
	ref, ok := m.identified(&c.ExternalID)
	if !ok { // it may outlive its scope
		ref = events.ByName(events.ExternalIDName(cmp.Or(c.Scope.QualifiedName, c.Scope.GUID), c.Identifier))
	}
	id := m.find(ref)
	if m.isLink(c.Element) || m.isLink(c.Scope) {
		return outcome{}, refusal("a relationship")
	}
	if id == nil {
		return outcome{}, nil
	}
	var r outcome
	if m.find(c.Element) != nil {
		var err error
		if r, err = m.unlink(&events.Unlink{Type: "ExternalIdLink", End1: c.Element, End2: ref}); err != nil {
			return r, err
		}
	}
	for _, l := range m.linked(id.guid) {
		if l.typ == "ExternalIdLink" {
			return outcome{guid: id.guid, version: id.version, changed: r.changed}, nil
		}
	}
	if removed, err := m.remove(&events.Delete{Element: ref, Cascade: true}); err == nil {
		return removed, nil
	}
	return outcome{guid: id.guid, version: id.version, changed: r.changed}, nil
}

func (m *Model) confirm(c *events.ConfirmSynchronization) (outcome, error) {
	of, _, id, ok := m.external(&c.ExternalID)
	if !ok || m.find(id) == nil {
		return outcome{}, refusal("no such identifier")
	}
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
	var ours, theirs any
	if !changed.IsZero() {
		ours = stamp(changed)
	}
	if !c.ThirdPartyChanged.IsZero() {
		theirs = stamp(c.ThirdPartyChanged)
	}
	return m.updateLink(&events.UpdateRelationship{
		Relationship: events.RelationshipRef{Type: "ExternalIdLink", End1: of, End2: id},
		Properties: events.Props(map[string]any{
			"lastSynchronized": stamp(at), "openChanged": ours, "thirdPartyChanged": theirs,
		}),
	})
}
