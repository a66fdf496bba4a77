package events

import (
	"cmp"
	"strconv"
)

// Validate checks what can be checked without the other types; pointer is where
// the definition stands.
func (d *TypeDef) Validate(pointer string) error {
	err := cmp.Or(
		d.validKind(pointer),
		validTypeName(pointer+"/name", d.Name),
		d.validReferences(pointer),
		tooMany(pointer+"/attributes", len(d.Attributes)),
		tooMany(pointer+"/validFor", len(d.ValidFor)),
		tooMany(pointer+"/values", len(d.Values)),
		d.validAttributes(pointer+"/attributes"),
	)
	if err != nil {
		return err
	}
	switch d.Kind {
	case KindRelationship:
		return d.validEnds(pointer)
	case KindClassification:
		return d.validTargets(pointer + "/validFor")
	case KindEnum:
		return d.validValues(pointer + "/values")
	case KindStruct:
		if len(d.Attributes) == 0 {
			return Errorf(CodeInvalid, pointer+"/attributes", "missing: a struct has attributes")
		}
		return nil
	default:
		return nil
	}
}

// validKind checks the kind, and that no field of another kind is set.
func (d *TypeDef) validKind(pointer string) error {
	switch d.Kind {
	case KindElement, KindRelationship, KindClassification, KindEnum, KindStruct:
	case "":
		return Errorf(CodeInvalid, pointer+"/kind", "missing: one of element, relationship, classification, enum, struct")
	default:
		return Errorf(CodeInvalid, pointer+"/kind", "%s is none of element, relationship, classification, enum, struct", quoted(string(d.Kind)))
	}
	isData, isLink := d.Kind == KindEnum || d.Kind == KindStruct, d.Kind == KindRelationship
	for _, field := range [...]struct {
		name           string
		isSet, belongs bool
		owner          string
	}{
		{"/superType", d.SuperType != "", !isData, "an element, a relationship or a classification"},
		{"/attributes", len(d.Attributes) > 0, d.Kind != KindEnum, "a type other than an enum"},
		{"/end1", d.End1 != nil, isLink, "a relationship"},
		{"/end2", d.End2 != nil, isLink, "a relationship"},
		{"/multiLink", d.MultiLink, isLink, "a relationship"},
		{"/validFor", len(d.ValidFor) > 0, d.Kind == KindClassification, "a classification"},
		{"/values", len(d.Values) > 0, d.Kind == KindEnum, "an enum"},
	} {
		if field.isSet && !field.belongs {
			return Errorf(CodeInvalid, pointer+field.name, "only %s has this field; %s is of kind %s", field.owner, quoted(d.Name), d.Kind)
		}
	}
	return nil
}

func (d *TypeDef) validReferences(pointer string) error {
	for _, reference := range []struct{ field, name string }{
		{"/superType", d.SuperType}, {"/replacedBy", d.ReplacedBy},
	} {
		if reference.name == "" {
			continue
		}
		if err := validTypeName(pointer+reference.field, reference.name); err != nil {
			return err
		}
		if reference.name == d.Name {
			return Errorf(CodeInvalid, pointer+reference.field, "%s names itself", d.Name)
		}
	}
	return nil
}

// MaxTypeMembers bounds the attributes, values or valid types of a [TypeDef], and
// the attributes of a type with the inherited ones.
const MaxTypeMembers = 1000

// onceEach refuses what is added twice.
type onceEach map[string]bool

func (o onceEach) add(pointer, name string) error {
	if o[name] {
		return Errorf(CodeInvalid, pointer, "%s is given twice", name)
	}
	o[name] = true
	return nil
}

func tooMany(pointer string, n int) error {
	if n <= MaxTypeMembers {
		return nil
	}
	return Errorf(CodeTooLarge, pointer, "%d entries; the limit is %d", n, MaxTypeMembers)
}

func (d *TypeDef) validAttributes(pointer string) error {
	names := onceEach{}
	for i := range d.Attributes {
		a, at := &d.Attributes[i], itemAt(pointer, i)
		if a.Name == "qualifiedName" {
			return Errorf(CodeInvalid, at+"/name", "qualifiedName is part of the header of an element; it cannot be an attribute")
		}
		if err := cmp.Or(validName(at+"/name", a.Name, "of an attribute such as displayName"), names.add(at+"/name", a.Name)); err != nil {
			return err
		}
		if _, err := ParseValueType(a.Type); err != nil {
			return Errorf(CodeInvalid, at+"/type", "%s", err)
		}
	}
	return nil
}

func (d *TypeDef) validEnds(pointer string) error {
	if d.End1 == nil && d.End2 == nil && d.SuperType != "" {
		return nil // inherited
	}
	for _, end := range []struct {
		field string
		def   *EndDef
	}{{"/end1", d.End1}, {"/end2", d.End2}} {
		at := pointer + end.field
		if end.def == nil {
			return Errorf(CodeInvalid, at, "missing: a relationship has two ends")
		}
		if err := validTypeName(at+"/type", end.def.Type); err != nil {
			return err
		}
		if end.def.Name != "" {
			if err := validName(at+"/name", end.def.Name, "of an end such as parentFolder"); err != nil {
				return err
			}
		}
		switch end.def.Cardinality {
		case CardinalityOne, CardinalityMany:
		case "":
			return Errorf(CodeInvalid, at+"/cardinality", "missing: one or many, the number of elements at this end for one element at the other end")
		default:
			return Errorf(CodeInvalid, at+"/cardinality", "%s is neither one nor many", quoted(string(end.def.Cardinality)))
		}
	}
	return nil
}

func (d *TypeDef) validTargets(pointer string) error {
	if len(d.ValidFor) == 0 && d.SuperType == "" {
		return Errorf(CodeInvalid, pointer, "missing: the element types that it may classify, such as Referenceable")
	}
	names := onceEach{}
	for i, name := range d.ValidFor {
		at := itemAt(pointer, i)
		if err := cmp.Or(validTypeName(at, name), names.add(at, name)); err != nil {
			return err
		}
	}
	return nil
}

func (d *TypeDef) validValues(pointer string) error {
	if len(d.Values) == 0 {
		return Errorf(CodeInvalid, pointer, "missing: an enum has values")
	}
	names, ordinals := onceEach{}, onceEach{}
	for i := range d.Values {
		v, at := &d.Values[i], itemAt(pointer, i)
		err := cmp.Or(
			validName(at+"/name", v.Name, "of a value such as ACTIVE"),
			names.add(at+"/name", v.Name),
			ordinals.add(at+"/ordinal", strconv.Itoa(v.Ordinal)),
		)
		if err != nil {
			return err
		}
		if v.Ordinal < 0 {
			return Errorf(CodeInvalid, at+"/ordinal", "%d is negative", v.Ordinal)
		}
	}
	return nil
}

// maxName bounds names of types, attributes and values: the name of a type is
// part of a subject.
const maxName = 100

func validTypeName(pointer, name string) error {
	if err := validName(pointer, name, "of a type such as DataFile"); err != nil {
		return err
	}
	if name[0] < 'A' || name[0] > 'Z' {
		return Errorf(CodeInvalid, pointer, "%q is not the name of a type: it must begin with a capital letter", name)
	}
	return nil
}

func validName(pointer, name, example string) error {
	switch {
	case name == "":
		return Errorf(CodeInvalid, pointer, "missing: the name %s", example)
	case len(name) > maxName:
		return Errorf(CodeInvalid, pointer, "%s is longer than %d characters", quoted(name), maxName)
	case !isName(name):
		return Errorf(CodeInvalid, pointer, "%q is not the name %s: a letter, then letters, digits and _", name, example)
	}
	return nil
}

// isName reports whether text is an ASCII letter followed by letters, digits
// and underscores.
func isName(text string) bool {
	for i := range len(text) {
		c := text[i]
		isLetter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !isLetter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return text != ""
}

// quoted quotes a text, cut to a readable length.
func quoted(text string) string {
	const enough = 64
	if len(text) <= enough {
		return strconv.Quote(text)
	}
	return strconv.Quote(text[:enough]) + "…"
}

// itemAt returns the pointer to the i-th item of an array.
func itemAt(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }
