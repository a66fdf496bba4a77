package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

const (
	typeSourcedFrom     = "SourcedFrom"
	typeCatalogTemplate = "CatalogTemplate"
	// templateSubstitute marks an element that stands in for a template.
	templateSubstitute = "TemplateSubstitute"
)

// templateCopy makes a copy of a template.
type templateCopy struct {
	*transaction

	command  *events.FromTemplate
	template *index.Record
	name     string // of the copy
	copies   map[guid]events.ElementRef
	filled   placeholders
}

// fromTemplate copies a template and what is anchored to it.
func (t *transaction) fromTemplate(c *events.FromTemplate) error {
	template, err := index.Element(t.view(), c.Template, "/template")
	if err != nil {
		return err
	}
	e, err := template.Element()
	if err != nil {
		return err
	}
	if e.Classification(events.Template) == nil && e.Classification(templateSubstitute) == nil {
		return events.Errorf(events.CodeInvalid, "/template", "%s is no template; classify it as %s", template.Name, events.Template)
	}
	if template.Archived {
		return events.Errorf(events.CodeInvalid, "/template", "%s is archived; restore it first", template.Name)
	}
	m := &templateCopy{transaction: t, command: c, template: template, copies: map[guid]events.ElementRef{}, filled: newPlaceholders(c)}
	if m.name, err = m.filled.fill(cmp.Or(c.QualifiedName, template.QualifiedName())); err != nil {
		return err
	}
	old := t.view().ByName(m.name)
	switch {
	case old == nil || !c.Retrieve || old == template:
		return m.run()
	case !old.Type.Is(template.Type.Name):
		return events.Errorf(events.CodeConflict, "/qualifiedName", "%s exists already and is %s, not %s as the template is", old.Name, opentypes.Article(old.Type.Name), opentypes.Article(template.Type.Name))
	case old.Archived:
		return errArchived(old, "/qualifiedName")
	}
	t.is(old)
	return nil
}

func (m *templateCopy) run() error {
	before := len(m.changes)
	family := liveFamily(m.view(), m.template)
	for _, r := range family {
		if err := m.copyElement(r); err != nil {
			return err
		}
	}
	for _, r := range family {
		if err := m.copyLinks(r); err != nil {
			return err
		}
	}
	if err := m.filled.checkUsed(); err != nil {
		return err
	}
	root := m.copies[m.template.GUID]
	if _, err := m.do(&events.Link{Relationship: events.RelationshipSpec{
		Type: typeSourcedFrom, End1: root, End2: refTo(m.template),
		Properties: events.Props(map[string]any{"sourceVersionNumber": m.template.Version}),
	}}); err != nil {
		return err
	}
	m.result.GUID, m.result.Version = root.GUID, 1
	return m.checkSize(before, "/template", "the copy")
}

// copyLinks copies the relationships from an element. Those to it, such as from a
// collection, are only the template's.
func (m *templateCopy) copyLinks(r *index.Record) error {
	for _, l := range sortByGUID(m.view().Group(index.LinksOf(r.GUID))) {
		if l.End1 != r.GUID || isTemplateOnly(l.Type.Name) {
			continue
		}
		if err := m.copyLink(l); err != nil {
			return err
		}
	}
	return nil
}

// liveFamily returns a template and what is anchored to it, anchors first, without
// archived elements and what is anchored to these.
func liveFamily(v view, template *index.Record) []*index.Record {
	all := familyOf(v, template)
	slices.Reverse(all)
	live := map[guid]bool{template.Anchor: true}
	return slices.DeleteFunc(all, func(r *index.Record) bool {
		live[r.GUID] = !r.Archived && live[r.Anchor]
		return !live[r.GUID]
	})
}

func (m *templateCopy) copyElement(r *index.Record) error {
	e, err := r.Element()
	if err != nil {
		return err
	}
	spec := events.ElementSpec{Type: e.Header.Type.Name, Zones: m.command.Zones, Effectivity: &e.Header.Effectivity}
	if spec.Properties, err = m.filled.fillProperties(e.Properties); err != nil {
		return err
	}
	for _, c := range e.Classifications {
		switch c.Name {
		case events.Template, templateSubstitute, events.Memento:
			continue
		}
		if c.Properties, err = m.filled.fillProperties(c.Properties); err != nil {
			return err
		}
		spec.Classifications = append(spec.Classifications, c)
	}
	if r == m.template {
		spec.GUID, spec.QualifiedName, spec.Anchor = m.command.GUID, m.name, m.command.Anchor
		spec.Properties, err = spec.Properties.Merge(m.command.Properties)
	} else {
		spec.Anchor = m.copies[r.Anchor]
		spec.QualifiedName, err = m.nameOf(r)
	}
	if err != nil {
		return err
	}
	result, err := m.do(&events.Create{Element: spec})
	m.copies[r.GUID] = events.ByGUID(result.GUID)
	return m.inTemplate(err, r)
}

// inTemplate makes an error about a copy point at the part of the command that it
// comes from, or else at the template.
func (m *templateCopy) inTemplate(err error, r *index.Record) error {
	e, ok := asError(err)
	if !ok {
		return err
	}
	moved := *e
	if name, ok := cutPointer(e.Pointer, "/element"); ok && r == m.template && m.gives(name) {
		moved.Pointer = name
		return &moved
	}
	moved.Pointer, moved.Message = "/template", "the copy of "+r.Name+": "+e.Pointer+": "+e.Message
	return &moved
}

// gives reports whether the command itself has what a pointer into the new element
// leads to.
func (m *templateCopy) gives(pointer string) bool {
	property, ok := cutPointer(pointer, "/properties")
	if !ok {
		return pointer == "/qualifiedName" || pointer == "/guid" || strings.HasPrefix(pointer, "/anchor")
	}
	given := m.command.Properties.Map()
	for name := range jsontext.Pointer(property).Tokens() {
		_, ok = given[name]
		return ok
	}
	return false
}

// nameOf returns the name of the copy of what is anchored to the template. Its
// placeholders are filled, and the name of the template at its beginning becomes that
// of the copy.
func (m *templateCopy) nameOf(r *index.Record) (string, error) {
	if !r.HasName() {
		return "", nil
	}
	name := r.Name
	if rest, ok := strings.CutPrefix(name, m.template.Name); ok && m.template.HasName() {
		name = m.name + rest
	}
	name, err := m.filled.fill(name)
	if err == nil && name == r.Name {
		err = events.Errorf(events.CodeConflict, "/template", "the name of %s, which is anchored to the template, has no placeholder: a copy would have the same", r.Name)
	}
	return name, err
}

// copyLink relates a copy as its original is, but not to an archived element, nor to
// one that takes no more relationships.
func (m *templateCopy) copyLink(l *index.Record) error {
	rel, err := l.Link()
	if err != nil {
		return err
	}
	spec := events.RelationshipSpec{Type: l.Type.Name, End1: m.copyOf(l.End1), End2: m.copyOf(l.End2), Effectivity: &rel.Header.Effectivity}
	typ, end1, end2, err := ends(m.view(), &events.RelationshipRef{Type: l.Type.Name, End1: spec.End1, End2: spec.End2}, "/template")
	if err != nil {
		return err
	}
	if end1.Archived || end2.Archived || !m.fitsCardinality(typ, end1, end2) {
		return nil
	}
	if spec.Properties, err = m.filled.fillProperties(rel.Properties); err != nil {
		return err
	}
	if typ.MultiLink() && !l.Derived {
		spec.GUID = m.newGUID().String() // only one can have the derived guid
	}
	_, err = m.do(&events.Link{Relationship: spec})
	return err
}

// isTemplateOnly reports whether relationships of a type are not copied.
func isTemplateOnly(typeName string) bool {
	return slices.Contains([]string{typeSourcedFrom, typeCatalogTemplate, typeExternalIDLink, typeExternalIDScope}, typeName)
}

func (m *templateCopy) copyOf(id guid) events.ElementRef {
	if c, ok := m.copies[id]; ok {
		return c
	}
	return events.ByGUID(id.String())
}
