package opentypes

import (
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// Type is one type of a [Registry]. It is immutable.
type Type struct {
	def        events.TypeDef
	header     events.ElementType
	super      *Type
	attributes []*attribute // inherited ones included, sorted by name
	end1, end2 *events.EndDef
	multiLink  bool
	validFor   []string
	values     []string // of an enum
	isNamed    bool
}

// attribute is shared by all types that inherit it.
type attribute struct {
	def   events.AttributeDef
	owner string // the type that defines it
	value value
}

// value is a [events.ValueType] with resolved names.
type value struct {
	primitive

	of  *value // of the items of an array and the values of a map
	typ *Type  // the enum or struct
}

// Name returns the type's name.
func (t *Type) Name() string { return t.def.Name }

// Kind says what the type describes.
func (t *Type) Kind() events.TypeKind { return t.def.Kind }

// Header returns the type as it stands in headers, super types nearest first.
// The caller must not change it.
func (t *Type) Header() *events.ElementType { return &t.header }

// Is reports whether the type is super or a subtype of it.
func (t *Type) Is(super string) bool { return t.header.Is(super) }

// Attributes returns all attributes, inherited ones included, sorted by name.
func (t *Type) Attributes() []events.AttributeDef {
	list := make([]events.AttributeDef, len(t.attributes))
	for i, a := range t.attributes {
		list[i] = a.def
	}
	return list
}

// attributeNames returns the names of all attributes; none of the nil type.
func (t *Type) attributeNames() (names []string) {
	if t == nil {
		return nil
	}
	for _, a := range t.attributes {
		names = append(names, a.def.Name)
	}
	return names
}

// Has reports whether the type has an attribute, inherited ones included.
func (t *Type) Has(name string) bool { return t.attribute(name) != nil }

// Def returns a copy of the definition of the type.
func (t *Type) Def() events.TypeDef { return clone(&t.def) }

// RequiresName reports whether elements of the type must have a qualified name
// (Egeria: Referenceable, whose qualifiedName is mandatory).
func (t *Type) RequiresName() bool { return t.isNamed }

// End returns the definition, possibly inherited, of end 1 or 2 of a
// relationship type; nil for other types. The caller must not change it.
func (t *Type) End(end int) *events.EndDef {
	if end == 1 {
		return t.end1
	}
	return t.end2
}

// Limit returns the topmost type, among t and its super types, whose cardinality
// at end 1 or 2 is one; "" if it is many. All relationships of that type and of
// its subtypes count.
func (t *Type) Limit(end int) (name string) {
	for ; t != nil && t.End(end) != nil && t.End(end).Cardinality == events.CardinalityOne; t = t.super {
		name = t.def.Name
	}
	return name
}

// Root returns the topmost super type, or the name of t itself.
func (t *Type) Root() string {
	for t.super != nil {
		t = t.super
	}
	return t.def.Name
}

// MultiLink reports whether two elements may have several relationships of the
// type. It is equal for all subtypes: where only one is allowed, a relationship
// of a subtype is that one.
func (t *Type) MultiLink() bool { return t.multiLink }

// CheckEnds checks the types of the elements at the ends of a relationship of
// type t. Errors point at end1 or end2 below pointer.
func (t *Type) CheckEnds(end1, end2 *events.ElementType, pointer string) error {
	for i, found := range [2]*events.ElementType{end1, end2} {
		end := t.End(i + 1)
		switch {
		case end == nil:
			return events.Errorf(events.CodeInvalid, pointer+"/type", "%s is the type of %s; name the type of a relationship", t.def.Name, Article(string(t.def.Kind)))
		case !found.Is(end.Type):
			return events.Errorf(events.CodeInvalid, pointer+[2]string{"/end1", "/end2"}[i],
				"expected %s, the type at end %d of %s, or a subtype; found %s", end.Type, i+1, t.def.Name, found.Name)
		}
	}
	return nil
}

// ValidFor returns the element types that a classification may classify,
// inherited ones included. The caller must not change them.
func (t *Type) ValidFor() []string { return t.validFor }

// MayClassify reports whether t, a classification type, may classify elements of
// the given type.
func (t *Type) MayClassify(e *events.ElementType) bool {
	return slices.ContainsFunc(t.validFor, e.Is)
}

// CheckClassifies is [Type.MayClassify] as an error with the given pointer.
func (t *Type) CheckClassifies(e *events.ElementType, pointer string) error {
	if t.MayClassify(e) {
		return nil
	}
	return events.Errorf(events.CodeInvalid, pointer, "%s cannot classify %s, only %s and subtypes", t.def.Name, e.Name, enumerate(t.validFor))
}

// attribute returns the named attribute, nil if there is none.
func (t *Type) attribute(name string) *attribute {
	i, ok := slices.BinarySearchFunc(t.attributes, name, func(a *attribute, name string) int {
		return strings.Compare(a.def.Name, name)
	})
	if !ok {
		return nil
	}
	return t.attributes[i]
}
