package opentypes

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// CheckFind refuses a question that no element can answer because it names a
// type, classification, property or value that is none. What [events.Find.Filter]
// and [events.NewSorter] check must have been checked before.
func (r *Registry) CheckFind(q *events.Find) error {
	elements := &subject{registry: r, kind: events.KindElement, name: q.Type}
	if q.Type != "" {
		if _, err := r.Element(q.Type, "/type"); err != nil {
			return err
		}
	}
	if q.Classification != "" {
		if _, err := r.Classification(q.Classification, "/classification"); err != nil {
			return err
		}
	}
	if q.ClassificationWhere != nil {
		classification := &subject{registry: r, kind: events.KindClassification, name: q.Classification}
		if err := classification.condition(q.ClassificationWhere, "/classificationWhere"); err != nil {
			return err
		}
	}
	if q.Where != nil {
		if err := elements.condition(q.Where, "/where"); err != nil {
			return err
		}
	}
	for i := range q.Sort {
		if _, err := elements.resolve(q.Sort[i].Property, "/sort/"+strconv.Itoa(i)+"/property"); err != nil {
			return err
		}
	}
	return nil
}

// subject is what a question is about: elements of a type and its subtypes, of
// any type where none is named, or one classification.
type subject struct {
	registry *Registry
	kind     events.TypeKind
	name     string
}

func (s *subject) condition(c *events.Condition, pointer string) error {
	for _, list := range [...]struct {
		of      []events.Condition
		pointer string
	}{{c.And, "/and/"}, {c.Or, "/or/"}} {
		for i := range list.of {
			if err := s.condition(&list.of[i], pointer+list.pointer+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	}
	if c.Not != nil {
		return s.condition(c.Not, pointer+"/not")
	}
	if c.Property == "" {
		return nil
	}
	values, err := s.resolve(c.Property, pointer+"/property")
	if err != nil || len(values) == 0 {
		return err
	}
	return suits(values, c, pointer)
}

// resolve returns what the property may hold; nothing if that is not known.
func (s *subject) resolve(property, pointer string) ([]*value, error) {
	field, header := strings.CutPrefix(property, "header.")
	if header || property == "guid" || property == "qualifiedName" {
		return s.header(field, pointer)
	}
	name, rest, _ := strings.Cut(property, ".")
	attributes := s.attributes(name)
	var values []*value
	for _, a := range attributes {
		values = append(values, a.value.at(rest)...)
	}
	switch {
	case len(values) > 0:
		return values, nil
	case strings.HasPrefix(property, events.AnyProperty):
		return nil, nil
	case len(attributes) > 0:
		return nil, events.Errorf(events.CodeInvalid, pointer, "%s has nothing %s in it%s", name, quoted(rest), suggest(rest, attributes[0].value.members()))
	}
	return nil, events.Errorf(events.CodeInvalid, pointer, "%s has an attribute %s%s", s.nobody(), quoted(name), suggest(name, s.names()))
}

// nobody begins the sentence that says that there is no such attribute.
func (s *subject) nobody() string {
	switch {
	case s.name == "":
		return "no type of elements"
	case s.kind == events.KindElement && len(s.registry.Subtypes(s.name)) > 1:
		return "neither " + s.name + " nor a subtype of it"
	default:
		return "no " + s.name
	}
}

func (s *subject) header(field, pointer string) ([]*value, error) {
	if s.kind != events.KindElement {
		return nil, events.Errorf(events.CodeInvalid, pointer, "a classification has no %s: name one of the attributes of %s", quoted(field), s.name)
	}
	fields := events.HeaderFields()
	paths := make([]string, len(fields))
	for i, f := range fields {
		if paths[i] = f.Path; f.Path == field {
			return []*value{valueOf(f.Type)}, nil
		}
	}
	return nil, events.Errorf(events.CodeInvalid, pointer, "the header has no %s%s", quoted(field), suggest(field, paths))
}

// valueOf resolves the type of a value that holds no enum or struct.
func valueOf(expression string) *value {
	t, err := events.ParseValueType(expression)
	if err != nil {
		return &value{}
	}
	v := &value{kind: valueKindOf(t.Name)}
	if t.Of != nil {
		v.of = &value{kind: valueKindOf(t.Of.Name)}
	}
	return v
}

// types returns the types whose elements, or whose one classification, are
// asked for.
func (s *subject) types() []*Type {
	if s.name == "" {
		return s.below(root)
	}
	if s.kind == events.KindClassification {
		return []*Type{s.registry.types[s.name]}
	}
	return s.below(s.name)
}

func (s *subject) below(name string) []*Type {
	names := s.registry.Subtypes(name)
	types := make([]*Type, len(names))
	for i, n := range names {
		types[i] = s.registry.types[n]
	}
	return types
}

// attributes returns the different attributes of that name.
func (s *subject) attributes(name string) (found []*attribute) {
	for _, t := range s.types() {
		if a := t.attribute(name); a != nil && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}

func (s *subject) names() []string {
	var names []string
	for _, t := range s.types() {
		for _, a := range t.attributes {
			names = append(names, a.def.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// at returns what may stand at a path in the value. The names in a map may have
// dots in them.
func (t *value) at(path string) (found []*value) {
	switch {
	case path == "" || t.kind == kindAny:
		return []*value{t}
	case t.kind == kindMap:
		for i := range path {
			if path[i] == '.' {
				found = append(found, t.of.at(path[i+1:])...)
			}
		}
		return append(found, t.of)
	case t.kind == kindStruct:
		name, rest, _ := strings.Cut(path, ".")
		if a := t.typ.attribute(name); a != nil {
			return a.value.at(rest)
		}
	}
	return nil
}

// members returns the names of what a struct holds.
func (t *value) members() (names []string) {
	if t.kind == kindStruct {
		for _, a := range t.typ.attributes {
			names = append(names, a.def.Name)
		}
	}
	return names
}

// suits refuses a comparison that none of the values that a property may hold
// could ever satisfy.
func suits(values []*value, c *events.Condition, pointer string) error {
	if c.Operator == events.OpIsNull || c.Operator == events.OpNotNull {
		return nil
	}
	if !slices.ContainsFunc(values, func(v *value) bool { return v.takes(c.Operator) }) {
		return events.Errorf(events.CodeInvalid, pointer+"/operator", "%s does not suit %s, which holds %s", string(c.Operator), c.Property, values[0].noun())
	}
	pointer += "/value"
	if c.Operator != events.OpIn {
		return fits(values, c, c.Value, pointer)
	}
	items, err := events.Unmarshal[[]jsontext.Value](c.Value)
	for i := range items {
		if err := fits(values, c, items[i], pointer+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return err
}

func fits(values []*value, c *events.Condition, literal jsontext.Value, pointer string) error {
	want := ""
	for _, v := range values {
		if !v.takes(c.Operator) {
			continue
		}
		if want = v.wants(c, literal); want == "" {
			return nil
		}
	}
	hint := ""
	if literal.Kind() != '"' && values[0].isText() {
		hint = ": put quotes around it"
	}
	return events.Errorf(events.CodeInvalid, pointer, "%s is compared with %s; found %s%s", c.Property, want, describe(literal), hint)
}
