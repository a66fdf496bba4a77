package events

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// ElementRef names an element by its guid or its qualified name; if both are
// given, the guid counts.
type ElementRef struct {
	GUID          string `json:"guid,omitempty"`
	QualifiedName string `json:"qualifiedName,omitempty"`
}

// ByGUID refers to the element with that guid.
func ByGUID(guid string) ElementRef { return ElementRef{GUID: guid} }

// ByName refers to the element with that qualified name.
func ByName(qualifiedName string) ElementRef { return ElementRef{QualifiedName: qualifiedName} }

// Validate checks that the reference names something; pointer is where it stands.
func (r ElementRef) Validate(pointer string) error {
	if r.GUID == "" && r.QualifiedName == "" {
		return Errorf(CodeInvalid, pointer, "name the element by guid or by qualifiedName")
	}
	return validGUID(pointer+"/guid", r.GUID)
}

// ElementSpec is the wanted state of an element.
type ElementSpec struct {
	// GUID is given only if the element must have that guid, as in imports.
	GUID          string     `json:"guid,omitempty"`
	Type          string     `json:"type"`
	QualifiedName string     `json:"qualifiedName,omitempty"`
	Properties    Properties `json:"properties,omitzero"`
	// Zones and Classifications: nil keeps the present ones, empty removes them.
	// Duplicate zones count once.
	Zones           []string         `json:"zones,omitzero"`
	Classifications []Classification `json:"classifications,omitzero"`
	// Anchor is the element that this one belongs to; empty keeps the present one.
	Anchor ElementRef `json:"anchor,omitzero"`
	// Effectivity: nil leaves what is there.
	Effectivity *Effectivity `json:"effectivity,omitzero"`
}

// Ref returns a reference to the element that the spec describes.
func (s *ElementSpec) Ref() ElementRef {
	return ElementRef{GUID: s.GUID, QualifiedName: s.QualifiedName}
}

// Validate checks what can be checked without the repository.
func (s *ElementSpec) Validate(pointer string) error {
	if s.Type == "" {
		return Errorf(CodeInvalid, pointer+"/type", "missing: name the type of the element")
	}
	return cmp.Or(
		validQualifiedName(pointer+"/qualifiedName", s.QualifiedName),
		validateMarks(s.Classifications, pointer),
		validateAnchor(s.Anchor, pointer+"/anchor"),
		validateZones(s.Zones, pointer+"/zones"),
		validateEffectivity(s.Effectivity, pointer+"/effectivity"),
		validNewGUID(pointer+"/guid", s.GUID),
	)
}

// validateAnchor checks the reference to an anchor that may not be given.
func validateAnchor(anchor ElementRef, pointer string) error {
	if anchor == (ElementRef{}) {
		return nil
	}
	return anchor.Validate(pointer)
}

// validateEffectivity checks an effectivity that may not be given.
func validateEffectivity(e *Effectivity, pointer string) error {
	if e == nil {
		return nil
	}
	return e.Validate(pointer)
}

func validateZones(zones []string, pointer string) error {
	if i := slices.Index(zones, ""); i >= 0 {
		return Errorf(CodeInvalid, itemAt(pointer, i), "the name of a zone is empty")
	}
	return nil
}

// validateMarks checks that each classification is one, and is given once.
func validateMarks(marks []Classification, of string) error {
	names := onceEach{}
	for i := range marks {
		at := itemAt(of+"/classifications", i)
		pointer := at + "/classificationName"
		if err := cmp.Or(validateMark(marks[i].Name, pointer), names.add(pointer, marks[i].Name), marks[i].Effectivity.Validate(at)); err != nil {
			return err
		}
	}
	return nil
}

// validateMark checks the name of a classification that a command adds or removes.
// Classifications for which an element has fields are refused.
func validateMark(name, pointer string) error {
	switch name {
	case "":
		return Errorf(CodeInvalid, pointer, "missing: name the classification")
	case Memento:
		return Errorf(CodeInvalid, pointer, "%s is neither put on nor taken off as a classification: delete with the method %s, and restore", name, DeleteArchive)
	case "Anchors":
		return Errorf(CodeInvalid, pointer, "what an element is anchored to is no classification here: create and upsert have the field anchor")
	case "ZoneMembership":
		return Errorf(CodeInvalid, pointer, "the zones of an element are no classification here: create, upsert and update have the field zones")
	}
	return nil
}

// RelationshipSpec is the wanted state of a relationship.
type RelationshipSpec struct {
	GUID       string     `json:"guid,omitempty"`
	Type       string     `json:"type"`
	End1       ElementRef `json:"end1"`
	End2       ElementRef `json:"end2"`
	Properties Properties `json:"properties,omitzero"`
	// Effectivity: nil leaves what is there.
	Effectivity *Effectivity `json:"effectivity,omitzero"`
}

// Validate checks what can be checked without the repository.
func (s *RelationshipSpec) Validate(pointer string) error {
	if s.Type == "" {
		return Errorf(CodeInvalid, pointer+"/type", "missing: name the type of the relationship")
	}
	return cmp.Or(
		s.End1.Validate(pointer+"/end1"),
		s.End2.Validate(pointer+"/end2"),
		validateEffectivity(s.Effectivity, pointer+"/effectivity"),
		validNewGUID(pointer+"/guid", s.GUID),
	)
}

// Expectation makes a command apply only to the version that its sender saw.
type Expectation struct {
	// ExpectedVersion of the element or relationship. Any other version, or a deleted
	// element, is a conflict; the error names both versions. Creating an element again
	// starts at version 1; restoring continues. 0 expects nothing.
	ExpectedVersion int64 `json:"expectedVersion,omitzero"`
}

// UnknownProperties says how to treat properties that the type does not have.
type UnknownProperties string

// The treatments of unknown properties.
const (
	// RefuseUnknown refuses the command. It is the default.
	RefuseUnknown UnknownProperties = ""
	// KeepUnknown puts them, as text, into additionalProperties.
	KeepUnknown UnknownProperties = "additional"
)

func (u UnknownProperties) validate(pointer string) error {
	if u != RefuseUnknown && u != KeepUnknown {
		return Errorf(CodeInvalid, pointer, "%q: leave it out, or use %q", string(u), KeepUnknown)
	}
	return nil
}

// Create is the data of [TypeCreateElement]: create an element that must not exist
// yet.
type Create struct {
	Element           ElementSpec       `json:"element"`
	UnknownProperties UnknownProperties `json:"unknownProperties,omitempty"`
}

// Upsert is the data of [TypeUpsertElement]: create the element, or change it to the
// spec. Merge keeps properties that the spec does not name, and removes those that are
// null; otherwise all properties that are not named are removed. Zones,
// classifications, anchor and effectivity that the spec leaves out stay as they are. An
// archived element is restored.
type Upsert struct {
	Element           ElementSpec       `json:"element"`
	Merge             bool              `json:"merge,omitzero"`
	UnknownProperties UnknownProperties `json:"unknownProperties,omitempty"`
	Expectation
}

// Update is the data of [TypeUpdateElement]: change properties of an element
// that must exist (Egeria: mergeUpdate). Merge is the default, in which null
// removes a property; Replace removes the properties that are not named.
type Update struct {
	Element           ElementRef        `json:"element"`
	Properties        Properties        `json:"properties,omitzero"`
	Zones             []string          `json:"zones,omitzero"`
	Effectivity       *Effectivity      `json:"effectivity,omitzero"`
	Replace           bool              `json:"replace,omitzero"`
	UnknownProperties UnknownProperties `json:"unknownProperties,omitempty"`
	Expectation
}

// Classify is the data of [TypeClassifyElement]: put the classification on the
// element, or replace the properties of the one it has. Merge keeps those that
// are not named.
type Classify struct {
	Element        ElementRef     `json:"element"`
	Classification Classification `json:"classification"`
	Merge          bool           `json:"merge,omitzero"`
	Expectation
}

// Declassify is the data of [TypeDeclassifyElement]: take the classification off
// the element. If it has none of that name, nothing changes.
type Declassify struct {
	Element            ElementRef `json:"element"`
	ClassificationName string     `json:"classificationName"`
	Expectation
}

// Link is the data of [TypeLinkElements]: relate two elements, or change the properties
// of the relationship to the spec. Merge keeps those that it does not name. Archived
// elements get new relationships of lineage only.
type Link struct {
	Relationship RelationshipSpec `json:"relationship"`
	Merge        bool             `json:"merge,omitzero"`
	Expectation
}

// RelationshipRef names a relationship by its guid, or by its type and ends; one of
// several of the type between the same two elements only by its guid.
type RelationshipRef struct {
	GUID string     `json:"guid,omitempty"`
	Type string     `json:"type,omitempty"`
	End1 ElementRef `json:"end1,omitzero"`
	End2 ElementRef `json:"end2,omitzero"`
}

// Validate checks that the reference names something; pointer is where it stands.
func (r *RelationshipRef) Validate(pointer string) error {
	if r.GUID != "" {
		return validGUID(pointer+"/guid", r.GUID)
	}
	if r.Type == "" {
		return Errorf(CodeInvalid, pointer+"/type", "missing: name the relationship by guid, or by type, end1 and end2")
	}
	return cmp.Or(r.End1.Validate(pointer+"/end1"), r.End2.Validate(pointer+"/end2"))
}

// UpdateRelationship is the data of [TypeUpdateRelationship]: change properties
// of a relationship that must exist, as [Update] does for elements.
type UpdateRelationship struct {
	Relationship RelationshipRef `json:"relationship"`
	Properties   Properties      `json:"properties,omitzero"`
	Effectivity  *Effectivity    `json:"effectivity,omitzero"`
	Replace      bool            `json:"replace,omitzero"`
	Expectation
}

// Unlink is the data of [TypeUnlinkElements]: remove a relationship. Unlinking one that
// does not exist changes nothing, unless a version of it is expected: that is a
// conflict.
type Unlink struct {
	GUID string     `json:"guid,omitempty"`
	Type string     `json:"type,omitempty"`
	End1 ElementRef `json:"end1,omitzero"`
	End2 ElementRef `json:"end2,omitzero"`
	Expectation
}

// Ref returns a reference to the relationship.
func (c *Unlink) Ref() *RelationshipRef {
	return &RelationshipRef{GUID: c.GUID, Type: c.Type, End1: c.End1, End2: c.End2}
}

// MaxSteps is how many commands a [ChangeSet] holds at most, and to how many
// changes it leads.
const MaxSteps = 1000

// ChangeSet is the data of [TypeApplyChangeSet]: several commands, at most
// [MaxSteps], that are applied all together or not at all.
type ChangeSet struct {
	Commands []Step `json:"commands"`
	// decoded are the commands of a set that was decoded itself.
	decoded []Command
}

// Step is one command of a [ChangeSet]: its type and its data.
type Step struct {
	Type string         `json:"type"`
	Data jsontext.Value `json:"data"`
}

// Fence is the data of [TypeFenceConnector]: after it the repository refuses commands
// of the connector with an older generation. It is also the data of the change event
// [TypeConnectorFenced].
type Fence struct {
	Connector  string `json:"connector"`
	Generation uint64 `json:"generation"`
}

// Flush is the data of [TypeFlushCommands]: it changes nothing. Commands are applied
// in order, so its outcome says that all that were sent before it have been applied.
type Flush struct {
	// OutcomeOf is the event id of a command that was sent before: then its outcome is
	// the answer. So a sender that did not hear of it asks again, and does not send the
	// command again. It is [CodeUnavailable] if it is not known any more.
	OutcomeOf string `json:"outcomeOf,omitempty"`
}

// Result is the outcome of a command, sent to its [ExtReplyTo] subject.
type Result struct {
	// GUID of the element or relationship that the command was about.
	GUID string `json:"guid,omitempty"`
	// Type of it.
	Type string `json:"type,omitempty"`
	// Name is the qualified name of the element, if it has one; of a relationship
	// the names of its ends, with an arrow between them. In the outcome of a large
	// change set the names may be left out.
	Name string `json:"name,omitempty"`
	// Version of it after the command; 0 when it is gone, or was not there.
	Version int64 `json:"version"`
	// Sequence on the out topic from which a reader sees the outcome.
	Sequence uint64 `json:"sequence"`
	// Changed is false when everything was already as the command wanted it.
	Changed bool `json:"changed"`
	// Replayed means that the writer which applied the command failed before it
	// answered. The rest is the present state; Changed is true unless nothing can have
	// been there to change.
	Replayed bool `json:"replayed,omitzero"`
	// Elements and Relationships are how many changes of such the command led to:
	// with a deletion went, or with a restoration came, what is more than one
	// element.
	Elements      int `json:"elements,omitzero"`
	Relationships int `json:"relationships,omitzero"`
	// Dropped is what was not kept: the properties that a new type does not have, or
	// the relationships that were not restored with an element. MoreDropped counts those
	// that the list does not have.
	Dropped     []string `json:"dropped,omitempty"`
	MoreDropped int      `json:"moreDropped,omitzero"`
	// Steps are the outcomes of the commands of a change set; none if they do not
	// fit into the answer.
	Steps []Result `json:"steps,omitempty"`
	// Preview, for a dry run, is what would change, in order; More is how many
	// further changes there would be that do not fit into the answer. Else More is
	// how many Steps do not.
	Preview []Preview `json:"preview,omitempty"`
	More    int       `json:"more,omitzero"`
	// Error says why the command was refused; nothing was changed then.
	Error *Error `json:"error,omitempty"`
}

// Preview is one change that a command would lead to.
type Preview struct {
	// Type of the change event.
	Type         string              `json:"type"`
	Element      *ElementChange      `json:"element,omitempty"`
	Relationship *RelationshipChange `json:"relationship,omitempty"`
	OpenType     *TypeChange         `json:"openType,omitempty"`
}

// DecodeChange reads the data of a change event about an element, a relationship
// or a type.
func DecodeChange(eventType string, data []byte) (Preview, error) {
	p := Preview{Type: eventType}
	switch {
	case strings.HasPrefix(eventType, "io.camena.element."):
		p.Element = new(ElementChange)
		return p, unmarshal(data, p.Element)
	case strings.HasPrefix(eventType, "io.camena.relationship."):
		p.Relationship = new(RelationshipChange)
		return p, unmarshal(data, p.Relationship)
	case strings.HasPrefix(eventType, "io.camena.type."):
		p.OpenType = new(TypeChange)
		return p, unmarshal(data, p.OpenType)
	default:
		return p, Errorf(CodeInvalid, "", "%s is no change of an element, a relationship or a type", eventType)
	}
}

func validGUID(pointer, guid string) error {
	if guid == "" {
		return nil
	}
	if _, err := uuid.Parse(guid); err != nil || len(guid) != len(uuid.Nil.String()) {
		return Errorf(CodeInvalid, pointer, "%q is not a guid such as 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10", guid)
	}
	return nil
}

// validNewGUID checks the guid of what is to be there.
func validNewGUID(pointer, guid string) error {
	if guid == uuid.Nil.String() {
		return Errorf(CodeInvalid, pointer, "the nil guid names nothing; leave it out, or give another one")
	}
	return validGUID(pointer, guid)
}
