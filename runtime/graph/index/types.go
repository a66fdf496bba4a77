package index

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// typeSet holds the types that the out topic defines, on top of the shipped ones.
type typeSet struct {
	shipped *opentypes.Registry
	defined map[string]events.TypeDef
	// current is nil after a change, until it is assembled.
	current *opentypes.Registry
	// unfit is called with definitions that contradict the others, as when this
	// version ships another type of that name.
	unfit func(name string, err error)
	// misfits are those definitions; while the out topic is read, also definitions whose
	// references have not been read yet.
	misfits map[string]error
}

func newTypeSet(shipped *opentypes.Registry, unfit func(name string, err error)) typeSet {
	return typeSet{shipped: shipped, defined: map[string]events.TypeDef{}, current: shipped, unfit: unfit}
}

// assemble returns the registry, and builds it if it has changed.
func (s *typeSet) assemble() *opentypes.Registry {
	if s.current != nil {
		return s.current
	}
	all := make([]events.TypeDef, 0, len(s.defined))
	for _, name := range slices.Sorted(maps.Keys(s.defined)) {
		all = append(all, s.defined[name])
	}
	r, err := s.shipped.Restore(all...)
	s.misfits = nil
	if err != nil {
		r = s.fitting(all)
	}
	s.current = r
	return r
}

// fitting applies the definitions that fit, and notes the errors of the others.
func (s *typeSet) fitting(defs []events.TypeDef) *opentypes.Registry {
	r := s.shipped
	for {
		var left []events.TypeDef
		why := map[string]error{}
		for i := range defs {
			next, err := r.Restore(defs[i])
			if err != nil {
				left, why[defs[i].Name] = append(left, defs[i]), err
				continue
			}
			r = next
		}
		if len(left) == 0 || len(left) == len(defs) {
			s.misfits = why
			return r
		}
		defs = left
	}
}

// Settle tells that all stored events are read: a type that does not fit now is
// logged as an error.
func (x *Index) Settle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.assemble()
	for _, name := range slices.Sorted(maps.Keys(x.misfits)) {
		x.unfit(name, x.misfits[name])
	}
}

// Types returns the types that the index has read.
func (x *Index) Types() *opentypes.Registry {
	x.mu.RLock()
	r := x.typeSet.current
	x.mu.RUnlock()
	if r != nil {
		return r
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.typeSet.assemble()
}

// typeOf returns the shared value of a type, or the type as the header names it if this
// version no longer knows it.
func typeOf(r *opentypes.Registry, typ events.ElementType, relationship bool) *events.ElementType {
	kind := events.KindElement
	if relationship {
		kind = events.KindRelationship
	}
	if t, ok := r.Type(typ.Name); ok && t.Kind() == kind {
		return t.Header()
	}
	return &typ
}
