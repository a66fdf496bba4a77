package connectors

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// Filter selects changes; the zero Filter selects all of them, from where the connector
// stopped listening, or from now on. A change is selected if the state after it or the
// one before it matches, so that a listener also learns of what leaves its filter.
type Filter struct {
	// Types of elements and relationships, subtypes included. Without Types and
	// Relationships every type is selected.
	Types []string
	// Relationships are types of relationships, subtypes included, in addition to Types.
	// Without Types the server sends no elements.
	Relationships []string
	// Classifications selects elements that have one of them, and changes of these
	// classifications; empty means all. Relationships have no classifications.
	Classifications []string
	// Sources are qualified names of metadata sources; empty means all.
	Sources []string
	// Zones selects elements of these zones and elements without zones, which are in
	// all. Empty means all. Relationships have no zones: they always match and name
	// their ends, whatever zones these are in, so zones protect nothing. To get only
	// elements, give Types. The Zone of [events.Find] differs: it leaves out elements
	// without zones.
	Zones []string
	// Changes are types of change events, such as [events.TypeElementDeleted], or
	// [AnyElementChange]; empty means all of elements and relationships. If all are of
	// elements the server sends no relationships, and the reverse. Only [AnyTypeChange]
	// selects definitions of types, those of Types if these are given.
	Changes []string
	// From is the first sequence of the out topic to deliver; 0 means after the last
	// change that the connector has handled, and from now on at its very first start.
	// A caller that sets it keeps the position itself.
	From uint64
	// Now delivers the changes from each start on, without those made while the
	// connector did not run. No position is kept.
	Now bool
	// Present delivers the present state of all that matches, whatever change led to
	// it, and then the live changes, without gap or duplicate. Changes applies to the
	// live changes only.
	Present bool
}

// For [Filter.Changes].
const (
	AnyElementChange      = "io.camena.element.*"
	AnyRelationshipChange = "io.camena.relationship.*"
	AnyTypeChange         = "io.camena.type.*"
)

// isFamily reports whether a type of changes stands for a whole family.
func isFamily(c string) bool {
	return c == AnyElementChange || c == AnyRelationshipChange || c == AnyTypeChange
}

func inFamily(c, family string) bool { return strings.HasPrefix(c, strings.TrimSuffix(family, "*")) }

// Selects reports whether the filter can select changes of elements, and of
// relationships.
func (f *Filter) Selects() (elements, relationships bool) {
	has := func(family string) bool {
		return len(f.Changes) == 0 || slices.ContainsFunc(f.Changes, func(c string) bool { return inFamily(c, family) })
	}
	elements = has(AnyElementChange) && (len(f.Types) > 0 || len(f.Relationships) == 0)
	relationships = has(AnyRelationshipChange) && len(f.Classifications) == 0
	return elements, relationships
}

// SelectsTypes reports whether the filter can select definitions of types.
func (f *Filter) SelectsTypes() bool {
	return slices.ContainsFunc(f.Changes, func(c string) bool { return inFamily(c, AnyTypeChange) })
}

// begins returns the number of fields that say where to begin.
func (f *Filter) begins() (ways int) {
	for _, given := range [...]bool{f.From > 0, f.Present, f.Now} {
		if given {
			ways++
		}
	}
	return ways
}

// Validate refuses a filter that can never select anything, or that says more than once
// where to begin.
func (f *Filter) Validate() error {
	if f.begins() > 1 {
		return errors.New("filter: where to begin is given twice; choose one of From, Present and Now")
	}
	for _, names := range [...][]string{f.Types, f.Relationships, f.Classifications} {
		if slices.Contains(names, "") || slices.Contains(names, "*") {
			return errors.New(`filter: "" and "*" are no names; to select everything, leave the names out`)
		}
	}
	for _, c := range f.Changes {
		if !inFamily(c, AnyElementChange) && !inFamily(c, AnyRelationshipChange) && !inFamily(c, AnyTypeChange) {
			return fmt.Errorf("filter: %q is no type of change event", c)
		}
	}
	if elements, relationships := f.Selects(); !elements && !relationships && !f.SelectsTypes() {
		return errors.New("filter: it selects nothing: relationships have no classifications, and Changes excludes one or the other")
	}
	return nil
}

// Matches reports whether the filter selects the change.
func (f *Filter) Matches(c *Change) bool {
	if c.Type == events.TypeElementMoved {
		return false // the change after it tells everything
	}
	if len(f.Changes) > 0 && !slices.ContainsFunc(f.Changes, func(of string) bool {
		return c.Type == of || isFamily(of) && inFamily(c.Type, of)
	}) {
		return false
	}
	if c.OpenType != nil {
		return f.openType(c.OpenType)
	}
	if c.Relationship != nil {
		return f.relationship(c.Relationship.Relationship) || f.relationship(c.Relationship.Previous)
	}
	return c.Element != nil && (f.element(c.Element.Element) || f.element(c.Element.Previous) || f.classification(c.Element))
}

// MatchesPresent reports whether the filter selects the state after the change as a
// present state.
func (f *Filter) MatchesPresent(c *Change) bool {
	if c.Type == events.TypeElementMoved {
		return false
	}
	if c.OpenType != nil {
		return f.openType(c.OpenType)
	}
	elements, relationships := f.Selects()
	if c.Relationship != nil {
		return relationships && f.relationship(c.Relationship.Relationship)
	}
	return elements && c.Element != nil && f.element(c.Element.Element)
}

func (f *Filter) openType(c *events.TypeChange) bool {
	return f.SelectsTypes() && c.Type != nil && (len(f.Types) == 0 || slices.Contains(f.Types, c.Type.Name))
}

func (f *Filter) relationship(r *events.Relationship) bool {
	return r != nil && len(f.Classifications) == 0 && f.header(&r.Header, f.Relationships)
}

func (f *Filter) element(e *events.Element) bool {
	return e != nil && f.header(&e.Header, nil) && (len(f.Classifications) == 0 ||
		slices.ContainsFunc(e.Classifications, func(c events.Classification) bool { return slices.Contains(f.Classifications, c.Name) }))
}

// classification reports whether the filter selects a change because of the
// classification that it changes.
func (f *Filter) classification(c *events.ElementChange) bool {
	e := c.State()
	return e != nil && slices.Contains(f.Classifications, c.Classification) && f.header(&e.Header, nil)
}

// header checks what elements and relationships have in common; besides are additional
// types.
func (f *Filter) header(h *events.ElementHeader, besides []string) bool {
	ofType := len(f.Types) == 0 && len(f.Relationships) == 0 ||
		slices.ContainsFunc(f.Types, h.Type.Is) || slices.ContainsFunc(besides, h.Type.Is)
	return ofType && (len(f.Sources) == 0 || slices.Contains(f.Sources, h.Origin.Source)) &&
		(len(f.Zones) == 0 || len(h.Zones) == 0 || slices.ContainsFunc(h.Zones, func(z string) bool { return slices.Contains(f.Zones, z) }))
}
