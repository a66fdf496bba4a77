package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/events/suggest"
)

// Type is a type with what it inherits.
type Type struct {
	events.KnownType
	SuperTypes []string `json:"superTypes,omitempty"`
	// Subtypes are the direct ones.
	Subtypes []string `json:"subtypes,omitempty"`
	// AllAttributes include the inherited ones.
	AllAttributes []Attribute `json:"allAttributes,omitempty"`
}

// Attribute is an attribute of a type, which another type may define.
type Attribute struct {
	events.AttributeDef
	From string `json:"from"`
}

// Types returns all definitions that a question selects.
func (c *Client) Types(ctx context.Context, q events.Types) ([]events.KnownType, error) {
	all := []events.KnownType{} // not null in JSON
	q.Limit = events.MaxPage
	for t, err := range events.All(ctx, c, &q) {
		if err != nil {
			return nil, err
		}
		all = append(all, *t)
	}
	return all, nil
}

// Registry returns the types that the repository knows.
func (c *Client) Registry(ctx context.Context) (*opentypes.Registry, error) {
	known, err := c.Types(ctx, events.Types{})
	if err != nil {
		return nil, err
	}
	return registryOf(known)
}

// RegistryOrBuiltin returns the types that the repository knows; if none answers, the
// types that this version ships.
func (c *Client) RegistryOrBuiltin(ctx context.Context) (*opentypes.Registry, error) {
	types, err := c.Registry(ctx)
	if events.CodeOf(err) == events.CodeUnavailable {
		return opentypes.Builtin()
	}
	return types, err
}

func registryOf(known []events.KnownType) (*opentypes.Registry, error) {
	defs := make([]events.TypeDef, len(known))
	for i := range known {
		defs[i] = known[i].TypeDef
	}
	r, _, err := new(opentypes.Registry).Apply(defs...)
	return r, err
}

// FindType returns a type by its name; the error suggests similar names.
func FindType(types *opentypes.Registry, name string) (*opentypes.Type, error) {
	if t, ok := types.Type(name); ok {
		return t, nil
	}
	var names []string
	for _, t := range types.All() {
		names = append(names, t.Name())
	}
	return nil, fmt.Errorf("there is no type %q%s", name, suggest.Nearest(name, names))
}

// CheckTypes refuses a filter with unknown types, or types of another kind than it
// takes: it would select nothing. If no repository answers soon, it accepts all.
func (c *Client) CheckTypes(ctx context.Context, f *connectors.Filter) error {
	if len(f.Types)+len(f.Relationships)+len(f.Classifications) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	types, err := c.Registry(ctx)
	if err != nil {
		return nil
	}
	element := func(name, pointer string) (*opentypes.Type, error) {
		t, err := FindType(types, name)
		if err == nil && t.Kind() != events.KindRelationship && !f.SelectsTypes() { // definitions are of all kinds
			return types.Element(name, pointer)
		}
		return t, err
	}
	for _, check := range []struct {
		names []string
		find  func(name, pointer string) (*opentypes.Type, error)
	}{{f.Types, element}, {f.Relationships, types.Relationship}, {f.Classifications, types.Classification}} {
		for _, name := range check.names {
			if _, err := check.find(name, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// Type returns a type by its name.
func (c *Client) Type(ctx context.Context, name string) (*Type, error) {
	known, err := c.Types(ctx, events.Types{})
	if err != nil {
		return nil, err
	}
	types, err := registryOf(known)
	if err != nil {
		return nil, err
	}
	t, err := FindType(types, name)
	if err != nil {
		return nil, err
	}
	v := describeType(types, t)
	v.Defined = known[slices.IndexFunc(known, func(k events.KnownType) bool { return k.Name == name })].Defined
	return v, nil
}

func describeType(types *opentypes.Registry, t *opentypes.Type) *Type {
	v := &Type{KnownType: events.KnownType{TypeDef: t.Def()}, SuperTypes: t.Header().SuperTypes}
	v.End1, v.End2, v.ValidFor, v.MultiLink = t.End(1), t.End(2), t.ValidFor(), t.MultiLink()
	for _, name := range types.Subtypes(t.Name()) {
		if sub, ok := types.Type(name); ok && sub.Def().SuperType == t.Name() {
			v.Subtypes = append(v.Subtypes, name)
		}
	}
	definedIn := map[string]string{} // of each attribute
	for _, name := range append([]string{t.Name()}, t.Header().SuperTypes...) {
		if super, ok := types.Type(name); ok {
			for _, a := range super.Def().Attributes {
				definedIn[a.Name] = name
			}
		}
	}
	for _, a := range t.Attributes() {
		v.AllAttributes = append(v.AllAttributes, Attribute{AttributeDef: a, From: definedIn[a.Name]})
	}
	return v
}
