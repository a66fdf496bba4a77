package opentypes

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

// The types that mean something to the registry itself (Egeria: model 0010).
const (
	root  = "OpenMetadataRoot"
	named = "Referenceable"
)

// Registry holds types. It never changes, so any number of goroutines may use
// it. The zero Registry holds none.
type Registry struct {
	types    map[string]*Type
	subtypes map[string][]string
}

// Element returns the named element type, or an error with the given pointer.
func (r *Registry) Element(name, pointer string) (*Type, error) {
	return r.lookup(events.KindElement, name, pointer)
}

// Relationship returns the named relationship type, or an error with the given
// pointer.
func (r *Registry) Relationship(name, pointer string) (*Type, error) {
	return r.lookup(events.KindRelationship, name, pointer)
}

// Classification returns the named classification type, or an error with the
// given pointer.
func (r *Registry) Classification(name, pointer string) (*Type, error) {
	return r.lookup(events.KindClassification, name, pointer)
}

func (r *Registry) lookup(kind events.TypeKind, name, pointer string) (*Type, error) {
	t, ok := r.types[name]
	switch {
	case !ok:
		return nil, events.Errorf(events.CodeUnknownType, pointer, "there is no %s type %s%s", kind, quoted(name), near(name, r.names(kind)))
	case t.def.Kind != kind:
		return nil, events.Errorf(events.CodeUnknownType, pointer, "%s is the type of %s; the type of %s is needed", name, indefinite(t.def.Kind), indefinite(kind))
	}
	return t, nil
}

// Type returns the named type of whatever kind.
func (r *Registry) Type(name string) (*Type, bool) {
	t, ok := r.types[name]
	return t, ok
}

// Subtypes returns the name of a type and of all types below it, sorted; none
// if there is no such type. The caller must not change them.
func (r *Registry) Subtypes(name string) []string { return r.subtypes[name] }

// All returns all types, sorted by name.
func (r *Registry) All() []*Type {
	all := make([]*Type, 0, len(r.types))
	for _, name := range slices.Sorted(maps.Keys(r.types)) {
		all = append(all, r.types[name])
	}
	return all
}

func (r *Registry) names(kind events.TypeKind) []string {
	var names []string
	for name, t := range r.types {
		if t.def.Kind == kind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// index gathers the subtypes of every type.
func (r *Registry) index() {
	r.subtypes = make(map[string][]string, len(r.types))
	for _, t := range r.All() {
		for super := t; super != nil; super = super.super {
			r.subtypes[super.def.Name] = append(r.subtypes[super.def.Name], t.def.Name)
		}
	}
}
