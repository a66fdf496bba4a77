package events

import (
	"cmp"
	"slices"
	"time"
)

// OriginCategory says where an element is at home (Egeria:
// ElementOriginCategory).
type OriginCategory string

// The origin categories that Camena writes.
const (
	// OriginLocal elements are maintained by anybody.
	OriginLocal OriginCategory = "LOCAL_COHORT"
	// OriginExternal elements are maintained by one external source only.
	OriginExternal OriginCategory = "EXTERNAL_SOURCE"
	// OriginContentPack elements came from an archive and change only with it.
	OriginContentPack OriginCategory = "CONTENT_PACK"
	// OriginExportArchive elements came from the export of another repository.
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

// Versions records who made and who changed an element, and how often (Egeria:
// ElementVersions). The first version is 1. The times are those at which the
// commands came to the in topic.
type Versions struct {
	CreatedBy  string    `json:"createdBy"`
	CreateTime time.Time `json:"createTime"`
	UpdatedBy  string    `json:"updatedBy,omitempty"`
	UpdateTime time.Time `json:"updateTime,omitzero"`
	Version    int64     `json:"version"`
}

// LastChange returns when it was last changed; if never, when it was created.
func (v *Versions) LastChange() time.Time { return cmp.Or(v.UpdateTime, v.CreateTime) }

// Origin says where an element comes from (Egeria: ElementOrigin).
type Origin struct {
	Category OriginCategory `json:"originCategory"`
	// Source is the qualified name of the external source, or the name of the
	// archive; empty for LOCAL_COHORT.
	Source string `json:"source,omitempty"`
	// Scope is what one reconciliation of the source covers, see [ExtScope].
	Scope string `json:"scope,omitempty"`
}

// ElementHeader is what every element and relationship has (Egeria:
// ElementHeader).
type ElementHeader struct {
	GUID          string      `json:"guid"`
	Type          ElementType `json:"type"`
	QualifiedName string      `json:"qualifiedName,omitempty"`
	Versions      Versions    `json:"versions"`
	Origin        Origin      `json:"origin"`
	// Zones are the governance zones the element is a member of; none means all
	// (Egeria: ZoneMembership).
	Zones []string `json:"zones,omitempty"`
	// AnchorGUID is the element that this one belongs to, and with which it is
	// deleted; empty for what stands by itself (Egeria: Anchors).
	AnchorGUID string `json:"anchorGUID,omitempty"`
	Effectivity
}

// Effectivity is when something counts in the world that the metadata
// describes, which is not when it was stored: from From, and before To. A zero
// time leaves that side open (Egeria: effectiveFromTime, effectiveToTime).
type Effectivity struct {
	From time.Time `json:"effectiveFrom,omitzero"`
	To   time.Time `json:"effectiveTo,omitzero"`
}

// At reports whether it counts at a time.
func (e Effectivity) At(t time.Time) bool {
	return (e.From.IsZero() || !t.Before(e.From)) && (e.To.IsZero() || t.Before(e.To))
}

// Equal reports whether both begin and end at the same times.
func (e Effectivity) Equal(f Effectivity) bool { return e.From.Equal(f.From) && e.To.Equal(f.To) }

// Validate checks that it does not end before it begins; pointer is where it
// stands.
func (e Effectivity) Validate(pointer string) error {
	if e.From.IsZero() || e.To.IsZero() || e.From.Before(e.To) {
		return nil
	}
	return Errorf(CodeInvalid, pointer+"/effectiveTo", "%s is not after effectiveFrom, %s",
		e.To.Format(time.RFC3339Nano), e.From.Format(time.RFC3339Nano))
}

// Classification is a named mark on an element, with properties of its own.
type Classification struct {
	Name       string     `json:"classificationName"`
	Properties Properties `json:"properties,omitzero"`
	Effectivity
}

// Memento is the classification of an element that is archived: it is gone, but
// lineage still leads through it (Egeria: Memento).
const Memento = "Memento"

// Template is the classification of an element that others are made from
// (Egeria: Template).
const Template = "Template"

// Element is the state of one element of metadata.
type Element struct {
	Header          ElementHeader    `json:"header"`
	Properties      Properties       `json:"properties,omitzero"`
	Classifications []Classification `json:"classifications,omitempty"`
}

// Archived reports whether the element was deleted by [DeleteArchive].
func (e *Element) Archived() bool { return e.Classification(Memento) != nil }

// Classification returns the named classification of the element, nil if it has
// none of that name.
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

// ElementStub names an element at the end of a relationship.
type ElementStub struct {
	GUID          string `json:"guid"`
	Type          string `json:"typeName"`
	QualifiedName string `json:"qualifiedName,omitempty"`
}

// ElementChange is the data of an element's change event: the new and the
// previous state. Element is nil when it was deleted, Previous when it was
// created. For classification events Classification names which.
type ElementChange struct {
	Element        *Element `json:"element,omitempty"`
	Previous       *Element `json:"previous,omitempty"`
	Classification string   `json:"classificationName,omitempty"`
	// Purged says that the history before the deletion was removed, and that
	// Previous tells no more than guid and type.
	Purged bool `json:"purged,omitzero"`
}

// State returns the state that the change leaves, or for a deletion the state
// that it ended.
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
	// Purged is as in [ElementChange]; Previous then has its ends, too.
	Purged bool `json:"purged,omitzero"`
}

// State returns the state that the change leaves, or for a deletion the state
// that it ended.
func (c *RelationshipChange) State() *Relationship {
	if c.Relationship != nil {
		return c.Relationship
	}
	return c.Previous
}
