package opentypes

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/camena-io/camena/events"
)

// check checks the types that a type refers to, and that the type accepts all
// ends and elements that it accepted before.
func (b *builder) check(t *Type) error {
	at := b.pointer(t.def.Name)
	if err := b.checkReferences(t, at); err != nil {
		return err
	}
	old, ok := b.old.types[t.def.Name]
	if !ok {
		return nil
	}
	c := change{old: old, next: &t.def, at: at}
	if err := c.ends(t, b.done); err != nil {
		return err
	}
	return c.targets(t, b.done)
}

func (b *builder) checkReferences(t *Type, at string) error {
	if name := t.def.ReplacedBy; name != "" {
		if err := b.checkReference(at+"/replacedBy", t.def.Kind, name); err != nil {
			return err
		}
	}
	for i, name := range t.def.ValidFor {
		at := at + "/validFor/" + strconv.Itoa(i)
		if err := b.checkReference(at, events.KindElement, name); err != nil {
			return err
		}
		if t.super != nil && !t.super.MayClassify(b.done[name].Header()) {
			return events.Errorf(events.CodeInvalid, at, "the super type %s cannot classify %s, only %s", t.super.def.Name, name, enumerate(t.super.validFor))
		}
	}
	if t.def.MultiLink && t.super != nil && !t.super.multiLink {
		return events.Errorf(events.CodeInvalid, at+"/multiLink", "the super type %s allows only one relationship between two elements", t.super.def.Name)
	}
	if t.def.End1 == nil {
		return nil
	}
	return cmp.Or(b.checkEnd(t, 1, at+"/end1"), b.checkEnd(t, 2, at+"/end2"))
}

// checkEnd checks that an end of a relationship accepts no more than the end of
// the super type.
func (b *builder) checkEnd(t *Type, end int, at string) error {
	is := t.End(end)
	if err := b.checkReference(at+"/type", events.KindElement, is.Type); err != nil || t.super == nil {
		return err
	}
	wider := t.super.End(end)
	switch {
	case !b.done[is.Type].Is(wider.Type):
		return events.Errorf(events.CodeInvalid, at+"/type", "%s is not a subtype of %s, the type at this end of the super type %s", is.Type, wider.Type, t.super.def.Name)
	case is.Cardinality == events.CardinalityMany && wider.Cardinality == events.CardinalityOne:
		return events.Errorf(events.CodeInvalid, at+"/cardinality", "the super type %s allows only one", t.super.def.Name)
	}
	return nil
}

func (b *builder) checkReference(at string, kind events.TypeKind, name string) error {
	t, ok := b.done[name]
	switch {
	case !ok:
		return b.unknown(at, kind, name)
	case t.def.Kind != kind:
		return events.Errorf(events.CodeInvalid, at, "%s is the type of %s; name the type of %s", name, Article(string(t.def.Kind)), Article(string(kind)))
	}
	return nil
}

// change is a type and its new definition.
type change struct {
	old  *Type
	next *events.TypeDef
	at   string
}

// check checks what needs no other type.
func (c *change) check() error {
	return cmp.Or(c.identity(), c.attributes(), c.values())
}

func (c *change) refuse(field, format string, args ...any) error {
	return events.Errorf(events.CodeConflict, c.at+field, format, args...)
}

func (c *change) identity() error {
	was, is := &c.old.def, c.next
	switch {
	case was.Kind != is.Kind:
		return c.refuse("/kind", "%s is the type of %s; the kind of a type cannot change", was.Name, Article(string(was.Kind)))
	case was.SuperType != is.SuperType:
		return c.refuse("/superType", "the super type of %s is %s; it cannot change", was.Name, quoted(was.SuperType))
	case was.MultiLink && !is.MultiLink:
		return c.refuse("/multiLink", "%s allows several relationships between two elements; this cannot be withdrawn", was.Name)
	}
	return nil
}

func (c *change) attributes() error {
	for i := range c.next.Attributes {
		is := &c.next.Attributes[i]
		at := "/attributes/" + strconv.Itoa(i)
		was := c.old.attribute(is.Name)
		switch {
		case was == nil && is.Required:
			return c.refuse(at+"/required", "metadata of type %s has no %s: a new attribute cannot be required", c.next.Name, is.Name)
		case was == nil:
		case was.def.Type != is.Type:
			return c.refuse(at+"/type", "%s is %s; the type of an attribute cannot change", is.Name, was.def.Type)
		case is.Required && !was.def.Required:
			return c.refuse(at+"/required", "%s is optional; it cannot become required", is.Name)
		}
	}
	for i := range c.old.def.Attributes {
		name := c.old.def.Attributes[i].Name
		gone := !slices.ContainsFunc(c.next.Attributes, func(a events.AttributeDef) bool { return a.Name == name })
		if gone {
			return c.refuse("/attributes", "the attribute %s is missing: mark it as deprecated instead of removing it", name)
		}
	}
	return nil
}

func (c *change) ends(next *Type, types map[string]*Type) error {
	for i := range 2 {
		was, is := c.old.End(i+1), next.End(i+1)
		if was == nil {
			return nil
		}
		at := "/end" + strconv.Itoa(i+1)
		if !types[was.Type].Is(is.Type) {
			return c.refuse(at+"/type", "the type at this end is %s; it can only become a super type of that, not %s", was.Type, is.Type)
		}
		if was.Cardinality == events.CardinalityMany && is.Cardinality == events.CardinalityOne {
			return c.refuse(at+"/cardinality", "the cardinality is many; it cannot become one")
		}
	}
	return nil
}

func (c *change) targets(next *Type, types map[string]*Type) error {
	for _, name := range c.old.validFor {
		if !next.MayClassify(types[name].Header()) {
			return c.refuse("/validFor", "%s is missing: an element type cannot be removed from validFor", name)
		}
	}
	return nil
}

func (c *change) values() error {
	for _, was := range c.old.def.Values {
		i := slices.IndexFunc(c.next.Values, func(v events.EnumValue) bool { return v.Name == was.Name })
		if i < 0 {
			return c.refuse("/values", "the value %s is missing: a value cannot be removed", was.Name)
		}
		if is := c.next.Values[i].Ordinal; is != was.Ordinal {
			return c.refuse("/values/"+strconv.Itoa(i)+"/ordinal", "the ordinal of %s is %d; it cannot become %d", was.Name, was.Ordinal, is)
		}
	}
	return nil
}
