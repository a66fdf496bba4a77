package graphtest

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// Told is what change events tell.
type Told struct {
	log    map[string][]string
	states map[string]string
}

// NewTold returns what no event tells.
func NewTold() *Told { return &Told{log: map[string][]string{}, states: map[string]string{}} }

// Take takes in the next change.
func (o *Told) Take(c *events.Preview) {
	var key string
	var version int64
	switch {
	case c.OpenType != nil:
		key = "type " + c.OpenType.Type.Name
	case c.Relationship != nil:
		id := c.Relationship.State().Header.GUID
		key = "relationship " + id
		delete(o.states, id)
		if l := c.Relationship.Relationship; l != nil {
			o.states[id], version = linkState(l), l.Header.Versions.Version
		}
	default:
		id := c.Element.State().Header.GUID
		key = "element " + id
		if c.Type != events.TypeElementMoved {
			delete(o.states, id)
		}
		if e := c.Element.Element; e != nil {
			o.states[id], version = elementState(e), e.Header.Versions.Version
		}
	}
	o.log[key] = append(o.log[key], line(c.Type, version))
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
	m.compareStates(t, "the log", out.states)
}

// CompareStates compares the JSON of all elements and relationships.
func (m *Model) CompareStates(t rapid.TB, where string, elements, links []jsontext.Value) {
	got := map[string]string{}
	for _, s := range elements {
		e, err := events.Unmarshal[events.Element](s)
		if err != nil {
			t.Fatal(err)
		}
		got[e.Header.GUID] = elementState(&e)
	}
	for _, s := range links {
		l, err := events.Unmarshal[events.Relationship](s)
		if err != nil {
			t.Fatal(err)
		}
		got[l.Header.GUID] = linkState(&l)
	}
	m.compareStates(t, where, got)
}

func (m *Model) compareStates(t rapid.TB, where string, got map[string]string) {
	if diff := cmp.Diff(m.states(), got); diff != "" {
		t.Errorf("%s differs (-the model +%s):\n%s", where, where, diff)
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
		return e.state()
	}
	l := m.links[id]
	return l.state() + " of " + m.elements[l.ends[0]].typ + " and " + m.elements[l.ends[1]].typ
}

// state tells everything of a thing but the types of its ends.
func (e *thing) state() string {
	return e.String() + fmt.Sprintf(" v%d %s %s", e.version, stamp(e.created), stamp(e.updated))
}

func elementState(e *events.Element) string {
	t := thingOf(&e.Header, e.Properties)
	for _, c := range e.Classifications {
		t.marks[c.Name] = mark{properties: c.Properties.Map(), effective: c.Effectivity}
	}
	return t.state()
}

func linkState(l *events.Relationship) string {
	t := thingOf(&l.Header, l.Properties)
	t.ends = [2]string{l.End1.GUID, l.End2.GUID}
	return t.state() + " of " + l.End1.Type + " and " + l.End2.Type
}

func thingOf(h *events.ElementHeader, p events.Properties) *thing {
	return &thing{
		guid: h.GUID, typ: h.Type.Name, name: h.QualifiedName, properties: p.Map(), marks: map[string]mark{}, zones: h.Zones,
		anchor: h.AnchorGUID, effective: h.Effectivity, category: h.Origin.Category, source: h.Origin.Source, scope: h.Origin.Scope,
		version: h.Versions.Version, created: h.Versions.CreateTime, updated: h.Versions.UpdateTime,
	}
}
