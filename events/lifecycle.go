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
	// all types that it had, before the next command is applied: what is made of
	// the same guid or name later begins anew. What was deleted already is not
	// there, and so is not purged; nor are relationships that the element had once.
	DeletePurge DeleteMethod = "PURGE"
)

// Delete is the data of [TypeDeleteElement]: remove the element and its
// relationships, whosever they are. Deleting what is not there changes nothing,
// unless a version of it is expected: that is a conflict.
type Delete struct {
	Element ElementRef   `json:"element"`
	Method  DeleteMethod `json:"method,omitempty"`
	// Cascade deletes what is anchored to the element as well, whosever it is: who
	// anchors an element gives its life away. Without it such an element is not
	// deleted, but for what is archived already: that goes with it (Egeria:
	// cascadedDelete).
	Cascade bool `json:"cascade,omitzero"`
	// ArchiveProcess is what archives the element, for [DeleteArchive].
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

// Restore is the data of [TypeRestoreElement]: bring back an element that was
// deleted by [DeleteSoft] or [DeleteArchive], as it was then, and with it what was
// anchored to it and deleted together with it. Of the relationships that went with
// these, whosever they were, those come back that find their place: both ends are
// there and of types that they allow, and no other one stands where there can be
// but one. Those of what was archived stay there, and are deleted if they have
// lost their place. An element whose anchor is gone stands by itself. If the name
// of one of them was given to another element, nothing is restored. Restoring what
// is there changes nothing. In a [ChangeSet] it brings back only what was deleted
// before that.
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
// zones of what is not published (Egeria: withdrawElement).
type Withdraw struct {
	Element ElementRef `json:"element"`
	Expectation
}

// EventType returns [TypeWithdrawElement].
func (*Withdraw) EventType() string { return TypeWithdrawElement }

// Validate checks the reference.
func (c *Withdraw) Validate() error { return c.Element.Validate("/element") }

// Retype is the data of [TypeRetypeElement]: make the element one of another
// type. It keeps its guid, name, relationships, classifications and those
// properties that the new type has too; Properties are merged into them. If the
// new type does not allow one of these, or needs a name where there is none, the
// element stays what it is. Its relationships, whoever they belong to, become a
// version that tells the new type.
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

// Rehome is the data of [TypeRehomeElement]: make an element, or a relationship,
// belong to another metadata source. Its present source may do that, and who acts
// on behalf of none, such as a steward when the source is gone. From has to be the
// present source, so that nobody takes over what is not what they think. The
// category of the origin stays, unless it comes from the repository itself, or
// goes there (Egeria: ELEMENT_HOME_CHANGED).
type Rehome struct {
	// Element or Relationship, one of the two.
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
// copy of a template, and with it copies of what is anchored to the template,
// and the relationships among and from them. "~{name}~" in text is replaced by
// the placeholder of that name. The new element is linked to the template by
// SourcedFrom. Relationships that lead to the template from elsewhere are not
// copied, nor are its external identifiers. What is archived is neither copied, with what is anchored to it, nor
// related to a copy; nor is what can have only one such relationship, and has it.
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
	// Zones that the new elements are members of; nil is those that new elements
	// are in.
	Zones []string `json:"zones,omitzero"`
	// Retrieve returns an element of that name and of the template's type if there
	// is one already, as it is; otherwise that is a conflict (Egeria:
	// allowRetrieve).
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

// ExternalIDName returns the qualified name of the ExternalId that an identifier
// is kept as; the scope is named by its qualified name, or by its guid if it has
// none. What is in that name cannot be taken for what stands between it and the
// identifier.
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

// LinkExternalID is the data of [TypeLinkExternalID]: note that an element has
// an identifier in an external system (Egeria: ExternalId, ExternalIdLink,
// ExternalIdScope). An element may have several, and several one. The ExternalId
// belongs to who makes it; others may link elements to it, but not change it.
type LinkExternalID struct {
	ExternalID
	// Properties of the ExternalId, such as keyPattern. They are merged into those
	// that are there; null removes one. So are those of the link.
	Properties Properties `json:"properties,omitzero"`
	// Link are properties of the ExternalIdLink, such as mappingProperties,
	// permittedSynchronization and usage.
	Link Properties `json:"link,omitzero"`
}

// EventType returns [TypeLinkExternalID].
func (*LinkExternalID) EventType() string { return TypeLinkExternalID }

// Validate checks the references and the identifier.
func (c *LinkExternalID) Validate() error { return c.validate() }

// UnlinkExternalID is the data of [TypeUnlinkExternalID]. If no other element has
// the identifier, it is deleted as well, unless it belongs to another metadata
// source. Deleting an element leaves its identifiers, so that it has them again when
// it is restored; that of one that is gone can be unlinked, too. Purging an element
// purges the identifiers that nothing else has.
type UnlinkExternalID struct{ ExternalID }

// EventType returns [TypeUnlinkExternalID].
func (*UnlinkExternalID) EventType() string { return TypeUnlinkExternalID }

// Validate checks the references and the identifier.
func (c *UnlinkExternalID) Validate() error { return c.validate() }

// ConfirmSynchronization is the data of [TypeConfirmSynchronization]: note that
// the element and what the identifier names were found, or made, the same
// (Egeria: lastSynchronized). It says of what state of either side that is true,
// since either may have changed again before the command is applied: the new
// state must not count as one that the other side has.
type ConfirmSynchronization struct {
	ExternalID
	// Time of it; zero means when the command is applied.
	Time time.Time `json:"time,omitzero"`
	// OpenChanged is when the state of the element that was synchronized had
	// come about: its updateTime, or its createTime. Zero means the state that the
	// element has when the command is applied, unless that is younger than Time: this
	// is for whoever knows that it is the one, such as a [ChangeSet] that has just
	// written it.
	OpenChanged time.Time `json:"openChanged,omitzero"`
	// ThirdPartyChanged is when the state that was synchronized had come about in
	// the third party, by the clock of that; zero if it does not tell.
	ThirdPartyChanged time.Time `json:"thirdPartyChanged,omitzero"`
}

// EventType returns [TypeConfirmSynchronization].
func (*ConfirmSynchronization) EventType() string { return TypeConfirmSynchronization }

// Validate checks the references and the identifier.
func (c *ConfirmSynchronization) Validate() error { return c.validate() }
