package opentypes

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// The types that the registry treats in a special way (Egeria: model 0010).
const (
	root  = "OpenMetadataRoot"
	named = "Referenceable"
)

// Registry holds types. It is immutable and safe for concurrent use. The zero
// Registry is empty.
type Registry struct {
	types    map[string]*Type
	subtypes map[string][]string
}

// Element returns the named element type. The error has the given pointer.
func (r *Registry) Element(name, pointer string) (*Type, error) {
	return r.lookup(events.KindElement, name, pointer)
}

// Relationship returns the named relationship type. The error has the given
// pointer.
func (r *Registry) Relationship(name, pointer string) (*Type, error) {
	return r.lookup(events.KindRelationship, name, pointer)
}

// Classification returns the named classification type. The error has the given
// pointer.
func (r *Registry) Classification(name, pointer string) (*Type, error) {
	return r.lookup(events.KindClassification, name, pointer)
}

func (r *Registry) lookup(kind events.TypeKind, name, pointer string) (*Type, error) {
	t, ok := r.types[name]
	switch {
	case !ok:
		return nil, events.Errorf(events.CodeUnknownType, pointer, "there is no %s type %s%s", kind, quoted(name), suggest.Nearest(name, r.names(kind)))
	case t.def.Kind != kind:
		return nil, events.Errorf(events.CodeUnknownType, pointer, "%s is the type of %s; name the type of %s", name, Article(string(t.def.Kind)), Article(string(kind)))
	}
	return t, nil
}

// Type returns the named type of any kind.
func (r *Registry) Type(name string) (*Type, bool) {
	t, ok := r.types[name]
	return t, ok
}

// Subtypes returns the names of a type and all its subtypes, sorted; nil if there
// is no such type. The caller must not change them.
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

// index computes the subtypes of every type.
func (r *Registry) index() {
	r.subtypes = make(map[string][]string, len(r.types))
	for _, t := range r.All() {
		for super := t; super != nil; super = super.super {
			r.subtypes[super.def.Name] = append(r.subtypes[super.def.Name], t.def.Name)
		}
	}
}
