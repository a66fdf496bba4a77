package graphtest

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

func (m *Model) createNew(c *events.Create) (outcome, error) {
	if e, err := m.meant(&c.Element); e != nil || err != nil {
		return outcome{}, refusal("it is there, or %v", err)
	}
	return m.upsert(&events.Upsert{Element: c.Element, UnknownProperties: c.UnknownProperties})
}

// meant is the element that a spec means: a name is never given to a second
// element, no element changes its name, and only retyping changes its type.
func (m *Model) meant(s *events.ElementSpec) (*modelElement, error) {
	e := m.named(s.QualifiedName)
	if s.GUID != "" {
		if e != nil && e.guid != s.GUID || m.links[s.GUID] != nil {
			return nil, refusal("taken")
		}
		e = m.elements[s.GUID]
		if e != nil && s.QualifiedName != "" && e.name != s.QualifiedName {
			return nil, refusal("its name is %s", e.name)
		}
	}
	if e != nil && e.typ != s.Type {
		return nil, refusal("it is a %s", e.typ)
	}
	return e, nil
}

func (m *Model) upsert(c *events.Upsert) (outcome, error) {
	s := &c.Element
	if m.attributes(s.Type) == nil {
		return outcome{}, refusal("no type %s", s.Type)
	}
	old, err := m.meant(s)
	if err != nil {
		return outcome{}, err
	}
	if old == nil {
		return m.create(c)
	}
	if !asExpected(c.Expectation, old.version) {
		return outcome{}, refusal("version %d", old.version)
	}
	event := events.TypeElementUpdated
	if old.archived() {
		event = events.TypeElementRestored
	}
	return m.revise(old, event, func(e *modelElement) error {
		if e.properties, err = m.wanted(s.Type, old.properties, s.Properties, c.Merge, c.UnknownProperties); err != nil {
			return err
		}
		delete(e.marks, events.Memento)
		if err = m.shape(e, s); err == nil && old.archived() && m.anchorArchived(e) {
			err = refusal("its anchor is archived")
		}
		return err
	})
}

func (m *Model) create(c *events.Upsert) (outcome, error) {
	s := &c.Element
	if s.GUID != "" && s.GUID == s.QualifiedName {
		return outcome{}, refusal("the guid is no name")
	}
	e := &modelElement{
		guid: s.GUID, typ: s.Type, name: s.QualifiedName, version: 1, created: m.issue.time, zones: []string{"draft"},
		marks: map[string]modelMark{}, category: m.issue.origin(), source: m.issue.source, scope: m.issue.scope,
	}
	if e.name == "" && e.typ != "ContactDetails" || !asExpected(c.Expectation, 0) {
		return outcome{}, refusal("a name is needed, or a version is expected")
	}
	if e.guid == "" {
		e.guid = events.GUIDOf(e.name)
		if e.name == "" {
			e.guid = m.newGUID()
		}
	}
	if m.elements[e.guid] != nil || m.links[e.guid] != nil {
		return outcome{}, refusal("the guid is taken")
	}
	var err error
	if e.properties, err = m.wanted(s.Type, nil, s.Properties, false, c.UnknownProperties); err != nil {
		return outcome{}, err
	}
	if err := m.shape(e, s); err != nil {
		return outcome{}, err
	}
	return m.put(e, events.TypeElementCreated), nil
}

func (m *Model) newGUID() string {
	m.issue.made++
	return FreshGUID(m.issue.id, m.issue.sequence, m.issue.time, m.issue.made-1)
}

// shape gives an element what a spec says besides the properties; what it leaves
// out stays.
func (m *Model) shape(e *modelElement, s *events.ElementSpec) error {
	if s.Zones != nil {
		e.zones = slices.Compact(slices.Sorted(slices.Values(s.Zones)))
	}
	if s.Classifications != nil {
		clear(e.marks)
	}
	for _, c := range s.Classifications {
		if err := m.mark(e, c); err != nil {
			return err
		}
	}
	if s.Effectivity != nil {
		e.effective = *s.Effectivity
	}
	if s.Anchor == (events.ElementRef{}) {
		return nil
	}
	anchor := m.find(s.Anchor)
	if anchor == nil || anchor.archived() {
		return refusal("no anchor, or an archived one")
	}
	e.anchor = anchor.guid
	for up := anchor; up != nil; up = m.elements[up.anchor] {
		if up.guid == e.guid {
			return refusal("a circle")
		}
	}
	return nil
}

func (m *Model) mark(e *modelElement, c events.Classification) error {
	if m.attributes(c.Name) == nil || !mayMark(c.Name, e.typ) {
		return refusal("no %s on %s", c.Name, e.typ)
	}
	p, err := m.wanted(c.Name, nil, c.Properties, false, events.RefuseUnknown)
	e.marks[c.Name] = modelMark{properties: p, effective: c.Effectivity}
	return err
}

func mayMark(mark, typ string) bool {
	return referenceable(typ) || mark == events.Template || mark == events.Memento
}

func referenceable(typ string) bool { return typ != "ContactDetails" }

func (e *modelElement) archived() bool { _, ok := e.marks[events.Memento]; return ok }

func (e *modelElement) clone() *modelElement {
	c := *e
	c.marks = maps.Clone(e.marks)
	return &c
}

// revise changes an element, unless it is so already. What is seen by a
// reconciliation belongs to its scope.
func (m *Model) revise(old *modelElement, event string, edit func(*modelElement) error) (outcome, error) {
	if err := m.mayChange(old.source); err != nil {
		return outcome{}, err
	}
	return m.lead(old, event, edit)
}

// lead changes an element as another one does to which it is anchored. Whoever may
// change that may do so to all that is anchored to it.
func (m *Model) lead(old *modelElement, event string, edit func(*modelElement) error) (outcome, error) {
	e := old.clone()
	if err := edit(e); err != nil {
		return outcome{}, err
	}
	if m.issue.scope != "" && m.mayChange(old.source) == nil {
		e.scope = m.issue.scope
	}
	if e.String() == old.String() {
		return outcome{guid: old.guid, version: old.version}, nil
	}
	return m.touch(e, event), nil
}

func (m *Model) touch(e *modelElement, event string) outcome {
	e.version++
	e.updated = m.issue.time
	return m.put(e, event)
}

func (m *Model) put(e *modelElement, event string) outcome {
	m.elements[e.guid] = e
	m.note("element", e.guid, event, e.version)
	return outcome{guid: e.guid, version: e.version, changed: true}
}

func (m *Model) update(c *events.Update) (outcome, error) {
	old, err := m.living(c.Element, c.Expectation)
	if err != nil {
		return outcome{}, err
	}
	return m.revise(old, events.TypeElementUpdated, func(e *modelElement) error {
		if c.Zones != nil {
			e.zones = slices.Compact(slices.Sorted(slices.Values(c.Zones)))
		}
		if c.Effectivity != nil {
			e.effective = *c.Effectivity
		}
		e.properties, err = m.wanted(old.typ, old.properties, c.Properties, !c.Replace, c.UnknownProperties)
		return err
	})
}

func (m *Model) rezone(ref events.ElementRef, zones ...string) (outcome, error) {
	old, err := m.living(ref, events.Expectation{})
	if err != nil {
		return outcome{}, err
	}
	return m.revise(old, events.TypeElementUpdated, func(e *modelElement) error {
		e.zones = zones
		return nil
	})
}

func (m *Model) classify(c *events.Classify) (outcome, error) {
	old, err := m.living(c.Element, c.Expectation)
	if err != nil {
		return outcome{}, err
	}
	name, event := c.Classification.Name, events.TypeElementClassified
	have, ok := old.marks[name]
	if ok {
		event = events.TypeElementReclassified
	}
	return m.revise(old, event, func(e *modelElement) error {
		if err := m.mark(e, c.Classification); err != nil || !ok || !c.Merge {
			return err
		}
		merged := modelMark{properties: overlaid(have.properties, c.Classification.Properties.Map(), true), effective: have.effective}
		if c.Classification.Effectivity != (events.Effectivity{}) {
			merged.effective = c.Classification.Effectivity
		}
		e.marks[name] = merged
		return nil
	})
}

func (m *Model) declassify(c *events.Declassify) (outcome, error) {
	old, err := m.living(c.Element, c.Expectation)
	if err != nil {
		return outcome{}, err
	}
	if _, ok := old.marks[c.ClassificationName]; !ok {
		return outcome{guid: old.guid, version: old.version}, m.mayChange(old.source)
	}
	return m.revise(old, events.TypeElementDeclassified, func(e *modelElement) error {
		delete(e.marks, c.ClassificationName)
		return nil
	})
}

// retype keeps the properties that the new type has too. What the element is
// related to and marked with must be allowed on the new type.
func (m *Model) retype(c *events.Retype) (outcome, error) {
	old, err := m.living(c.Element, c.Expectation)
	if err != nil {
		return outcome{}, err
	}
	attributes := m.attributes(c.Type)
	switch {
	case attributes == nil:
		return outcome{}, refusal("no type %s", c.Type)
	case c.Type == old.typ:
		return m.update(&events.Update{Element: events.ByGUID(old.guid), Properties: c.Properties})
	case old.name == "" && referenceable(c.Type):
		return outcome{}, refusal("a name is needed")
	}
	if err := m.mayBecome(old, c.Type); err != nil {
		return outcome{}, err
	}
	e := old.clone()
	e.typ = c.Type
	kept := maps.Clone(old.properties)
	maps.DeleteFunc(kept, func(name string, _ any) bool { return attributes[name] == "" })
	if e.properties, err = m.wanted(c.Type, kept, c.Properties, true, events.RefuseUnknown); err != nil {
		return outcome{}, err
	}
	for name, v := range e.properties {
		if !fits(attributes[name], v) {
			return outcome{}, refusal("%s cannot be %v", name, v)
		}
	}
	if err := m.mayChange(old.source); err != nil {
		return outcome{}, err
	}
	for _, l := range m.linked(e.guid) {
		again := *l // with the new type at this end
		m.putLink(&again, events.TypeRelationshipUpdated)
	}
	m.note("element", e.guid, events.TypeElementMoved, 0)
	return m.touch(e, events.TypeElementRetyped), nil
}

// mayBecome says whether what an element is related to and marked with may be so
// where it is of another type.
func (m *Model) mayBecome(e *modelElement, typ string) error {
	for _, l := range m.linked(e.guid) {
		if l.end1 == e.guid && !mayStand(l.typ, 1, typ) || l.end2 == e.guid && !mayStand(l.typ, 2, typ) {
			return refusal("%s", l)
		}
	}
	for name := range e.marks {
		if !mayMark(name, typ) {
			return refusal("no %s on %s", name, typ)
		}
	}
	return nil
}

// rehome is for who belongs to the present home, or to none.
func (m *Model) rehome(c *events.Rehome) (outcome, error) {
	if c.Element == (events.ElementRef{}) {
		return m.rehomeLink(c)
	}
	old, err := m.must(c.Element, c.Expectation)
	if err != nil || old.source != c.From || m.issue.source != "" && m.mayChange(old.source) != nil {
		return outcome{}, refusal("not from %s, or %v", c.From, err)
	}
	if c.From == c.To {
		return outcome{guid: old.guid, version: old.version}, nil
	}
	e := old.clone()
	e.category, e.source = homeAfter(old.category, c.To)
	e.scope = ""
	return m.touch(e, events.TypeElementRehomed), nil
}

// homeAfter is the home of what was at home in a category.
func homeAfter(category events.OriginCategory, to string) (as events.OriginCategory, source string) {
	switch {
	case to == "":
		return events.OriginLocal, ""
	case category == events.OriginLocal:
		return events.OriginExternal, to
	default:
		return category, to
	}
}

// linked returns the relationships of an element, by guid.
func (m *Model) linked(guid string) (links []*modelLink) {
	for _, id := range slices.Sorted(maps.Keys(m.links)) {
		if l := m.links[id]; l.end1 == guid || l.end2 == guid {
			links = append(links, l)
		}
	}
	return links
}
