package graphtest

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// ChangeLog is a sequence of change events, and the states they lead to.
type ChangeLog struct {
	events map[string][]string
	states map[string]string
}

// NewChangeLog returns an empty log.
func NewChangeLog() *ChangeLog {
	return &ChangeLog{events: map[string][]string{}, states: map[string]string{}}
}

// Add adds the next change.
func (o *ChangeLog) Add(c *events.Preview) {
	var key, id string
	var now *instance
	switch {
	case c.OpenType != nil:
		key = "type " + c.OpenType.Type.Name
	case c.Relationship != nil:
		id, now = c.Relationship.State().Header.GUID, instanceOf(nil, c.Relationship.Relationship)
		key = "relationship " + id
	default:
		id, now = c.Element.State().Header.GUID, instanceOf(c.Element.Element, nil)
		key = "element " + id
	}
	if c.Type != events.TypeElementMoved {
		delete(o.states, id)
	}
	var version int64
	if now != nil {
		o.states[id], version = now.state(), now.version
	}
	o.events[key] = append(o.events[key], line(c.Type, version))
}

// Compare compares the events, and the states that they lead to.
func (m *Model) Compare(t rapid.TB, out *ChangeLog) {
	for key, want := range m.log {
		want = want[len(want)-m.kept[key]:]
		if got := out.events[key]; !slices.Equal(got, want) {
			t.Errorf("%s: change events %v, the model has %v", key, got, want)
		}
	}
	if len(out.events) != len(m.log) {
		t.Errorf("events of %d elements, relationships and types, the model has %d", len(out.events), len(m.log))
	}
	m.compareStates(t, "the log", out.states)
}

// CompareStates compares the JSON of all elements and relationships.
func (m *Model) CompareStates(t rapid.TB, where string, elements, links []jsontext.Value) {
	got := map[string]string{}
	take := func(i *instance, err error) {
		if err != nil {
			t.Fatal(err)
		}
		got[i.guid] = i.state()
	}
	for _, s := range elements {
		e, err := events.Unmarshal[events.Element](s)
		take(instanceOf(&e, nil), err)
	}
	for _, s := range links {
		l, err := events.Unmarshal[events.Relationship](s)
		take(instanceOf(nil, &l), err)
	}
	m.compareStates(t, where, got)
}

func (m *Model) compareStates(t rapid.TB, where string, got map[string]string) {
	want := map[string]string{}
	for id, i := range m.instances {
		want[id] = i.state()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-the model +%s):\n%s", where, where, diff)
	}
}

// state describes an instance completely; nil has an empty state.
func (e *instance) state() string {
	if e == nil {
		return ""
	}
	return e.String() + fmt.Sprintf(" of %s v%d %s %s", e.endTypes, e.version, stamp(e.created), stamp(e.updated))
}

// instanceOf returns the element or the relationship; nil if both are nil.
func instanceOf(e *events.Element, l *events.Relationship) *instance {
	switch {
	case e != nil:
		i := fromHeader(&e.Header, e.Properties)
		for _, c := range e.Classifications {
			i.classifications[c.Name] = classification{properties: c.Properties.Map(), effectivity: c.Effectivity}
		}
		return i
	case l != nil:
		i := fromHeader(&l.Header, l.Properties)
		i.ends, i.endTypes = [2]string{l.End1.GUID, l.End2.GUID}, [2]string{l.End1.Type, l.End2.Type}
		return i
	default:
		return nil
	}
}

func fromHeader(h *events.ElementHeader, p events.Properties) *instance {
	return &instance{
		guid: h.GUID, typ: h.Type.Name, name: h.QualifiedName, properties: p.Map(), classifications: map[string]classification{}, zones: h.Zones,
		anchor: h.AnchorGUID, effectivity: h.Effectivity, category: h.Origin.Category, source: h.Origin.Source, scope: h.Origin.Scope,
		version: h.Versions.Version, created: h.Versions.CreateTime, updated: h.Versions.UpdateTime,
	}
}
