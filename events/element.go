package events

import (
	"cmp"
	"slices"
	"time"
)

// OriginCategory is the kind of home of an element (Egeria:
// ElementOriginCategory).
type OriginCategory string

// The origin categories that Camena writes.
const (
	// OriginLocal elements may be changed by everybody.
	OriginLocal OriginCategory = "LOCAL_COHORT"
	// OriginExternal elements are changed by one external source only.
	OriginExternal OriginCategory = "EXTERNAL_SOURCE"
	// OriginContentPack elements belong to an archive.
	OriginContentPack OriginCategory = "CONTENT_PACK"
	// OriginExportArchive elements belong to the export of another repository.
	OriginExportArchive OriginCategory = "EXPORT_ARCHIVE"
)

// ElementType names a type and its super types, nearest first.
type ElementType struct {
	Name       string   `json:"typeName"`
	SuperTypes []string `json:"superTypeNames,omitempty"`
}

// Is reports whether the type is name or a subtype of it.
func (t ElementType) Is(name string) bool {
	return t.Name == name || slices.Contains(t.SuperTypes, name)
}

// Versions records who created and last updated an element, when, and its
// version, which starts at 1 (Egeria: ElementVersions). The times are those at
// which the commands arrived on the in topic.
type Versions struct {
	CreatedBy  string    `json:"createdBy"`
	CreateTime time.Time `json:"createTime"`
	UpdatedBy  string    `json:"updatedBy,omitempty"`
	UpdateTime time.Time `json:"updateTime,omitzero"`
	Version    int64     `json:"version"`
}

// LastChange returns the time of the last update or, without one, of the creation.
func (v *Versions) LastChange() time.Time { return cmp.Or(v.UpdateTime, v.CreateTime) }

// Origin is the home of an element (Egeria: ElementOrigin).
type Origin struct {
	Category OriginCategory `json:"originCategory"`
	// Source is the qualified name of the external source, or the name of the
	// archive; empty for LOCAL_COHORT.
	Source string `json:"source,omitempty"`
	// Scope is the reconciliation scope, see [ExtScope].
	Scope string `json:"scope,omitempty"`
}

// ElementHeader is common to elements and relationships (Egeria:
// ElementHeader).
type ElementHeader struct {
	GUID          string      `json:"guid"`
	Type          ElementType `json:"type"`
	QualifiedName string      `json:"qualifiedName,omitempty"`
	Versions      Versions    `json:"versions"`
	Origin        Origin      `json:"origin"`
	// Zones are the governance zones of the element; empty means all (Egeria:
	// ZoneMembership).
	Zones []string `json:"zones,omitempty"`
	// AnchorGUID is the anchor, with which the element is deleted; empty for an
	// element of its own (Egeria: Anchors).
	AnchorGUID string `json:"anchorGUID,omitempty"`
	Effectivity
}

// Effectivity is the time in which metadata holds in the described world, from
// From and before To, independently of when it was stored. A zero time leaves
// its side open (Egeria: effectiveFromTime, effectiveToTime).
type Effectivity struct {
	From time.Time `json:"effectiveFrom,omitzero"`
	To   time.Time `json:"effectiveTo,omitzero"`
}

// At reports whether t lies in the effectivity.
func (e Effectivity) At(t time.Time) bool {
	return (e.From.IsZero() || !t.Before(e.From)) && (e.To.IsZero() || t.Before(e.To))
}

// Equal reports whether both are the same period.
func (e Effectivity) Equal(f Effectivity) bool { return e.From.Equal(f.From) && e.To.Equal(f.To) }

// Validate checks that the period ends after it begins.
func (e Effectivity) Validate(pointer string) error {
	if e.From.IsZero() || e.To.IsZero() || e.From.Before(e.To) {
		return nil
	}
	return Errorf(CodeInvalid, pointer+"/effectiveTo", "%s is not after effectiveFrom, %s",
		e.To.Format(time.RFC3339Nano), e.From.Format(time.RFC3339Nano))
}

// Classification is a classification of an element, with its own properties.
type Classification struct {
	Name       string     `json:"classificationName"`
	Properties Properties `json:"properties,omitzero"`
	Effectivity
}

// Memento is the classification of an archived element, which only lineage and
// questions for archived elements find (Egeria: Memento).
const Memento = "Memento"

// Template is the classification of a template (Egeria: Template).
const Template = "Template"

// Element is the state of one element of metadata.
type Element struct {
	Header          ElementHeader    `json:"header"`
	Properties      Properties       `json:"properties,omitzero"`
	Classifications []Classification `json:"classifications,omitempty"`
}

// Archived reports whether the element was deleted by [DeleteArchive].
func (e *Element) Archived() bool { return e.Classification(Memento) != nil }

// Classification returns the named classification of the element, nil if there is
// none.
func (e *Element) Classification(name string) *Classification {
	i := slices.IndexFunc(e.Classifications, func(c Classification) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &e.Classifications[i]
}

// Relationship is the state of one relationship, from End1 to End2.
type Relationship struct {
	Header     ElementHeader `json:"header"`
	End1       ElementStub   `json:"end1"`
	End2       ElementStub   `json:"end2"`
	Properties Properties    `json:"properties,omitzero"`
}

// ElementStub identifies an element at the end of a relationship.
type ElementStub struct {
	GUID          string `json:"guid"`
	Type          string `json:"typeName"`
	QualifiedName string `json:"qualifiedName,omitempty"`
}

// ElementChange is the data of an element's change event. Element is nil after a
// deletion, Previous after a creation. Classification is set by classification
// events.
type ElementChange struct {
	Element        *Element `json:"element,omitempty"`
	Previous       *Element `json:"previous,omitempty"`
	Classification string   `json:"classificationName,omitempty"`
	// Purged: the history was removed; Previous has only guid and type.
	Purged bool `json:"purged,omitzero"`
}

// State returns the new state or, after a deletion, the last one.
func (c *ElementChange) State() *Element {
	if c.Element != nil {
		return c.Element
	}
	return c.Previous
}

// RelationshipChange is the data of a relationship's change event.
type RelationshipChange struct {
	Relationship *Relationship `json:"relationship,omitempty"`
	Previous     *Relationship `json:"previous,omitempty"`
	// Purged is as in [ElementChange]; Previous also has the ends.
	Purged bool `json:"purged,omitzero"`
}

// State returns the new state or, after a deletion, the last one.
func (c *RelationshipChange) State() *Relationship {
	if c.Relationship != nil {
		return c.Relationship
	}
	return c.Previous
}
