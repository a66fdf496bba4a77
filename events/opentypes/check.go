package opentypes

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// CheckOptions say how properties are checked.
type CheckOptions struct {
	// Pointer is where the properties stand, such as /element/properties.
	Pointer string
	// Partial properties change some of those there are: what is required may
	// be absent, and null clears an attribute.
	Partial bool
	// Lenient puts attributes that the type has not into additionalProperties,
	// as strings, if the type has that: a scalar as its text, what else there is
	// as JSON.
	Lenient bool
	// Stored are the properties that Partial ones change. It is only needed with
	// Lenient: their additionalProperties are kept beside those that are put
	// there, unless the new properties bring their own.
	Stored events.Properties
}

// Check checks the properties of an element, relationship or classification of
// the type, and returns them, changed only where [CheckOptions] say so.
// Unless they are partial, a null is as good as an absent attribute. What values
// look like is said at [events.ValueString] and the others; enums are given by
// the names of their values, not by ordinals. An error points at the attribute.
func (t *Type) Check(p events.Properties, o CheckOptions) (events.Properties, error) {
	if _, err := p.MarshalJSON(); err != nil {
		return p, pointed(err, o.Pointer)
	}
	c := checking{t: t, partial: o.Partial, lenient: o.Lenient && t.takesMore()}
	if err := c.members(p.Members()); err != nil {
		err.Pointer = o.Pointer + err.Pointer
		return p, err
	}
	if len(c.unknown) == 0 {
		return p, nil
	}
	return c.moved(p, o)
}

// checking is one run of [Type.Check]. Its pointers are relative to what is
// checked, and are made only once there is an error.
type checking struct {
	t                *Type
	partial, lenient bool
	// unknown are the names of the attributes that the type has not.
	unknown []string
}

// members checks the members of an object: both they and the attributes are
// sorted.
func (c *checking) members(m events.Members) *events.Error {
	rest := c.t.attributes
	for m.Next() {
		var err *events.Error
		if rest, err = c.skip(rest, &m); err != nil {
			return err
		}
		if len(rest) == 0 || !m.Is(rest[0].def.Name) {
			if err := c.alien(m.Name()); err != nil {
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

// skip returns the attributes that do not come before a member, or an error if
// one that does is required. Without a member, there is none left.
func (c *checking) skip(rest []*attribute, m *events.Members) ([]*attribute, *events.Error) {
	for len(rest) > 0 && (m == nil || m.Follows(rest[0].def.Name)) {
		if rest[0].def.Required && !c.partial {
			return nil, events.Errorf(events.CodeInvalid, pointerTo(rest[0].def.Name), "missing: %s requires it", c.t.def.Name)
		}
		rest = rest[1:]
	}
	return rest, nil
}

func (c *checking) alien(name string) *events.Error {
	switch {
	case name == qualifiedName && c.t.def.Kind == events.KindElement:
		return events.Errorf(events.CodeInvalid, pointerTo(name), "qualifiedName is not a property: it stands in the element itself, beside its type")
	case c.lenient:
		c.unknown = append(c.unknown, name)
		return nil
	}
	names := make([]string, len(c.t.attributes))
	for i, a := range c.t.attributes {
		names[i] = a.def.Name
	}
	return events.Errorf(events.CodeInvalid, pointerTo(name), "%s has no attribute %s%s", c.t.def.Name, quoted(name), near(name, names))
}

func (c *checking) attribute(a *attribute, v jsontext.Value) *events.Error {
	if v[0] != 'n' {
		return a.value.check(v)
	}
	switch {
	case !a.def.Required:
		return nil
	case c.partial:
		return events.Errorf(events.CodeInvalid, "", "cannot be cleared: %s requires it", c.t.def.Name)
	}
	return events.Errorf(events.CodeInvalid, "", "missing: %s requires it, and null is as good as nothing", c.t.def.Name)
}

// check checks a value of which there is one.
func (t *value) check(v jsontext.Value) *events.Error {
	switch t.kind {
	case kindAny:
		return nil
	case kindArray, kindMap:
		return t.checkCollection(v)
	case kindEnum:
		return t.typ.checkName(v)
	case kindStruct:
		if v[0] != '{' {
			return wrong("an object, the struct "+t.typ.def.Name, v)
		}
		c := checking{t: t.typ}
		return c.members(events.MembersOf(v))
	default:
		if want := t.kind.wanted(v); want != "" {
			return wrong(want, v)
		}
		return nil
	}
}

func (t *value) checkCollection(v jsontext.Value) *events.Error {
	opening, want := byte('['), "an array"
	if t.kind == kindMap {
		opening, want = '{', "an object"
	}
	if v[0] != opening {
		return wrong(want, v)
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
	want := "the name of a value of " + t.def.Name + ": " + enumerate(t.values)
	if v[0] != '"' {
		return wrong(want, v)
	}
	text, err := unquoted(v)
	if err != nil {
		return wrong(want, v)
	}
	return events.Errorf(events.CodeInvalid, "", "expected %s; found %s%s", want, quoted(text), near(text, t.values))
}

// wrong is the error that a value is none that is wanted. A number in the place of
// text is not repeated: it may be a secret.
func wrong(want string, v jsontext.Value) *events.Error {
	if isNumber(v) && strings.HasPrefix(want, "a string") {
		return events.Errorf(events.CodeInvalid, "", "expected %s; found a number", want)
	}
	return events.Errorf(events.CodeInvalid, "", "expected %s; found %s", want, described(v))
}

func pointerTo(name string) string { return string(jsontext.Pointer("").AppendToken(name)) }

// pointed puts a pointer before that of an error.
func pointed(err error, pointer string) error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return &events.Error{Code: e.Code, Message: e.Message, Pointer: pointer + e.Pointer}
	}
	return err
}
