package connectors

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// Filter selects changes; the zero Filter selects all of them, from where the
// connector stopped listening, or from now on. What it says of elements and
// relationships is said of the state that a change leaves or of the one before,
// so that a listener also learns of what leaves its filter.
type Filter struct {
	// Types of elements and relationships, subtypes included. If neither Types
	// nor Relationships are given, every type is selected.
	Types []string
	// Relationships are types of relationships, subtypes included, which are
	// selected besides Types. The server passes over elements if there are no
	// Types.
	Relationships []string
	// Classifications selects elements that have one of them, and the changes of
	// these classifications; empty means all. Relationships have none.
	Classifications []string
	// Sources are qualified names of metadata sources; empty means all.
	Sources []string
	// Zones selects what a consumer of these zones sees: what is a member of one of
	// them, and what has no zones, since it is in all. Empty means all.
	// Relationships have no zones, so that all of them pass, and name their ends,
	// whatever zones these are in: zones are no protection. To be told of elements
	// only, give Types. [events.Find] asks otherwise: its Zone leaves out what has
	// none.
	Zones []string
	// Changes are the types of change events, such as
	// [events.TypeElementDeleted], or [AnyElementChange]; empty means all of
	// elements and relationships. The server passes over relationships if all are
	// of elements, and the reverse. Definitions of types are selected by
	// [AnyTypeChange] only, and by their names if Types are given.
	Changes []string
	// From is the first sequence of the out topic to deliver; 0 means after the
	// last change that the connector has handled, and from now on at its very
	// first start. Whoever gives it keeps the position.
	From uint64
	// Now delivers what comes from now on, at every start: what came while the
	// connector did not run is passed over, and no position is kept.
	Now bool
	// Present delivers the present state of all that matches before the live
	// changes, without gap or duplicate, whatever change it was that led to it:
	// Changes is for what comes then.
	Present bool
}

// For [Filter.Changes].
const (
	AnyElementChange      = "io.camena.element.*"
	AnyRelationshipChange = "io.camena.relationship.*"
	AnyTypeChange         = "io.camena.type.*"
)

// isFamily reports whether a type of changes is one of all of them.
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

// begins returns in how many ways the filter says where to begin.
func (f *Filter) begins() (ways int) {
	for _, given := range [...]bool{f.From > 0, f.Present, f.Now} {
		if given {
			ways++
		}
	}
	return ways
}

// Validate refuses what can never select anything, and what says twice where to
// begin.
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
		return false // the change that goes with it says all
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

// MatchesPresent reports whether the filter selects the state that the change
// has left, as the present one of something.
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

// classification reports whether a change is one of a classification that the
// filter selects, of an element that it selects but for that.
func (f *Filter) classification(c *events.ElementChange) bool {
	e := c.State()
	return e != nil && slices.Contains(f.Classifications, c.Classification) && f.header(&e.Header, nil)
}

// header checks what elements and relationships have in common; besides are types
// that count besides those that count for both.
func (f *Filter) header(h *events.ElementHeader, besides []string) bool {
	ofType := len(f.Types) == 0 && len(f.Relationships) == 0 ||
		slices.ContainsFunc(f.Types, h.Type.Is) || slices.ContainsFunc(besides, h.Type.Is)
	return ofType && (len(f.Sources) == 0 || slices.Contains(f.Sources, h.Origin.Source)) &&
		(len(f.Zones) == 0 || len(h.Zones) == 0 || slices.ContainsFunc(h.Zones, func(z string) bool { return slices.Contains(f.Zones, z) }))
}
