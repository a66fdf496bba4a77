package graphtest

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// Told is what change events tell.
type Told struct {
	log      map[string][]string
	elements map[string]*events.Element
	links    map[string]*events.Relationship
}

// NewTold returns what no event tells.
func NewTold() *Told {
	return &Told{log: map[string][]string{}, elements: map[string]*events.Element{}, links: map[string]*events.Relationship{}}
}

// Take takes in the next change.
func (o *Told) Take(c *events.Preview) {
	if t := c.OpenType; t != nil {
		o.log["type "+t.Type.Name] = append(o.log["type "+t.Type.Name], line(c.Type, 0))
		return
	}
	if r := c.Relationship; r != nil {
		id, version := r.State().Header.GUID, int64(0)
		if o.links[id] = r.Relationship; r.Relationship != nil {
			version = r.Relationship.Header.Versions.Version
		}
		o.log["relationship "+id] = append(o.log["relationship "+id], line(c.Type, version))
		return
	}
	id, version := c.Element.State().Header.GUID, int64(0)
	if c.Type != events.TypeElementMoved {
		o.elements[id] = c.Element.Element
	}
	if c.Element.Element != nil {
		version = c.Element.Element.Header.Versions.Version
	}
	o.log["element "+id] = append(o.log["element "+id], line(c.Type, version))
}

// Compare compares the events, and the states that they lead to.
func (m *Model) Compare(t rapid.TB, out *Told) {
	for key, want := range m.log {
		want = want[len(want)-m.kept[key]:]
		if got := out.log[key]; !slices.Equal(got, want) {
			t.Errorf("%s: change events %v, the model has %v", key, got, want)
		}
	}
	if len(out.log) != len(m.log) {
		t.Errorf("events of %d elements, relationships and types, the model has %d", len(out.log), len(m.log))
	}
	m.compareStates(t, "the log", out.elements, out.links)
}

// CompareStates compares the JSON of all elements and relationships.
func (m *Model) CompareStates(t rapid.TB, where string, elements, links []jsontext.Value) {
	e, l := map[string]*events.Element{}, map[string]*events.Relationship{}
	for _, s := range elements {
		v, err := events.Unmarshal[events.Element](s)
		if err != nil {
			t.Fatal(err)
		}
		e[v.Header.GUID] = &v
	}
	for _, s := range links {
		v, err := events.Unmarshal[events.Relationship](s)
		if err != nil {
			t.Fatal(err)
		}
		l[v.Header.GUID] = &v
	}
	m.compareStates(t, where, e, l)
}

func (m *Model) compareStates(t rapid.TB, where string, elements map[string]*events.Element, links map[string]*events.Relationship) {
	got, want := map[string]string{}, m.states()
	for id, e := range elements {
		if e != nil {
			got[id] = elementState(e)
		}
	}
	for id, l := range links {
		if l != nil {
			got[id] = linkState(l)
		}
	}
	for id := range want {
		if got[id] != want[id] {
			t.Errorf("%s has\n%s, the model\n%s", where, got[id], want[id])
		}
	}
	for id := range got {
		if want[id] == "" {
			t.Errorf("%s has\n%s, the model has nothing", where, got[id])
		}
	}
}

// states tells everything that there is, by guid.
func (m *Model) states() map[string]string {
	states := make(map[string]string, len(m.elements)+len(m.links))
	for id := range m.elements {
		states[id] = m.state(id)
	}
	for id := range m.links {
		states[id] = m.state(id)
	}
	return states
}

func (m *Model) state(id string) string {
	if e := m.elements[id]; e != nil {
		return e.String() + fmt.Sprintf(" v%d %s %s", e.version, stamp(e.created), stamp(e.updated))
	}
	l := m.links[id]
	return l.String() + fmt.Sprintf(" v%d %s %s", l.version, stamp(l.created), stamp(l.updated)) +
		" of " + m.elements[l.end1].typ + " and " + m.elements[l.end2].typ
}

func elementState(e *events.Element) string { return modelOf(e).String() + versions(&e.Header) }

func linkState(l *events.Relationship) string {
	return linkOf(l).String() + versions(&l.Header) + " of " + l.End1.Type + " and " + l.End2.Type
}

func versions(h *events.ElementHeader) string {
	v := &h.Versions
	return fmt.Sprintf(" v%d %s %s", v.Version, stamp(v.CreateTime), stamp(v.UpdateTime))
}

func modelOf(e *events.Element) *modelElement {
	h := &e.Header
	m := &modelElement{
		guid: h.GUID, typ: h.Type.Name, name: h.QualifiedName, properties: e.Properties.Map(), marks: map[string]modelMark{}, zones: h.Zones,
		anchor: h.AnchorGUID, effective: h.Effectivity, category: h.Origin.Category, source: h.Origin.Source, scope: h.Origin.Scope,
	}
	for _, c := range e.Classifications {
		m.marks[c.Name] = modelMark{properties: c.Properties.Map(), effective: c.Effectivity}
	}
	return m
}

func linkOf(l *events.Relationship) *modelLink {
	h := &l.Header
	return &modelLink{
		guid: h.GUID, typ: h.Type.Name, end1: l.End1.GUID, end2: l.End2.GUID, properties: l.Properties.Map(), effective: h.Effectivity,
		category: h.Origin.Category, source: h.Origin.Source, scope: h.Origin.Scope,
	}
}
