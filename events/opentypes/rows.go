package opentypes

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/events/suggest"
)

// Rows returns the types of rows that are elements of a type and its subtypes, of
// all types without a name, or classifications of a type. It has one method: which
// values the rows may hold at a path, as [events.Condition] has paths. The error of
// an unknown type has the pointer.
func (r *Registry) Rows(kind events.TypeKind, name, pointer string) (query.Types, error) {
	if name != "" {
		if _, err := r.lookup(kind, name, pointer); err != nil {
			return nil, err
		}
	}
	return &rows{registry: r, kind: kind, name: name}, nil
}

type rows struct {
	registry *Registry
	kind     events.TypeKind
	name     string
}

// Values implements [query.Types].
func (s *rows) Values(path, pointer string) ([]query.Value, error) {
	field, header := strings.CutPrefix(path, "header.")
	if header || path == "guid" || path == "qualifiedName" {
		return s.header(field, pointer)
	}
	name, rest, _ := strings.Cut(path, ".")
	attributes := s.attributes(name)
	var values []query.Value
	for _, a := range attributes {
		for _, v := range a.value.at(rest) {
			values = append(values, v.row())
		}
	}
	switch {
	case len(values) > 0:
		return values, nil
	case strings.HasPrefix(path, events.AnyProperty):
		return nil, nil
	case len(attributes) > 0:
		return nil, events.Errorf(events.CodeInvalid, pointer, "%s has no member %s%s", name, quoted(rest), suggest.Nearest(rest, attributes[0].value.typ.attributeNames()))
	}
	return nil, events.Errorf(events.CodeInvalid, pointer, "%s has an attribute %s%s", s.none(), quoted(name), suggest.Nearest(name, s.names()))
}

// none is the subject of the sentence that there is no such attribute.
func (s *rows) none() string {
	switch {
	case s.name == "":
		return "no type of elements"
	case s.kind == events.KindElement && len(s.registry.Subtypes(s.name)) > 1:
		return "neither " + s.name + " nor a subtype of it"
	default:
		return "no " + s.name
	}
}

func (s *rows) header(field, pointer string) ([]query.Value, error) {
	if s.kind != events.KindElement {
		return nil, events.Errorf(events.CodeInvalid, pointer, "a classification has no %s: name one of the attributes of %s", quoted(field), s.name)
	}
	known := headerFields()
	if v, ok := known[field]; ok {
		return []query.Value{v}, nil
	}
	return nil, events.Errorf(events.CodeInvalid, pointer, "the header has no %s%s", quoted(field), suggest.Nearest(field, slices.Sorted(maps.Keys(known))))
}

// types returns the types of the rows.
func (s *rows) types() (types []*Type) {
	if s.kind == events.KindClassification && s.name != "" {
		return []*Type{s.registry.types[s.name]}
	}
	for _, name := range s.registry.Subtypes(cmp.Or(s.name, root)) {
		types = append(types, s.registry.types[name])
	}
	return types
}

// attributes returns the different attributes of that name.
func (s *rows) attributes(name string) (found []*attribute) {
	for _, t := range s.types() {
		if a := t.attribute(name); a != nil && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}

func (s *rows) names() (names []string) {
	for _, t := range s.types() {
		names = append(names, t.attributeNames()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// at returns the values at a path in the value. The names in a map may contain dots.
func (t *value) at(path string) (found []*value) {
	switch {
	case path == "" || t.kind == query.Any:
		return []*value{t}
	case t.kind == query.Object && t.of != nil:
		for i := range path {
			if path[i] == '.' {
				found = append(found, t.of.at(path[i+1:])...)
			}
		}
		return append(found, t.of)
	case t.kind == query.Object:
		name, rest, _ := strings.Cut(path, ".")
		if a := t.typ.attribute(name); a != nil {
			return a.value.at(rest)
		}
	}
	return nil
}

// row returns the value as conditions see it.
func (t *value) row() query.Value {
	v := query.Value{Kind: t.kind}
	switch {
	case t.kind == query.Array:
		item := t.of.row()
		v.Item = &item
	case t.kind == query.String && t.typ != nil:
		v.Enum, v.CheckName = t.typ.def.Name, t.typ.expectsName
	}
	return v
}

// expectsName returns "" for the name of a value of the enum, otherwise what is
// expected.
func (t *Type) expectsName(name string, ignoreCase bool) string {
	for _, known := range t.values {
		if known == name || ignoreCase && strings.EqualFold(known, name) {
			return ""
		}
	}
	return t.wantedNames() + suggest.Nearest(name, t.values)
}
