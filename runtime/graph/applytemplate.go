package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

const (
	typeSourcedFrom     = "SourcedFrom"
	typeCatalogTemplate = "CatalogTemplate"
	// templateSubstitute marks what stands in for a template.
	templateSubstitute = "TemplateSubstitute"
)

// copying is the making of a copy of a template.
type templateCopy struct {
	*stage
	q        *Request
	command  *events.FromTemplate
	template *record
	name     string // of the copy
	copies   map[guid]events.ElementRef
	used     map[string]bool // placeholders
}

// fromTemplate copies a template and what is anchored to it.
func (a *applier) fromTemplate(v view, q *Request, c *events.FromTemplate) (Outcome, error) {
	template, err := element(v, c.Template, "/template")
	if err != nil {
		return Outcome{}, err
	}
	e, err := template.element()
	if err != nil {
		return Outcome{}, err
	}
	if e.Classification(events.Template) == nil && e.Classification(templateSubstitute) == nil {
		return Outcome{}, events.Errorf(events.CodeInvalid, "/template", "%s is no template; classify it as %s", template.name, events.Template)
	}
	if template.archived {
		return Outcome{}, events.Errorf(events.CodeInvalid, "/template", "%s is archived; restore it first", template.name)
	}
	m := &templateCopy{stage: a.stage(v), q: q, command: c, template: template, copies: map[guid]events.ElementRef{}, used: map[string]bool{}}
	if m.name, err = m.fill(cmp.Or(c.QualifiedName, template.qualifiedName())); err != nil {
		return Outcome{}, err
	}
	if old := v.named(m.name); old != nil && c.Retrieve && old != template {
		return m.retrieved(old)
	}
	return m.run(v)
}

// retrieved returns what has the name of the copy already, if it may be one.
func (m *templateCopy) retrieved(old *record) (Outcome, error) {
	switch {
	case !old.typ.Is(m.template.typ.Name):
		return Outcome{}, events.Errorf(events.CodeConflict, "/qualifiedName", "%s exists already and is %s, not %s as the template is", old.name, article(old.typ.Name), article(m.template.typ.Name))
	case old.archived:
		return Outcome{}, events.Errorf(events.CodeConflict, "/qualifiedName", "%s is archived; restore it first", old.name)
	}
	return unchanged(old), nil
}

func (m *templateCopy) run(v view) (Outcome, error) {
	family := liveFamily(v, m.template)
	for _, r := range family {
		if err := m.copyElement(r); err != nil {
			return Outcome{}, err
		}
	}
	for _, r := range family {
		if err := m.copyLinks(v, r); err != nil {
			return Outcome{}, err
		}
	}
	if err := m.unused(); err != nil {
		return Outcome{}, err
	}
	root := m.copies[m.template.guid]
	if _, err := m.do(m.q, &events.Link{Relationship: events.RelationshipSpec{
		Type: typeSourcedFrom, End1: root, End2: events.ByGUID(m.template.guid.String()),
		Properties: events.Props(map[string]any{"sourceVersionNumber": m.template.version}),
	}}); err != nil {
		return Outcome{}, err
	}
	if len(m.all.changes) > maxChanges {
		return Outcome{}, events.Errorf(events.CodeTooLarge, "/template", "the copy takes %d changes; at most %d can be made at once", len(m.all.changes), maxChanges)
	}
	m.all.Result.GUID, m.all.Result.Version = root.GUID, 1
	return m.all, nil
}

// livingOf returns a template and what is anchored to it, anchors first, but for
// what is archived and what is anchored to that.
func liveFamily(v view, template *record) []*record {
	all := familyOf(v, template)
	slices.Reverse(all)
	lives := map[guid]bool{template.anchor: true}
	return slices.DeleteFunc(all, func(r *record) bool {
		lives[r.guid] = !r.archived && lives[r.anchor]
		return !lives[r.guid]
	})
}

func (m *templateCopy) copyElement(r *record) error {
	e, err := r.element()
	if err != nil {
		return err
	}
	spec := events.ElementSpec{Type: e.Header.Type.Name, Zones: m.command.Zones, Effectivity: &e.Header.Effectivity}
	if spec.Properties, err = m.fillProperties(e.Properties); err != nil {
		return err
	}
	for _, c := range e.Classifications {
		switch c.Name {
		case events.Template, templateSubstitute, events.Memento:
			continue
		}
		if c.Properties, err = m.fillProperties(c.Properties); err != nil {
			return err
		}
		spec.Classifications = append(spec.Classifications, c)
	}
	if r == m.template {
		err = m.asRoot(&spec)
	} else {
		spec.QualifiedName, err = m.nameOf(r)
		spec.Anchor = m.copies[r.anchor]
	}
	if err != nil {
		return err
	}
	result, err := m.do(m.q, &events.Create{Element: spec})
	if err != nil {
		return m.inTemplate(err, r)
	}
	m.copies[r.guid] = events.ByGUID(result.GUID)
	return nil
}

// inTemplate lets an error about a copy point at what of the command it comes from:
// where that does not give it, at the template.
func (m *templateCopy) inTemplate(err error, r *record) error {
	e, ok := asError(err)
	if !ok {
		return err
	}
	moved := *e
	if name, ok := cutPointer(e.Pointer, "/element"); ok && r == m.template && m.gives(name) {
		moved.Pointer = name
		return &moved
	}
	moved.Pointer, moved.Message = "/template", "the copy of "+r.name+": "+e.Pointer+": "+e.Message
	return &moved
}

// gives reports whether the command says what a pointer leads to of the new element.
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

// asRoot gives the copy of the template itself what the command says.
func (m *templateCopy) asRoot(spec *events.ElementSpec) (err error) {
	spec.GUID, spec.QualifiedName, spec.Anchor = m.command.GUID, m.name, m.command.Anchor
	spec.Properties, err = spec.Properties.Merge(m.command.Properties)
	return err
}

// nameOf returns the name of the copy of what is anchored to the template: its
// placeholders are filled, and it begins with the name of the new element where
// it begins with that of the template.
func (m *templateCopy) nameOf(r *record) (string, error) {
	if !r.named() {
		return "", nil
	}
	name := r.name
	if rest, ok := strings.CutPrefix(name, m.template.name); ok && m.template.named() {
		name = m.name + rest
	}
	name, err := m.fill(name)
	if err == nil && name == r.name {
		err = events.Errorf(events.CodeConflict, "/template", "the name of %s, which is anchored to the template, has no placeholder: a copy would have the same", r.name)
	}
	return name, err
}

// copyLinks relates the copy of an element to others as the element is, and to
// other copies; but not to what is archived, nor to what has no room for another
// relationship. What leads to the template from elsewhere, such as from a
// collection, is of the template only.
func (m *templateCopy) copyLinks(v view, r *record) error {
	links := v.linked(r.guid)
	slices.SortFunc(links, byGUID)
	for _, l := range links {
		if l.end1 != r.guid || isTemplateOnly(l.typ.Name) {
			continue
		}
		if err := m.copyLink(l); err != nil {
			return err
		}
	}
	return nil
}

func (m *templateCopy) copyLink(l *record) error {
	typ, err := m.view.registry().Relationship(l.typ.Name, "/template")
	if err != nil {
		return err
	}
	rel, err := l.link()
	if err != nil {
		return err
	}
	spec := events.RelationshipSpec{Type: l.typ.Name, End1: m.copyOf(l.end1), End2: m.copyOf(l.end2), Effectivity: &rel.Header.Effectivity}
	end1, one := element(m.view, spec.End1, "/template")
	end2, two := element(m.view, spec.End2, "/template")
	if err := cmp.Or(one, two); err != nil {
		return err
	}
	if end1.archived || end2.archived || !m.fitsCardinality(typ, end1, end2) {
		return nil
	}
	if spec.Properties, err = m.fillProperties(rel.Properties); err != nil {
		return err
	}
	if typ.MultiLink() && !l.derived {
		spec.GUID = m.q.newGUID().String() // the derived one is for one of them
	}
	_, err = m.do(m.q, &events.Link{Relationship: spec})
	return err
}

// ofItsOwn reports whether relationships of a type say what only the template is.
func isTemplateOnly(typeName string) bool {
	switch typeName {
	case typeSourcedFrom, typeCatalogTemplate, typeExternalIDLink, typeExternalIDScope:
		return true
	default:
		return false
	}
}

func (m *templateCopy) copyOf(id guid) events.ElementRef {
	if c, ok := m.copies[id]; ok {
		return c
	}
	return events.ByGUID(id.String())
}
