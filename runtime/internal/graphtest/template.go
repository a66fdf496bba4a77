package graphtest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// modelCopy copies a template.
type modelCopy struct {
	*Model
	c      *events.FromTemplate
	root   *instance
	name   string
	copies map[string]string // guid of the copy by that of the original
	used   bool              // the placeholder p
}

func (m *Model) fromTemplate(c *events.FromTemplate) outcome {
	root := m.live(c.Template, events.Expectation{})
	_, ok := root.classifications[events.Template]
	refuseIf(!ok, "no template")
	t := &modelCopy{Model: m, c: c, root: root, copies: map[string]string{}}
	t.name = t.fill(cmp.Or(c.QualifiedName, root.name))
	if e := m.named(t.name); e != nil && c.Retrieve && e.guid != root.guid {
		refuseIf(!t.isA(e.typ, root.typ) || e.archived(), "%s is no copy", e.name)
		return e.outcome()
	}
	t.copyAll()
	for name := range c.Placeholders {
		refuseIf(name != "p" || !t.used, "no placeholder %s", name)
	}
	id := t.copies[root.guid]
	m.link(&events.Link{Relationship: events.RelationshipSpec{
		Type: "SourcedFrom", End1: events.ByGUID(id), End2: events.ByGUID(root.guid),
		Properties: events.Props(map[string]any{"sourceVersionNumber": root.version}),
	}})
	return outcome{guid: id, version: 1, changed: true}
}

// originals returns what is copied: no archived elements, nor what is anchored to them.
func (t *modelCopy) originals() []*instance {
	return slices.DeleteFunc(t.family(t.root), func(e *instance) bool {
		for ; e.guid != t.root.guid; e = t.element(e.anchor) {
			if e.archived() {
				return true
			}
		}
		return false
	})
}

func (t *modelCopy) copyAll() {
	family := t.originals()
	for _, e := range family {
		t.copyElement(e)
	}
	for _, e := range family {
		for _, l := range t.linked(e.guid) {
			t.copyLink(l, e.guid)
		}
	}
}

func (t *modelCopy) copyElement(e *instance) {
	spec := events.ElementSpec{Type: e.typ, Zones: t.c.Zones, Effectivity: &e.effectivity, Properties: t.fillAll(e.properties)}
	for name, mark := range e.classifications {
		if name != events.Template {
			spec.Classifications = append(spec.Classifications, events.Classification{
				Name: name, Properties: t.fillAll(mark.properties), Effectivity: mark.effectivity,
			})
		}
	}
	if e.guid == t.root.guid {
		spec.Properties = events.Props(overlaid(spec.Properties.Map(), t.c.Properties.Map(), true))
		spec.GUID, spec.QualifiedName, spec.Anchor = t.c.GUID, t.name, t.c.Anchor
	} else {
		spec.Anchor = events.ByGUID(t.copies[e.anchor])
		spec.QualifiedName = t.rename(e.name)
	}
	t.copies[e.guid] = t.createNew(&events.Create{Element: spec}).guid
}

// rename returns the name of the copy of an element that is anchored to the template.
func (t *modelCopy) rename(name string) string {
	renamed := name
	if rest, ok := strings.CutPrefix(name, t.root.name); ok {
		renamed = t.name + rest
	}
	renamed = t.fill(renamed)
	refuseIf(name != "" && renamed == name, "%s would be twice", name)
	return renamed
}

func (t *modelCopy) copyLink(l *instance, of string) {
	end1, end2 := cmp.Or(t.copies[l.ends[0]], l.ends[0]), cmp.Or(t.copies[l.ends[1]], l.ends[1])
	if l.ends[0] != of || l.typ == "SourcedFrom" || strings.HasPrefix(l.typ, "ExternalId") || t.element(end1).archived() || t.element(end2).archived() {
		return
	}
	spec := events.RelationshipSpec{
		Type: l.typ, End1: events.ByGUID(end1), End2: events.ByGUID(end2),
		Properties: t.fillAll(l.properties), Effectivity: &l.effectivity,
	}
	if t.typ(l.typ).MultiLink() && l.guid != events.RelationshipGUIDOf(l.typ, l.ends[0], l.ends[1]) {
		spec.GUID = t.newGUID()
	}
	if len(t.conflicts(&instance{typ: l.typ, ends: [2]string{end1, end2}})) == 0 {
		t.link(&events.Link{Relationship: spec})
	}
}

func (t *modelCopy) fill(text string) string {
	p, ok := t.c.Placeholders["p"]
	if strings.Contains(text, "~{p}~") {
		refuseIf(!ok, "no placeholder")
		t.used = true
	}
	return strings.ReplaceAll(text, "~{p}~", p)
}

func (t *modelCopy) fillAll(p map[string]any) events.Properties {
	return must(events.ParseProperties([]byte(t.fill(string(events.Props(p).Raw())))))
}
