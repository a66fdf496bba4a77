package repository_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

// model is the repository as one would write it without a bus: maps, and one
// command after the other.
type model struct {
	elements map[string]*modelElement
	links    map[string]*modelLink
	changes  map[string]int // events by element name or link key
	refused  int
}

type modelElement struct {
	typ        string
	version    int64
	properties map[string]any
	marks      map[string]map[string]any
}

type modelLink struct {
	typ, end1, end2 string
	version         int64
	properties      map[string]any
}

func newModel() *model {
	return &model{elements: map[string]*modelElement{}, links: map[string]*modelLink{}, changes: map[string]int{}}
}

func (m *model) apply(c events.Command) {
	if set, ok := c.(*events.ChangeSet); ok {
		m.applySet(set)
		return
	}
	if !m.step(c) {
		m.refused++
	}
}

// applySet applies all steps or none.
func (m *model) applySet(set *events.ChangeSet) {
	saved := m.clone()
	for i := range set.Commands {
		c, err := set.Commands[i].Command(i)
		if err != nil || !m.step(c) {
			*m = *saved
			m.refused++
			return
		}
	}
}

func (m *model) clone() *model {
	c := &model{elements: map[string]*modelElement{}, links: map[string]*modelLink{}, changes: maps.Clone(m.changes), refused: m.refused}
	for k, e := range m.elements {
		copied := *e
		copied.properties, copied.marks = maps.Clone(e.properties), maps.Clone(e.marks)
		c.elements[k] = &copied
	}
	for k, l := range m.links {
		copied := *l
		c.links[k] = &copied
	}
	return c
}

// step returns false if the command is refused.
func (m *model) step(c events.Command) bool {
	switch c := c.(type) {
	case *events.Upsert:
		return m.upsert(c)
	case *events.Update:
		e := m.elements[c.Element.QualifiedName]
		if e == nil {
			return false
		}
		want := overlaid(e.properties, c.Properties.Map(), !c.Replace)
		m.set(c.Element.QualifiedName, e, want)
	case *events.Delete:
		m.remove(c.Element.QualifiedName)
	case *events.Classify:
		return m.classify(c)
	case *events.Declassify:
		e := m.elements[c.Element.QualifiedName]
		if e == nil {
			return false
		}
		if _, ok := e.marks[c.ClassificationName]; ok {
			delete(e.marks, c.ClassificationName)
			m.touch(c.Element.QualifiedName, e)
		}
	case *events.Link:
		return m.link(c)
	case *events.Unlink:
		key := linkKey(c.Type, c.End1.QualifiedName, c.End2.QualifiedName)
		if m.links[key] != nil {
			delete(m.links, key)
			m.changes[key]++
		}
	}
	return true
}

func (m *model) upsert(c *events.Upsert) bool {
	name := c.Element.QualifiedName
	e := m.elements[name]
	if e == nil {
		m.elements[name] = &modelElement{
			typ: c.Element.Type, version: 1, marks: map[string]map[string]any{},
			properties: overlaid(nil, c.Element.Properties.Map(), false),
		}
		m.changes[name]++
		return true
	}
	if e.typ != c.Element.Type {
		return false
	}
	m.set(name, e, overlaid(e.properties, c.Element.Properties.Map(), c.Merge))
	return true
}

func (m *model) set(name string, e *modelElement, want map[string]any) {
	if !same(e.properties, want) {
		e.properties = want
		m.touch(name, e)
	}
}

func (m *model) touch(name string, e *modelElement) {
	e.version++
	m.changes[name]++
}

func (m *model) remove(name string) {
	if m.elements[name] == nil {
		return
	}
	delete(m.elements, name)
	m.changes[name]++
	for key, l := range m.links {
		if l.end1 == name || l.end2 == name {
			delete(m.links, key)
			m.changes[key]++
		}
	}
}

func (m *model) classify(c *events.Classify) bool {
	e := m.elements[c.Element.QualifiedName]
	if e == nil {
		return false
	}
	want := c.Classification.Properties.Map()
	if have, ok := e.marks[c.Classification.Name]; !ok || !same(have, want) {
		e.marks[c.Classification.Name] = want
		m.touch(c.Element.QualifiedName, e)
	}
	return true
}

func (m *model) link(c *events.Link) bool {
	r := &c.Relationship
	end1, end2 := m.elements[r.End1.QualifiedName], m.elements[r.End2.QualifiedName]
	if end1 == nil || end2 == nil || end1.typ != "FileFolder" || end2.typ != "DataFile" {
		return false
	}
	key := linkKey(r.Type, r.End1.QualifiedName, r.End2.QualifiedName)
	want := overlaid(nil, r.Properties.Map(), false)
	l := m.links[key]
	if l == nil {
		m.links[key] = &modelLink{typ: r.Type, end1: r.End1.QualifiedName, end2: r.End2.QualifiedName, version: 1, properties: want}
		m.changes[key]++
		return true
	}
	if !same(l.properties, want) {
		l.properties = want
		l.version++
		m.changes[key]++
	}
	return true
}

func linkKey(typ, end1, end2 string) string { return typ + "|" + end1 + "|" + end2 }

// overlaid returns base, or nothing, with the properties of top; null clears.
func overlaid(base, top map[string]any, merge bool) map[string]any {
	out := map[string]any{}
	if merge {
		maps.Copy(out, base)
	}
	maps.Copy(out, top)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

func same(a, b map[string]any) bool {
	return fmt.Sprint(sorted(a)) == fmt.Sprint(sorted(b))
}

func sorted(m map[string]any) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s=%v", k, m[k]))
	}
	return out
}
