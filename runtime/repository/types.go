package repository

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// typeSet is what the out topic says about types, on top of those that Camena
// ships.
type typeSet struct {
	shipped *opentypes.Registry
	defined map[string]events.TypeDef
	// current is nil while it has to be put together anew.
	current *opentypes.Registry
	// unfit are the types that do not fit to the others: this version of Camena
	// ships others of their names.
	unfit map[string]error
}

func newTypeSet(shipped *opentypes.Registry) typeSet {
	return typeSet{shipped: shipped, defined: map[string]events.TypeDef{}, current: shipped}
}

func (s *typeSet) define(def *events.TypeDef) {
	s.defined[def.Name] = *def
	s.current = nil
}

// assemble puts the registry together, if it is not. The definitions do not come
// in the order in which they build on each other, so all are tried together.
func (s *typeSet) assemble() *opentypes.Registry {
	if s.current != nil {
		return s.current
	}
	left := slices.Sorted(maps.Keys(s.defined))
	all := make([]events.TypeDef, len(left))
	for i, name := range left {
		all[i] = s.defined[name]
	}
	s.unfit = nil
	if r, _, err := s.shipped.Apply(all...); err == nil {
		s.current = r
		return r
	}
	s.current, s.unfit = fitting(s.shipped, all)
	return s.current
}

// fitting applies the definitions that fit, and tells of the others why not.
func fitting(r *opentypes.Registry, defs []events.TypeDef) (*opentypes.Registry, map[string]error) {
	for {
		unfit := map[string]error{}
		var left []events.TypeDef
		for i := range defs {
			next, _, err := r.Apply(defs[i])
			if err != nil {
				unfit[defs[i].Name] = err
				left = append(left, defs[i])
				continue
			}
			r = next
		}
		if len(left) == 0 || len(left) == len(defs) {
			return r, unfit
		}
		defs = left
	}
}

// registry returns the types as the index has read them.
func (x *index) registry() *opentypes.Registry {
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

// known returns the one shared value of a type, or, for a type that this
// version does not know any more, what the header says.
func known(r *opentypes.Registry, typ events.ElementType, relationship bool) *events.ElementType {
	kind := events.KindElement
	if relationship {
		kind = events.KindRelationship
	}
	if t, ok := r.Type(typ.Name); ok && t.Kind() == kind {
		return t.Header()
	}
	return &typ
}

// defineTypes adds types or changes them, all together.
func (a *applier) defineTypes(v view, c *events.DefineTypes) (outcome, error) {
	_, changed, err := v.registry().Apply(c.Types...)
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	for i := range changed {
		change := events.TypeChange{Type: &changed[i]}
		if old, ok := v.registry().Type(changed[i].Name); ok {
			def := old.Def()
			change.Previous = &def
		}
		data, err := events.Marshal(&change)
		if err != nil {
			return outcome{}, err
		}
		if err := a.fits(len(data) / 2); err != nil {
			return outcome{}, err
		}
		o.changes = append(o.changes, changeOfType(&changed[i], data))
	}
	if len(o.changes) > maxChanges {
		return outcome{}, events.Errorf(events.CodeTooLarge, "/types", "%d types change; at most %d can at once", len(o.changes), maxChanges)
	}
	o.result.Changed = len(o.changes) > 0
	return o, nil
}

func changeOfType(def *events.TypeDef, data []byte) change {
	return change{eventType: events.TypeTypeDefined, data: data, typeDef: def}
}
