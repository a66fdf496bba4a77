package opentypes

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/events/suggest"
)

// CheckOptions say how properties are checked.
type CheckOptions struct {
	// Pointer is the place of the properties, such as /element/properties.
	Pointer string
	// Partial properties are a patch: required attributes may be missing, and
	// null removes an attribute.
	Partial bool
	// Lenient moves unknown attributes into additionalProperties, if the type has
	// it: scalars as text, other values as JSON.
	Lenient bool
	// Stored are the properties that a partial change applies to. Only Lenient
	// needs them: it keeps their additionalProperties, unless the new properties
	// have their own.
	Stored events.Properties
}

// Check checks the properties of an element, relationship or classification of
// the type and returns them, changed only by Lenient. Except in partial
// properties, null means a missing attribute. The constants beside
// [events.ValueString] define the form of values; an enum value is given by its
// name. An error points at the attribute.
func (t *Type) Check(p events.Properties, o CheckOptions) (events.Properties, error) {
	if _, err := p.MarshalJSON(); err != nil {
		return p, atPointer(err, o.Pointer)
	}
	extra := t.attribute(additional)
	c := checker{t: t, partial: o.Partial, lenient: o.Lenient && extra != nil && extra.def.Type == "map<string,string>"}
	if err := c.members(p.Members()); err != nil {
		err.Pointer = o.Pointer + err.Pointer
		return p, err
	}
	if len(c.unknown) == 0 {
		return p, nil
	}
	return c.moveUnknown(p, o)
}

// checker is one run of [Type.Check]. Its pointers are relative to the checked
// value, and built only for an error.
type checker struct {
	t                *Type
	partial, lenient bool
	// unknown are the names of attributes that the type does not have.
	unknown []string
}

// members checks the members of an object in one pass: members and attributes
// are both sorted.
func (c *checker) members(m events.Members) *events.Error {
	rest := c.t.attributes
	for m.Next() {
		var err *events.Error
		if rest, err = c.skip(rest, &m); err != nil {
			return err
		}
		if len(rest) == 0 || !m.Is(rest[0].def.Name) {
			if err := c.unknownAttribute(m.Name()); err != nil {
				return err
			}
			continue
		}
		if err := c.attribute(rest[0], m.Value()); err != nil {
			err.Pointer = pointerTo(rest[0].def.Name) + err.Pointer
			return err
		}
		rest = rest[1:]
	}
	_, err := c.skip(rest, nil)
	return err
}

// skip drops the attributes that sort before a member (all of them without a
// member), or fails if one of them is required.
func (c *checker) skip(rest []*attribute, m *events.Members) ([]*attribute, *events.Error) {
	for len(rest) > 0 && (m == nil || m.Follows(rest[0].def.Name)) {
		if rest[0].def.Required && !c.partial {
			return nil, events.Errorf(events.CodeInvalid, pointerTo(rest[0].def.Name), "missing: %s requires it", c.t.def.Name)
		}
		rest = rest[1:]
	}
	return rest, nil
}

func (c *checker) unknownAttribute(name string) *events.Error {
	switch {
	case name == qualifiedName && c.t.def.Kind == events.KindElement:
		return events.Errorf(events.CodeInvalid, pointerTo(name), "qualifiedName is not a property: give it in the element itself, beside its type")
	case c.lenient:
		c.unknown = append(c.unknown, name)
		return nil
	}
	return events.Errorf(events.CodeInvalid, pointerTo(name), "%s has no attribute %s%s", c.t.def.Name, quoted(name),
		suggest.Nearest(name, c.t.attributeNames()))
}

func (c *checker) attribute(a *attribute, v jsontext.Value) *events.Error {
	if v[0] != 'n' {
		return a.value.check(v)
	}
	switch {
	case !a.def.Required:
		return nil
	case c.partial:
		return events.Errorf(events.CodeInvalid, "", "cannot be cleared: %s requires it", c.t.def.Name)
	}
	return events.Errorf(events.CodeInvalid, "", "missing: %s requires it, and null is no value", c.t.def.Name)
}

// check checks a value other than null.
func (t *value) check(v jsontext.Value) *events.Error {
	switch {
	case t.is != nil:
		if !t.is(v) {
			return wrongValue(t.want, v)
		}
		return nil
	case t.of != nil:
		return t.checkCollection(v)
	case t.typ == nil:
		return nil
	case t.kind == query.String:
		return t.typ.checkName(v)
	case v[0] != '{':
		return wrongValue("an object, the struct "+t.typ.def.Name, v)
	}
	c := checker{t: t.typ}
	return c.members(events.MembersOf(v))
}

func (t *value) checkCollection(v jsontext.Value) *events.Error {
	opening, want := byte('['), "an array"
	if t.kind == query.Object {
		opening, want = '{', "an object"
	}
	if v[0] != opening {
		return wrongValue(want, v)
	}
	i := 0
	for m := events.MembersOf(v); m.Next(); i++ {
		if err := t.of.check(m.Value()); err != nil {
			token := strconv.Itoa(i)
			if opening == '{' {
				token = m.Name()
			}
			err.Pointer = pointerTo(token) + err.Pointer
			return err
		}
	}
	return nil
}

// checkName checks a value of an enum.
func (t *Type) checkName(v jsontext.Value) *events.Error {
	isName := func(name string) bool { return string(v[1:len(v)-1]) == name }
	if v[0] == '"' && slices.ContainsFunc(t.values, isName) {
		return nil
	}
	want := t.wantedNames()
	if v[0] != '"' {
		return wrongValue(want, v)
	}
	text, err := unquoted(v)
	if err != nil {
		return wrongValue(want, v)
	}
	return events.Errorf(events.CodeInvalid, "", "expected %s; found %s%s", want, quoted(text), suggest.Nearest(text, t.values))
}

func (t *Type) wantedNames() string {
	return "the name of a value of " + t.def.Name + ": " + enumerate(t.values)
}

// wrongValue is the error for a value of another kind. A number in place of text
// is not repeated: it may be a secret.
func wrongValue(want string, v jsontext.Value) *events.Error {
	if isNumber(v) && strings.HasPrefix(want, "a string") {
		return events.Errorf(events.CodeInvalid, "", "expected %s; found a number", want)
	}
	return events.Errorf(events.CodeInvalid, "", "expected %s; found %s", want, query.Describe(v))
}

func pointerTo(name string) string { return string(jsontext.Pointer("").AppendToken(name)) }

// atPointer prefixes the pointer of an error.
func atPointer(err error, pointer string) error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return &events.Error{Code: e.Code, Message: e.Message, Pointer: pointer + e.Pointer}
	}
	return err
}
