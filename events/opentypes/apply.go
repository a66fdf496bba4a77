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

// Apply returns a registry with the given definitions, and those of them that
// differ from r, sorted by name. The order of defs does not matter; defining a
// type as it is changes nothing. The error of an invalid or incompatible
// definition points at its place in defs, such as /types/3/attributes/2/type; an
// incompatible one has the code [events.CodeConflict].
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
	// index of the definitions that differ from old, by name.
	index map[string]int
	// done holds the resolved types; nil marks those in resolving.
	done      map[string]*Type
	resolving []string
}

// names returns the types that differ, in the order of the definitions.
func (b *builder) names() []string {
	names := slices.Collect(maps.Keys(b.index))
	slices.SortFunc(names, func(x, y string) int { return b.index[x] - b.index[y] })
	return names
}

// pointer returns the place of a definition in defs, "" if old has the type.
func (b *builder) pointer(name string) string {
	if i, ok := b.index[name]; ok {
		return "/types/" + strconv.Itoa(i)
	}
	return ""
}

// gather finds the definitions that differ from old.
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
	for _, name := range append(b.names(), slices.Sorted(maps.Keys(b.old.types))...) {
		if _, err := b.resolve(name); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns the named type, compiled again if it or a type it uses
// differs; nil if there is no such type.
func (b *builder) resolve(name string) (*Type, error) {
	if t, ok := b.done[name]; ok {
		if t == nil {
			return nil, b.cycleError(name)
		}
		return t, nil
	}
	old := b.old.types[name]
	i, isNew := b.index[name]
	if old == nil && !isNew {
		return nil, nil //nolint:nilnil // the caller says where the name stands
	}
	b.done[name] = nil
	b.resolving = append(b.resolving, name)
	defer func() { b.resolving = b.resolving[:len(b.resolving)-1] }()
	var t *Type
	var err error
	if isNew {
		t, err = b.compile(clone(&b.defs[i]))
	} else {
		t, err = b.rebuild(old)
	}
	b.done[name] = t
	return t, err
}

// cycleError is the error of a type that uses itself.
func (b *builder) cycleError(name string) error {
	cycle := b.resolving[slices.Index(b.resolving, name):]
	at := ""
	for _, name := range cycle {
		at = cmp.Or(at, b.pointer(name))
	}
	return events.Errorf(events.CodeInvalid, at, "a type cannot use itself: %s", strings.Join(append(slices.Clone(cycle), name), " → "))
}

// rebuild returns a type whose definition is unchanged: old itself, unless a
// type that it uses differs.
func (b *builder) rebuild(old *Type) (*Type, error) {
	same := true
	if old.super != nil {
		super, err := b.resolve(old.super.def.Name)
		if err != nil {
			return nil, err
		}
		same = super == old.super
	}
	for i := range old.def.Attributes {
		// The super type takes care of inherited attributes.
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

// clone copies a definition; empty lists become nil.
func clone(d *events.TypeDef) events.TypeDef {
	c := *d
	// Of an empty list, Concat returns nil.
	c.Attributes, c.ValidFor, c.Values = slices.Concat(d.Attributes), slices.Concat(d.ValidFor), slices.Concat(d.Values)
	for _, end := range []**events.EndDef{&c.End1, &c.End2} {
		if *end != nil {
			e := **end
			*end = &e
		}
	}
	return c
}
