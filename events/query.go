package events

import (
	"cmp"
	"time"
)

// MaxPage is how many results one answer of the repository holds at most.
const MaxPage = 5000

// Get asks for one element, or for one relationship by its guid.
type Get struct {
	ElementRef
	// AsOf asks for the state that was stored at a time, as far back as history
	// is kept; what is deleted since then is found, too.
	AsOf time.Time `json:"asOf,omitzero"`
	// EffectiveAt asks only for what counts at a time, see [Effectivity].
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	// MinSequence makes the answer wait until it reflects that sequence of the
	// out topic: pass the sequence of your own write to read it back.
	MinSequence uint64 `json:"minSequence,omitzero"`
}

// Find asks for the elements that match every condition given.
type Find struct {
	// Type includes subtypes; empty means all.
	Type string `json:"type,omitempty"`
	// Classification is the name of one that the elements have.
	Classification string `json:"classification,omitempty"`
	// ClassificationWhere is what is true of that classification's properties.
	ClassificationWhere *Condition `json:"classificationWhere,omitempty"`
	// Zone is a governance zone that the elements are members of by name. Those
	// that are in no zone, which consumers of any zone see, are not found: this asks
	// what was put into the zone. Listeners to a zone are told of them, too.
	Zone string `json:"zone,omitempty"`
	// Source is the qualified name of the metadata source they belong to.
	Source string `json:"source,omitempty"`
	Scope  string `json:"scope,omitempty"`
	// NamePrefix is the beginning of the qualified name.
	NamePrefix string `json:"namePrefix,omitempty"`
	// Text occurs, whatever its case, in the qualified name or in the
	// properties displayName, name, resourceName or description.
	Text string `json:"text,omitempty"`
	// Where is what is true of the elements' properties and headers.
	Where *Condition `json:"where,omitempty"`
	// Sort is the order; none means by qualified name, or by guid where there is
	// none. What is equal is in the order of the guids.
	Sort []SortKey `json:"sort,omitempty"`
	// EffectiveAt leaves out what does not count at a time, and classifications
	// that do not; without it they all count.
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	// IncludeArchived finds what is classified as [Memento], too.
	IncludeArchived bool `json:"includeArchived,omitzero"`
	Page
}

// Related asks for the elements that are related to one element.
type Related struct {
	ElementRef
	// Relationship is the type of the relationships to follow, subtypes
	// included; empty means all.
	Relationship string `json:"relationship,omitempty"`
	// End is 1 to follow relationships in which the element is end 1, 2 for
	// those in which it is end 2, 0 for both.
	End int `json:"end,omitzero"`
	// EffectiveAt leaves out relationships and elements that do not count at a
	// time.
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	// IncludeArchived follows to what is classified as [Memento], too.
	IncludeArchived bool `json:"includeArchived,omitzero"`
	Page
}

// Page asks for a part of a longer answer.
type Page struct {
	// Limit is how many results to return; 0 means 100, at most [MaxPage]. An
	// answer holds fewer when they are too large together, or take too long to
	// find: Next says whether there are more, not how many there are.
	Limit int `json:"limit,omitzero"`
	// After is the Next of the page before.
	After       string `json:"after,omitempty"`
	MinSequence uint64 `json:"minSequence,omitzero"`
}

// Digests asks for the digests of all that a source has cataloged in a scope.
type Digests struct {
	Source string `json:"source,omitempty"`
	Scope  string `json:"scope"`
	Page
}

// History asks for the change events of an element or relationship, oldest
// first, as far back as they are kept.
type History struct {
	ElementRef
	MinSequence uint64 `json:"minSequence,omitzero"`
}

// ElementAnswer answers [Get]: one of its two is set.
type ElementAnswer struct {
	Sequence     uint64        `json:"sequence"`
	Element      *Element      `json:"element,omitempty"`
	Relationship *Relationship `json:"relationship,omitempty"`
}

// ElementsAnswer answers [Find].
type ElementsAnswer struct {
	// Sequence of the out topic that the answer reflects.
	Sequence uint64    `json:"sequence"`
	Elements []Element `json:"elements"`
	// Next is the After of the next page; empty at the end.
	Next string `json:"next,omitempty"`
}

// RelatedAnswer answers [Related].
type RelatedAnswer struct {
	Sequence uint64           `json:"sequence"`
	Related  []RelatedElement `json:"related"`
	Next     string           `json:"next,omitempty"`
}

// RelatedElement is a relationship and the element at its other end.
type RelatedElement struct {
	Relationship Relationship `json:"relationship"`
	Element      Element      `json:"element"`
}

// DigestsAnswer answers [Digests].
type DigestsAnswer struct {
	Sequence uint64       `json:"sequence"`
	Digests  []DigestItem `json:"digests"`
	Next     string       `json:"next,omitempty"`
}

// DigestItem is what a reconciliation has to know of one element or relationship.
type DigestItem struct {
	// Key of an element is its [ElementKey]. That of a relationship is the
	// [RelationshipKey] of its ends' keys; but its guid, where its type allows
	// several between the same ends and this one was given a guid of its own.
	Key  Key    `json:"key"`
	GUID string `json:"guid,omitempty"` // if it differs from Key
	// Ends is the [RelationshipKey] of the ends' keys if it differs from Key.
	Ends            Key    `json:"ends,omitzero"`
	Relationship    bool   `json:"relationship,omitzero"`
	Content         Digest `json:"content"`
	Zones           Digest `json:"zones,omitzero"`
	Classifications Digest `json:"classifications,omitzero"`
	Effectivity     Digest `json:"effectivity,omitzero"`
	// Anchor is the key of the element that this one belongs to, AnchorGUID its
	// guid if that differs.
	Anchor     Key    `json:"anchor,omitzero"`
	AnchorGUID string `json:"anchorGUID,omitempty"`
}

// AnchoredTo reports whether the anchor is the element that ref names: by guid,
// if it gives one, as everywhere.
func (d *DigestItem) AnchoredTo(ref ElementRef) bool {
	if ref.GUID == "" {
		return d.Anchor == ElementKey(ref)
	}
	return ElementKey(ByGUID(ref.GUID)) == ElementKey(ByGUID(cmp.Or(d.AnchorGUID, d.Anchor.String())))
}

// LoadProgress is the progress of a repository node that still loads the metadata,
// and so answers no questions yet.
type LoadProgress struct {
	Node string `json:"node"`
	Read uint64 `json:"read"`
	Of   uint64 `json:"of"`
}

// WriterStatus is the progress of the node that applies commands.
type WriterStatus struct {
	Node string `json:"node"`
	// Applied is the sequence of the in topic up to which all is applied.
	Applied uint64 `json:"applied"`
	// Waiting is the number of commands that wait. Still is how long nothing has been
	// applied although some wait.
	Waiting uint64   `json:"waiting"`
	Still   Duration `json:"still,omitzero"`
}

// HistoryAnswer answers [History].
type HistoryAnswer struct {
	Sequence uint64  `json:"sequence"`
	Changes  []Entry `json:"changes"`
	// Truncated says that older changes are kept, too, but do not fit.
	Truncated bool `json:"truncated,omitzero"`
}

// Entry is one change event of a history.
type Entry struct {
	Sequence     uint64              `json:"sequence"`
	Type         string              `json:"type"`
	Time         time.Time           `json:"time"`
	Actor        string              `json:"actor,omitempty"`
	Element      *ElementChange      `json:"element,omitempty"`
	Relationship *RelationshipChange `json:"relationship,omitempty"`
}

// Count asks how many elements a [Find] finds, by type.
type Count struct{ Find }

// CountAnswer answers [Count]: how many elements there are, by type. Relationships
// are counted where that asks for no elements in particular.
type CountAnswer struct {
	Sequence      uint64         `json:"sequence"`
	Elements      map[string]int `json:"elements"`
	Relationships map[string]int `json:"relationships"`
}
