package events

import "strconv"

// Validate checks what can be checked without the other types; pointer is where
// the definition stands.
func (d *TypeDef) Validate(pointer string) error {
	if err := d.validKind(pointer); err != nil {
		return err
	}
	if err := validTypeName(pointer+"/name", d.Name); err != nil {
		return err
	}
	if err := d.validReferences(pointer); err != nil {
		return err
	}
	if err := d.validAttributes(pointer + "/attributes"); err != nil {
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
	misplaced := func(field, owner string) error {
		return Errorf(CodeInvalid, pointer+field, "only %s has this field; %s is of kind %s", owner, quoted(d.Name), d.Kind)
	}
	isData := d.Kind == KindEnum || d.Kind == KindStruct
	switch {
	case isData && d.SuperType != "":
		return misplaced("/superType", "an element, a relationship or a classification")
	case d.Kind == KindEnum && len(d.Attributes) > 0:
		return misplaced("/attributes", "a type other than an enum")
	case d.Kind != KindRelationship && d.End1 != nil:
		return misplaced("/end1", "a relationship")
	case d.Kind != KindRelationship && d.End2 != nil:
		return misplaced("/end2", "a relationship")
	case d.Kind != KindRelationship && d.MultiLink:
		return misplaced("/multiLink", "a relationship")
	case d.Kind != KindClassification && len(d.ValidFor) > 0:
		return misplaced("/validFor", "a classification")
	case d.Kind != KindEnum && len(d.Values) > 0:
		return misplaced("/values", "an enum")
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

func tooMany(pointer string, n int) error {
	if n <= MaxTypeMembers {
		return nil
	}
	return Errorf(CodeTooLarge, pointer, "%d entries; the limit is %d", n, MaxTypeMembers)
}

func (d *TypeDef) validAttributes(pointer string) error {
	if err := tooMany(pointer, len(d.Attributes)); err != nil {
		return err
	}
	names := make(map[string]bool, len(d.Attributes))
	for i := range d.Attributes {
		a, at := &d.Attributes[i], itemAt(pointer, i)
		if err := validName(at+"/name", a.Name, "of an attribute such as displayName"); err != nil {
			return err
		}
		switch {
		case a.Name == "qualifiedName":
			return Errorf(CodeInvalid, at+"/name", "qualifiedName is part of the header of an element; it cannot be an attribute")
		case names[a.Name]:
			return Errorf(CodeInvalid, at+"/name", "%s is given twice", a.Name)
		}
		names[a.Name] = true
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
	if err := tooMany(pointer, len(d.ValidFor)); err != nil {
		return err
	}
	names := make(map[string]bool, len(d.ValidFor))
	for i, name := range d.ValidFor {
		if err := validTypeName(itemAt(pointer, i), name); err != nil {
			return err
		}
		if names[name] {
			return Errorf(CodeInvalid, itemAt(pointer, i), "%s is given twice", name)
		}
		names[name] = true
	}
	return nil
}

func (d *TypeDef) validValues(pointer string) error {
	if len(d.Values) == 0 {
		return Errorf(CodeInvalid, pointer, "missing: an enum has values")
	}
	if err := tooMany(pointer, len(d.Values)); err != nil {
		return err
	}
	names, ordinals := make(map[string]bool, len(d.Values)), make(map[int]bool, len(d.Values))
	for i := range d.Values {
		v, at := &d.Values[i], itemAt(pointer, i)
		if err := validName(at+"/name", v.Name, "of a value such as ACTIVE"); err != nil {
			return err
		}
		switch {
		case names[v.Name]:
			return Errorf(CodeInvalid, at+"/name", "%s is given twice", v.Name)
		case ordinals[v.Ordinal]:
			return Errorf(CodeInvalid, at+"/ordinal", "%d is given twice", v.Ordinal)
		case v.Ordinal < 0:
			return Errorf(CodeInvalid, at+"/ordinal", "%d is negative", v.Ordinal)
		}
		names[v.Name], ordinals[v.Ordinal] = true, true
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
