package graphtest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// copying is what the model knows while it copies a template.
type modelCopy struct {
	*Model
	c      *events.FromTemplate
	root   *modelElement
	name   string
	copies map[string]string // guid of the copy by that of the original
	used   bool              // the placeholder p
}

func (m *Model) fromTemplate(c *events.FromTemplate) (outcome, error) {
	root, err := m.must(c.Template, events.Expectation{})
	if err != nil {
		return outcome{}, err
	}
	if _, ok := root.marks[events.Template]; !ok || root.archived() {
		return outcome{}, refusal("no template")
	}
	t := &modelCopy{Model: m, c: c, root: root, copies: map[string]string{}}
	if t.name, err = t.fill(cmp.Or(c.QualifiedName, root.name)); err != nil {
		return outcome{}, err
	}
	if e := m.named(t.name); e != nil && c.Retrieve && e.guid != root.guid {
		if !isA(e.typ, root.typ) || e.archived() {
			return outcome{}, refusal("%s is no copy", e.name)
		}
		return outcome{guid: e.guid, version: e.version}, nil
	}
	if err := t.copyAll(); err != nil {
		return outcome{}, err
	}
	for name := range c.Placeholders {
		if name != "p" || !t.used {
			return outcome{}, refusal("no placeholder %s", name)
		}
	}
	id := t.copies[root.guid]
	_, err = m.link(&events.Link{Relationship: events.RelationshipSpec{
		Type: "SourcedFrom", End1: events.ByGUID(id), End2: events.ByGUID(root.guid),
		Properties: events.Props(map[string]any{"sourceVersionNumber": root.version}),
	}})
	return outcome{guid: id, version: 1, changed: true}, err
}

// originals are what is copied: not what is archived, nor what is anchored to that.
func (t *modelCopy) originals() []*modelElement {
	return slices.DeleteFunc(t.family(t.root), func(e *modelElement) bool {
		for ; e.guid != t.root.guid; e = t.elements[e.anchor] {
			if e.archived() {
				return true
			}
		}
		return false
	})
}

func (t *modelCopy) copyAll() error {
	family := t.originals()
	for _, e := range family {
		if err := t.copyElement(e); err != nil {
			return err
		}
	}
	links := make(map[string][]*modelLink)
	for _, e := range family {
		links[e.guid] = t.linked(e.guid)
	}
	for _, e := range family {
		for _, l := range links[e.guid] {
			if err := t.copyLink(l, e.guid); err != nil {
				return err
			}
		}
	}
	return nil
}

// isA knows the one type here that is below another.
func isA(typ, super string) bool { return typ == super || typ == "CSVFile" && super == "DataFile" }

func (t *modelCopy) copyElement(e *modelElement) error {
	spec := events.ElementSpec{Type: e.typ, Zones: t.c.Zones, Effectivity: &e.effective}
	p, err := t.fillAll(e.properties)
	if err != nil {
		return err
	}
	for name, mark := range e.marks {
		if name != events.Template {
			q, err := t.fillAll(mark.properties)
			if err != nil {
				return err
			}
			spec.Classifications = append(spec.Classifications, events.Classification{Name: name, Properties: events.Props(q), Effectivity: mark.effective})
		}
	}
	if e.guid == t.root.guid {
		p = overlaid(p, t.c.Properties.Map(), true)
		spec.GUID, spec.QualifiedName, spec.Anchor = t.c.GUID, t.name, t.c.Anchor
	} else {
		spec.Anchor = events.ByGUID(t.copies[e.anchor])
		if spec.QualifiedName, err = t.rename(e.name); err != nil {
			return err
		}
	}
	spec.Properties = events.Props(p)
	r, err := t.createNew(&events.Create{Element: spec})
	t.copies[e.guid] = r.guid
	return err
}

// rename names the copy of what is anchored to the template.
func (t *modelCopy) rename(name string) (string, error) {
	renamed := name
	if rest, ok := strings.CutPrefix(name, t.root.name); ok {
		renamed = t.name + rest
	}
	renamed, err := t.fill(renamed)
	if err == nil && name != "" && renamed == name {
		err = refusal("%s would be twice", name)
	}
	return renamed, err
}

func (t *modelCopy) copyLink(l *modelLink, of string) error {
	end1, end2 := t.copies[l.end1], t.copies[l.end2]
	if l.end1 != of || l.typ == "SourcedFrom" || strings.HasPrefix(l.typ, "ExternalId") {
		return nil
	}
	if other := t.elements[cmp.Or(end1, l.end1)]; other.archived() {
		return nil
	}
	if other := t.elements[cmp.Or(end2, l.end2)]; other.archived() {
		return nil
	}
	p, err := t.fillAll(l.properties)
	if err != nil {
		return err
	}
	spec := events.RelationshipSpec{
		Type: l.typ, End1: events.ByGUID(cmp.Or(end1, l.end1)), End2: events.ByGUID(cmp.Or(end2, l.end2)),
		Properties: events.Props(p), Effectivity: &l.effective,
	}
	if l.typ == "DataFlow" && l.guid != events.RelationshipGUIDOf(l.typ, l.end1, l.end2) {
		spec.GUID = t.newGUID()
	}
	if len(t.inTheWay(&modelLink{typ: l.typ, end1: spec.End1.GUID, end2: spec.End2.GUID})) > 0 {
		return nil // there is no room for another one
	}
	_, err = t.link(&events.Link{Relationship: spec})
	return err
}

func (t *modelCopy) fill(text string) (string, error) {
	p, ok := t.c.Placeholders["p"]
	t.used = t.used || strings.Contains(text, "~{p}~")
	if strings.Contains(text, "~{p}~") && !ok {
		return "", refusal("no placeholder")
	}
	return strings.ReplaceAll(text, "~{p}~", p), nil
}

func (t *modelCopy) fillAll(p map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range p {
		var err error
		switch deep := v.(type) {
		case string:
			v, err = t.fill(deep)
		case map[string]any:
			v, err = t.fillAll(deep)
		}
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}
