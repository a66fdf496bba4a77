package opentypes

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
)

// Apply returns a registry with the types added, or changed to what they are
// now defined as, and the definitions that differ from before, sorted by name.
// The order of defs does not matter, and defining a type as it is changes
// nothing. Where defs contain an error, or what is not compatible with what the
// types were (that is a [events.CodeConflict]), it is an error that points at
// the place in them, such as /types/3/attributes/2/type.
func (r *Registry) Apply(defs ...events.TypeDef) (next *Registry, changed []events.TypeDef, err error) {
	b := builder{old: r, defs: defs, index: make(map[string]int, len(defs)), done: make(map[string]*Type, len(r.types)+len(defs))}
	if err := b.gather(); err != nil {
		return nil, nil, err
	}
	if len(b.index) == 0 {
		return r, nil, nil
	}
	if err := b.resolveAll(); err != nil {
		return nil, nil, err
	}
	for _, name := range b.names() {
		if err := b.check(b.done[name]); err != nil {
			return nil, nil, err
		}
		changed = append(changed, b.done[name].Def())
	}
	slices.SortFunc(changed, func(x, y events.TypeDef) int { return strings.Compare(x.Name, y.Name) })
	next = &Registry{types: b.done}
	next.index()
	return next, changed, nil
}

// builder makes the next registry.
type builder struct {
	old  *Registry
	defs []events.TypeDef
	// index of the definitions that differ from before, by name.
	index map[string]int
	// done are the types that are resolved; nil those that are about to be, whose
	// names are in under way.
	done     map[string]*Type
	underWay []string
}

// names are those of the types that differ, in the order of the definitions.
func (b *builder) names() []string {
	names := slices.Collect(maps.Keys(b.index))
	slices.SortFunc(names, func(x, y string) int { return b.index[x] - b.index[y] })
	return names
}

// pointer returns where the type is defined, "" if it is one from before.
func (b *builder) pointer(name string) string {
	if i, ok := b.index[name]; ok {
		return "/types/" + strconv.Itoa(i)
	}
	return ""
}

// gather finds the definitions that differ from before.
func (b *builder) gather() error {
	seen := make(map[string]bool, len(b.defs))
	for i := range b.defs {
		d := &b.defs[i]
		pointer := "/types/" + strconv.Itoa(i)
		if err := d.Validate(pointer); err != nil {
			return err
		}
		if seen[d.Name] {
			return events.Errorf(events.CodeInvalid, pointer+"/name", "%s is defined twice", d.Name)
		}
		seen[d.Name] = true
		if t, ok := b.old.types[d.Name]; ok {
			own := clone(d)
			if reflect.DeepEqual(own, t.def) {
				continue
			}
			if err := (&change{old: t, next: &own, at: pointer}).check(); err != nil {
				return err
			}
		}
		b.index[d.Name] = i
	}
	return nil
}

func (b *builder) resolveAll() error {
	for _, name := range b.names() {
		if _, err := b.resolve(name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.old.types)) {
		if _, err := b.resolve(name); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns the named type, made anew if it or what it is made of
// differs; nil if there is no such type.
func (b *builder) resolve(name string) (*Type, error) {
	if t, ok := b.done[name]; ok {
		if t == nil {
			return nil, b.circle(name)
		}
		return t, nil
	}
	old := b.old.types[name]
	i, isNew := b.index[name]
	if old == nil && !isNew {
		return nil, nil //nolint:nilnil // the caller says where the name stands
	}
	b.done[name] = nil
	b.underWay = append(b.underWay, name)
	defer func() { b.underWay = b.underWay[:len(b.underWay)-1] }()
	var t *Type
	var err error
	if isNew {
		t, err = b.compile(clone(&b.defs[i]))
	} else {
		t, err = b.renew(old)
	}
	b.done[name] = t
	return t, err
}

// circle is the error that a type is made of itself.
func (b *builder) circle(name string) error {
	circle := b.underWay[slices.Index(b.underWay, name):]
	at := ""
	for _, name := range circle {
		at = cmp.Or(at, b.pointer(name))
	}
	return events.Errorf(events.CodeInvalid, at, "a type cannot be made of itself: %s", strings.Join(append(slices.Clone(circle), name), " → "))
}

// renew returns a type that is defined as before: the same, unless what it is
// made of differs.
func (b *builder) renew(old *Type) (*Type, error) {
	same := true
	if old.super != nil {
		super, err := b.resolve(old.super.def.Name)
		if err != nil {
			return nil, err
		}
		same = super == old.super
	}
	for i := range old.def.Attributes {
		// An inherited attribute's type is looked after by the super type.
		for v := &old.attribute(old.def.Attributes[i].Name).value; v != nil; v = v.of {
			if v.typ == nil {
				continue
			}
			typ, err := b.resolve(v.typ.def.Name)
			if err != nil {
				return nil, err
			}
			same = same && typ == v.typ
		}
	}
	if same {
		return old, nil
	}
	return b.compile(old.def)
}

// clone copies a definition; what is empty becomes nil.
func clone(d *events.TypeDef) events.TypeDef {
	c := *d
	c.Attributes = copied(d.Attributes)
	c.ValidFor = copied(d.ValidFor)
	c.Values = copied(d.Values)
	for _, end := range []**events.EndDef{&c.End1, &c.End2} {
		if *end != nil {
			e := **end
			*end = &e
		}
	}
	return c
}

func copied[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}
