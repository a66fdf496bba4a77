package opentypes

import (
	"slices"
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/events/suggest"
)

// maxSupers bounds the chain of super types.
const maxSupers = 50

// compile makes a type of its definition.
func (b *builder) compile(d events.TypeDef) (*Type, error) {
	t := &Type{
		def: d, header: events.ElementType{Name: d.Name},
		end1: d.End1, end2: d.End2, multiLink: d.MultiLink, validFor: d.ValidFor,
	}
	if err := b.inherit(t); err != nil {
		return nil, err
	}
	for _, v := range d.Values {
		t.values = append(t.values, v.Name)
	}
	for i := range d.Attributes {
		if err := b.addAttribute(t, i); err != nil {
			return nil, err
		}
	}
	if n := len(t.attributes); n > events.MaxTypeMembers {
		return nil, events.Errorf(events.CodeTooLarge, b.nearest(t)+"/attributes", "%s would have %d attributes, inherited ones included; the limit is %d", d.Name, n, events.MaxTypeMembers)
	}
	slices.SortFunc(t.attributes, func(x, y *attribute) int { return strings.Compare(x.def.Name, y.def.Name) })
	t.isNamed = t.Is(named)
	return t, nil
}

// nearest returns the place of a type in defs, or of its nearest super type
// there.
func (b *builder) nearest(t *Type) string {
	for t.super != nil && b.pointer(t.def.Name) == "" {
		t = t.super
	}
	return b.pointer(t.def.Name)
}

// inherit copies attributes, ends and validFor from the super type.
func (b *builder) inherit(t *Type) error {
	d, at := &t.def, b.pointer(t.def.Name)+"/superType"
	if d.SuperType == "" {
		if d.Kind == events.KindElement && d.Name != root {
			return events.Errorf(events.CodeInvalid, at, "missing: an element type needs a super type, such as Referenceable or Asset")
		}
		return nil
	}
	super, err := b.resolve(d.SuperType)
	switch {
	case err != nil:
		return err
	case super == nil:
		return b.unknown(at, d.Kind, d.SuperType)
	case super.def.Kind != d.Kind:
		return events.Errorf(events.CodeInvalid, at, "%s is the type of %s; the super type of %s must be of the same kind", d.SuperType, Article(string(super.def.Kind)), Article(string(d.Kind)))
	}
	if len(super.header.SuperTypes) >= maxSupers {
		return events.Errorf(events.CodeTooLarge, at, "%s already has %d super types, which is the limit", d.SuperType, maxSupers)
	}
	t.super = super
	t.header.SuperTypes = append([]string{super.def.Name}, super.header.SuperTypes...)
	t.attributes = slices.Clone(super.attributes)
	t.multiLink = t.multiLink || super.multiLink
	if t.end1 == nil {
		t.end1, t.end2 = super.end1, super.end2
	}
	if len(t.validFor) == 0 {
		t.validFor = super.validFor
	}
	return nil
}

func (b *builder) addAttribute(t *Type, i int) error {
	d := t.def.Attributes[i]
	at := b.pointer(t.def.Name) + "/attributes/" + strconv.Itoa(i)
	parsed, err := events.ParseValueType(d.Type)
	if err != nil {
		return err // [events.TypeDef.Validate] has found it already
	}
	v, err := b.value(parsed, at+"/type")
	if err != nil {
		return err
	}
	a := &attribute{def: d, owner: t.def.Name, value: *v}
	place := slices.IndexFunc(t.attributes, func(inherited *attribute) bool { return inherited.def.Name == d.Name })
	if place < 0 {
		t.attributes = append(t.attributes, a)
		return nil
	}
	inherited := t.attributes[place]
	if inherited.def.Type != d.Type {
		return b.typeConflict(t, a, inherited, at)
	}
	a.def.Required = d.Required || inherited.def.Required
	t.attributes[place] = a
	return nil
}

// typeConflict is the error of an attribute that is inherited with another type.
// It points at the one of the two that is in defs.
func (b *builder) typeConflict(t *Type, own, inherited *attribute, at string) error {
	if b.pointer(t.def.Name) == "" {
		defined := b.defs[b.index[inherited.owner]].Attributes
		i := slices.IndexFunc(defined, func(a events.AttributeDef) bool { return a.Name == own.def.Name })
		at = b.pointer(inherited.owner) + "/attributes/" + strconv.Itoa(i)
	}
	return events.Errorf(events.CodeConflict, at+"/type", "%s is %s in %s, but %s in its super type %s",
		own.def.Name, own.def.Type, own.owner, inherited.def.Type, inherited.owner)
}

// value resolves the names in a value type.
func (b *builder) value(parsed events.ValueType, at string) (*value, error) {
	v := &value{primitive: primitiveOf(parsed.Name)}
	switch {
	case parsed.Of != nil:
		of, err := b.value(*parsed.Of, at)
		v.of = of
		return v, err
	case !parsed.IsNamed():
		return v, nil
	}
	typ, err := b.resolve(parsed.Name)
	switch {
	case err != nil:
		return nil, err
	case typ == nil:
		return nil, b.unknown(at, events.KindEnum, parsed.Name)
	case typ.def.Kind != events.KindEnum && typ.def.Kind != events.KindStruct:
		return nil, events.Errorf(events.CodeInvalid, at, "%s is the type of %s; a value is a primitive, an enum or a struct", parsed.Name, Article(string(typ.def.Kind)))
	}
	v.kind, v.typ = query.String, typ
	if typ.def.Kind == events.KindStruct {
		v.kind = query.Object
	}
	return v, nil
}

// unknown is the error of a name that is no type.
func (b *builder) unknown(at string, kind events.TypeKind, name string) error {
	candidates := b.old.names(kind)
	for i := range b.defs {
		if b.defs[i].Kind == kind {
			candidates = append(candidates, b.defs[i].Name)
		}
	}
	slices.Sort(candidates)
	what := string(kind) + " type"
	if kind == events.KindEnum {
		what = "enum or struct"
	}
	return events.Errorf(events.CodeUnknownType, at, "there is no %s %s%s", what, quoted(name), suggest.Nearest(name, slices.Compact(candidates)))
}
