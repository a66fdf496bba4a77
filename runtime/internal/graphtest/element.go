package graphtest

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

func (m *Model) createNew(c *events.Create) outcome {
	refuseIf(m.meant(&c.Element) != nil, "it is there")
	return m.upsert(&events.Upsert{Element: c.Element, UnknownProperties: c.UnknownProperties})
}

// meant returns the element that a spec means: a name has one element, an element keeps
// its name, and only retyping changes its type.
func (m *Model) meant(s *events.ElementSpec) *instance {
	e := m.named(s.QualifiedName)
	if s.GUID != "" {
		refuseIf(e != nil && e.guid != s.GUID || m.isLink(s.Ref()), "taken")
		e = m.element(s.GUID)
		refuseIf(e != nil && s.QualifiedName != "" && e.name != s.QualifiedName, "it has another name")
	}
	refuseIf(e != nil && e.typ != m.typ(s.Type).Name(), "it is of another type")
	return e
}

func (m *Model) upsert(c *events.Upsert) outcome {
	s := &c.Element
	old := m.meant(s)
	if old == nil {
		return m.create(c)
	}
	expect(c.Expectation, old.version)
	m.mustOwn(old)
	event := events.TypeElementUpdated
	if old.archived() {
		event = events.TypeElementRestored
	}
	e := old.clone()
	e.properties = m.wanted(s.Type, old.properties, s.Properties, c.Merge, c.UnknownProperties)
	delete(e.classifications, events.Memento)
	m.shape(e, s)
	refuseIf(old.archived() && m.anchorArchived(e), "its anchor is archived")
	return m.revise(old, e, event)
}

func (m *Model) create(c *events.Upsert) outcome {
	s := &c.Element
	refuseIf(s.GUID != "" && s.GUID == s.QualifiedName, "the guid is no name")
	refuseIf(s.QualifiedName == "" && m.typ(s.Type).RequiresName(), "a name is needed")
	expect(c.Expectation, 0)
	e := m.request.created(s.GUID, s.Type)
	e.name, e.zones = s.QualifiedName, []string{"draft"}
	switch {
	case e.guid != "":
	case e.name != "":
		e.guid = events.GUIDOf(e.name)
	default:
		e.guid = m.newGUID()
	}
	refuseIf(m.instances[e.guid] != nil, "the guid is taken")
	e.properties = m.wanted(s.Type, nil, s.Properties, false, c.UnknownProperties)
	m.shape(e, s)
	return m.put(e, events.TypeElementCreated)
}

func (m *Model) newGUID() string {
	m.request.guids++
	return FreshGUID(m.request.id, m.request.sequence, m.request.time, m.request.guids-1)
}

func (e *instance) setZones(zones []string) {
	if zones != nil {
		e.zones = slices.Compact(slices.Sorted(slices.Values(zones)))
	}
}

func (e *instance) setEffectivity(effective *events.Effectivity) {
	if effective != nil {
		e.effectivity = *effective
	}
}

// shape applies a spec, except its properties, to an element; what the spec leaves out
// stays.
func (m *Model) shape(e *instance, s *events.ElementSpec) {
	e.setZones(s.Zones)
	e.setEffectivity(s.Effectivity)
	if s.Classifications != nil {
		clear(e.classifications)
	}
	for _, c := range s.Classifications {
		m.classifyAs(e, c)
	}
	if s.Anchor == (events.ElementRef{}) {
		return
	}
	anchor := m.find(s.Anchor)
	refuseIf(anchor == nil || anchor.archived(), "no anchor, or an archived one")
	e.anchor = anchor.guid
	for up := anchor; up != nil; up = m.element(up.anchor) {
		refuseIf(up.guid == e.guid, "a circle")
	}
}

func (m *Model) classifyAs(e *instance, c events.Classification) {
	refuseIf(!m.mayClassify(c.Name, e.typ), "no %s on %s", c.Name, e.typ)
	e.classifications[c.Name] = classification{properties: m.wanted(c.Name, nil, c.Properties, false, events.RefuseUnknown), effectivity: c.Effectivity}
}

func (m *Model) mayClassify(mark, typ string) bool {
	return m.typ(mark).MayClassify(m.typ(typ).Header())
}

func (e *instance) archived() bool { _, ok := e.classifications[events.Memento]; return ok }

// revise stores an instance if it has changed. A reconciliation moves it into its scope,
// unless another source owns it and it changes only because its anchor does.
func (m *Model) revise(old, e *instance, event string) outcome {
	if m.request.scope != "" && m.owns(old) {
		e.scope = m.request.scope
	}
	if e.String() == old.String() {
		return old.outcome()
	}
	return m.touch(e, event)
}

func (m *Model) update(c *events.Update) outcome {
	old := m.live(c.Element, c.Expectation)
	m.mustOwn(old)
	e := old.clone()
	e.setZones(c.Zones)
	e.setEffectivity(c.Effectivity)
	e.properties = m.wanted(old.typ, old.properties, c.Properties, !c.Replace, c.UnknownProperties)
	return m.revise(old, e, events.TypeElementUpdated)
}

func (m *Model) rezone(ref events.ElementRef, zones ...string) outcome {
	old := m.live(ref, events.Expectation{})
	m.mustOwn(old)
	e := old.clone()
	e.zones = zones
	return m.revise(old, e, events.TypeElementUpdated)
}

func (m *Model) classify(c *events.Classify) outcome {
	old := m.live(c.Element, c.Expectation)
	m.mustOwn(old)
	name, e := c.Classification.Name, old.clone()
	m.classifyAs(e, c.Classification)
	have, ok := old.classifications[name]
	if !ok {
		return m.revise(old, e, events.TypeElementClassified)
	}
	if c.Merge {
		merged := classification{properties: overlaid(have.properties, c.Classification.Properties.Map(), true), effectivity: have.effectivity}
		if c.Classification.Effectivity != (events.Effectivity{}) {
			merged.effectivity = c.Classification.Effectivity
		}
		e.classifications[name] = merged
	}
	return m.revise(old, e, events.TypeElementReclassified)
}

func (m *Model) declassify(c *events.Declassify) outcome {
	old := m.live(c.Element, c.Expectation)
	m.mustOwn(old)
	if _, ok := old.classifications[c.ClassificationName]; !ok {
		return old.outcome()
	}
	e := old.clone()
	delete(e.classifications, c.ClassificationName)
	return m.revise(old, e, events.TypeElementDeclassified)
}

// retype keeps the properties that the new type has too. The new type must allow the
// relationships and classifications of the element.
func (m *Model) retype(c *events.Retype) outcome {
	old := m.live(c.Element, c.Expectation)
	attributes := m.attributes(c.Type)
	if c.Type == old.typ {
		return m.update(&events.Update{Element: events.ByGUID(old.guid), Properties: c.Properties})
	}
	m.mustOwn(old)
	refuseIf(old.name == "" && m.typ(c.Type).RequiresName(), "a name is needed")
	for _, l := range m.linked(old.guid) {
		for end, id := range l.ends {
			refuseIf(id == old.guid && !m.mayRelate(l.typ, end, c.Type), "%s", l)
		}
	}
	for name := range old.classifications {
		refuseIf(!m.mayClassify(name, c.Type), "no %s on %s", name, c.Type)
	}
	e := old.clone()
	e.typ = c.Type
	kept := maps.Clone(old.properties)
	maps.DeleteFunc(kept, func(name string, _ any) bool { return attributes[name] == "" })
	e.properties = m.wanted(c.Type, kept, c.Properties, true, events.RefuseUnknown)
	for name, v := range e.properties {
		refuseIf(!fits(attributes[name], v), "%s cannot be %v", name, v)
	}
	m.addEvent(e.key(), events.TypeElementMoved, 0)
	r := m.touch(e, events.TypeElementRetyped)
	for _, l := range m.linked(e.guid) {
		m.put(l.clone(), events.TypeRelationshipUpdated) // with the new type at this end
	}
	return r
}

// rehome is for senders of the present home or of none.
func (m *Model) rehome(c *events.Rehome) outcome {
	var old *instance
	if c.Element != (events.ElementRef{}) {
		old = m.find(c.Element)
	} else {
		old = m.findLink(&c.Relationship)
	}
	refuseIf(old == nil, "it is not there")
	expect(c.Expectation, old.version)
	refuseIf(old.source != c.From || m.request.source != "" && !m.owns(old), "not from %s", c.From)
	if c.From == c.To {
		return old.outcome()
	}
	e := old.clone()
	e.source, e.scope = c.To, ""
	switch {
	case c.To == "":
		e.category = events.OriginLocal
	case old.category == events.OriginLocal:
		e.category = events.OriginExternal
	}
	if e.isLink() {
		return m.touch(e, events.TypeRelationshipRehomed)
	}
	return m.touch(e, events.TypeElementRehomed)
}

// linked returns the relationships of an element, by guid.
func (m *Model) linked(guid string) []*instance {
	return m.all(func(l *instance) bool { return slices.Contains(l.ends[:], guid) })
}
