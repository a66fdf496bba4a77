package events

import (
	"cmp"
	"strings"
	"time"
)

// DeleteMethod says what remains after a deletion (Egeria: DeleteMethod).
type DeleteMethod string

// The delete methods.
const (
	// DeleteSoft removes the element from the repository; it can be restored as
	// long as its history is kept. It is the default.
	DeleteSoft DeleteMethod = "SOFT_DELETE"
	// DeleteArchive leaves the element, classified as [Memento]: queries do not
	// show it unless they ask for it, but lineage still leads through it.
	DeleteArchive DeleteMethod = "ARCHIVE"
	// DeletePurge removes the element, its relationships and their history, under
	// all types that it had, before the next command is applied: an element that is
	// created with the same guid or name later starts at version 1. It does not purge
	// elements that are deleted already, nor former relationships of the element.
	DeletePurge DeleteMethod = "PURGE"
)

// Delete is the data of [TypeDeleteElement]: remove the element and its
// relationships, of all metadata sources. Deleting an element that does not exist
// changes nothing, unless a version of it is expected: that is a conflict.
type Delete struct {
	Element ElementRef   `json:"element"`
	Method  DeleteMethod `json:"method,omitempty"`
	// Cascade also deletes the elements that are anchored to the element, of all
	// metadata sources: anchoring an element ties its lifetime to the anchor. Without
	// it an element with anchored elements is not deleted, unless all of them are
	// archived; those are deleted with it (Egeria: cascadedDelete).
	Cascade bool `json:"cascade,omitzero"`
	// ArchiveProcess names the process that archives the element, for [DeleteArchive].
	ArchiveProcess string `json:"archiveProcess,omitempty"`
	Expectation
}

// EventType returns [TypeDeleteElement].
func (*Delete) EventType() string { return TypeDeleteElement }

// Validate checks the reference and the method.
func (c *Delete) Validate() error {
	switch c.Method {
	case "", DeleteSoft, DeleteArchive, DeletePurge:
	default:
		return Errorf(CodeInvalid, "/method", "%q: use %s, %s or %s", string(c.Method), DeleteSoft, DeleteArchive, DeletePurge)
	}
	return c.Element.Validate("/element")
}

// Restore is the data of [TypeRestoreElement]: restore an element that was deleted by
// [DeleteSoft] or [DeleteArchive], as it was then, together with the elements that
// were anchored to it and deleted with it. Relationships that were deleted with them
// are restored if both ends exist and have permitted types, and if the cardinality
// permits them. Relationships of archived elements are kept, and deleted if they are no
// longer permitted. An element whose anchor cannot be restored is restored without an
// anchor. If the name of one of the elements is in use, nothing is restored. Restoring
// an element that exists changes nothing. In a [ChangeSet] Restore finds only elements
// that were deleted before the change set.
type Restore struct {
	Element ElementRef `json:"element"`
}

// EventType returns [TypeRestoreElement].
func (*Restore) EventType() string { return TypeRestoreElement }

// Validate checks the reference.
func (c *Restore) Validate() error { return c.Element.Validate("/element") }

// Publish is the data of [TypePublishElement]: make the element a member of the
// zones in which consumers see it, as the repository's configuration says
// (Egeria: publishElement).
type Publish struct {
	Element ElementRef `json:"element"`
	Expectation
}

// EventType returns [TypePublishElement].
func (*Publish) EventType() string { return TypePublishElement }

// Validate checks the reference.
func (c *Publish) Validate() error { return c.Element.Validate("/element") }

// Withdraw is the data of [TypeWithdrawElement]: put the element back into the
// zones of unpublished elements (Egeria: withdrawElement).
type Withdraw struct {
	Element ElementRef `json:"element"`
	Expectation
}

// EventType returns [TypeWithdrawElement].
func (*Withdraw) EventType() string { return TypeWithdrawElement }

// Validate checks the reference.
func (c *Withdraw) Validate() error { return c.Element.Validate("/element") }

// Retype is the data of [TypeRetypeElement]: change the type of the element. It keeps
// its guid, name, relationships, classifications and those properties that the new
// type has, too; Properties are merged into them. The command is refused if the new
// type does not permit one of these, or needs a name that is missing. Each relationship
// of the element, of any metadata source, gets a version with the new type.
type Retype struct {
	Element    ElementRef `json:"element"`
	Type       string     `json:"type"`
	Properties Properties `json:"properties,omitzero"`
	Expectation
}

// EventType returns [TypeRetypeElement].
func (*Retype) EventType() string { return TypeRetypeElement }

// Validate checks the reference and the type.
func (c *Retype) Validate() error {
	if c.Type == "" {
		return Errorf(CodeInvalid, "/type", "missing: name the new type of the element")
	}
	return c.Element.Validate("/element")
}

// Rehome is the data of [TypeRehomeElement]: move an element, or a relationship, to
// another metadata source. The sender acts on behalf of the present source or of none,
// as a steward does when the source no longer exists. From must be the present source,
// so that a sender does not take over another element than expected. The category of
// the origin stays, except for moves from or to the repository itself (Egeria:
// ELEMENT_HOME_CHANGED).
type Rehome struct {
	// Either Element or Relationship is set.
	Element      ElementRef      `json:"element,omitzero"`
	Relationship RelationshipRef `json:"relationship,omitzero"`
	// From and To are qualified names of metadata sources; empty is the
	// repository itself.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	Expectation
}

// EventType returns [TypeRehomeElement].
func (*Rehome) EventType() string { return TypeRehomeElement }

// Validate checks that it names an element or a relationship.
func (c *Rehome) Validate() error {
	switch {
	case c.Relationship == (RelationshipRef{}):
		return c.Element.Validate("/element")
	case c.Element != (ElementRef{}):
		return Errorf(CodeInvalid, "/relationship", "name an element or a relationship, not both")
	default:
		return c.Relationship.Validate("/relationship")
	}
}

// FromTemplate is the data of [TypeCreateFromTemplate]: create an element as a
// copy of a template, together with copies of the elements that are anchored to the
// template, and the relationships among and from them. "~{name}~" in text is replaced
// by the placeholder of that name. The new element is linked to the template by
// SourcedFrom. Relationships that lead to the template from elsewhere are not copied,
// nor are its external identifiers, nor archived elements with those anchored to them.
// A copy is not related to an archived element, nor to one whose cardinality permits
// no further relationship.
type FromTemplate struct {
	Template ElementRef `json:"template"`
	// Placeholders by name: those that the template uses, and no others.
	Placeholders map[string]string `json:"placeholders,omitempty"`
	// GUID and QualifiedName of the new element; the name may also come from
	// the template with its placeholders.
	GUID          string `json:"guid,omitempty"`
	QualifiedName string `json:"qualifiedName,omitempty"`
	// Properties replace those of the template.
	Properties Properties `json:"properties,omitzero"`
	Anchor     ElementRef `json:"anchor,omitzero"`
	// Zones of the new elements; nil means the default zones.
	Zones []string `json:"zones,omitzero"`
	// Retrieve returns an existing element of that name and of the template's type
	// unchanged; without Retrieve it is a conflict (Egeria: allowRetrieve).
	Retrieve bool `json:"retrieve,omitzero"`
}

// EventType returns [TypeCreateFromTemplate].
func (*FromTemplate) EventType() string { return TypeCreateFromTemplate }

// Validate checks the references.
func (c *FromTemplate) Validate() error {
	return cmp.Or(
		c.Template.Validate("/template"),
		validateAnchor(c.Anchor, "/anchor"),
		CheckTypedName("/qualifiedName", c.QualifiedName),
		validQualifiedName("/qualifiedName", c.QualifiedName),
		validNewGUID("/guid", c.GUID),
	)
}

// ExternalID names an element in an external system: the identifier, and the
// element, such as a SoftwareCapability, in whose scope it is unique.
type ExternalID struct {
	Element    ElementRef `json:"element"`
	Scope      ElementRef `json:"scope"`
	Identifier string     `json:"identifier"`
}

// ExternalIDName returns the qualified name of the ExternalId of an identifier. The
// scope is named by its qualified name, or by its guid if it has none; its name is
// escaped, so that different scopes and identifiers have different names.
func ExternalIDName(scope, identifier string) string {
	return "ExternalId::" + strings.NewReplacer("%", "%25", ":", "%3A").Replace(scope) + "::" + identifier
}

func (x *ExternalID) validate() error {
	if err := cmp.Or(x.Element.Validate("/element"), x.Scope.Validate("/scope")); err != nil {
		return err
	}
	if x.Identifier == "" {
		return Errorf(CodeInvalid, "/identifier", "missing: the identifier in the external system")
	}
	return nil
}

// LinkExternalID is the data of [TypeLinkExternalID]: record that an element has an
// identifier in an external system (Egeria: ExternalId, ExternalIdLink,
// ExternalIdScope). An element may have several identifiers, and several elements one
// identifier. The ExternalId belongs to the metadata source that creates it; others may
// link elements to it, but not change it.
type LinkExternalID struct {
	ExternalID
	// Properties of the ExternalId, such as keyPattern. They are merged into the
	// existing ones; null removes a property. The same holds for Link.
	Properties Properties `json:"properties,omitzero"`
	// Link are properties of the ExternalIdLink, such as mappingProperties,
	// permittedSynchronization and usage.
	Link Properties `json:"link,omitzero"`
}

// EventType returns [TypeLinkExternalID].
func (*LinkExternalID) EventType() string { return TypeLinkExternalID }

// Validate checks the references and the identifier.
func (c *LinkExternalID) Validate() error { return c.validate() }

// UnlinkExternalID is the data of [TypeUnlinkExternalID]. If no other element has the
// identifier, it is deleted, too, unless it belongs to another metadata source.
// Deleting an element keeps its identifiers for its restoration; the identifier of a
// deleted element can be unlinked, too. Purging an element purges the identifiers that
// no other element has.
type UnlinkExternalID struct{ ExternalID }

// EventType returns [TypeUnlinkExternalID].
func (*UnlinkExternalID) EventType() string { return TypeUnlinkExternalID }

// Validate checks the references and the identifier.
func (c *UnlinkExternalID) Validate() error { return c.validate() }

// ConfirmSynchronization is the data of [TypeConfirmSynchronization]: record that the
// element and its counterpart are the same (Egeria: lastSynchronized). It names the
// state of either side, because either may change again before the command is applied:
// the new state must not count as synchronized.
type ConfirmSynchronization struct {
	ExternalID
	// Time of the synchronization; zero means when the command is applied.
	Time time.Time `json:"time,omitzero"`
	// OpenChanged is the time of the last change of the synchronized state of the
	// element: its updateTime, or its createTime. Zero means the state of the element
	// when the command is applied, unless that is younger than Time; a [ChangeSet]
	// that has just written the element uses it.
	OpenChanged time.Time `json:"openChanged,omitzero"`
	// ThirdPartyChanged is the time of the last change of the synchronized state in
	// the third party, by its own clock; zero if it is unknown.
	ThirdPartyChanged time.Time `json:"thirdPartyChanged,omitzero"`
}

// EventType returns [TypeConfirmSynchronization].
func (*ConfirmSynchronization) EventType() string { return TypeConfirmSynchronization }

// Validate checks the references and the identifier.
func (c *ConfirmSynchronization) Validate() error { return c.validate() }
