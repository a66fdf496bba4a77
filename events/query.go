package events

import "time"

// MaxPage is how many results one answer of the repository holds at most.
const MaxPage = 5000

// Get asks for one element, or for one relationship by its guid.
type Get struct {
	ElementRef
	// MinSequence makes the answer wait until it reflects that sequence of the
	// out topic: pass the sequence of your own write to read it back.
	MinSequence uint64 `json:"minSequence,omitzero"`
}

// Find asks for the elements that match every condition given, in the order of
// their qualified names.
type Find struct {
	// Type includes subtypes; empty means all.
	Type string `json:"type,omitempty"`
	// Source is the qualified name of the metadata source they belong to.
	Source string `json:"source,omitempty"`
	Scope  string `json:"scope,omitempty"`
	// NamePrefix is the beginning of the qualified name.
	NamePrefix string `json:"namePrefix,omitempty"`
	// Text occurs, whatever its case, in the qualified name or in the
	// properties displayName, name or description.
	Text string `json:"text,omitempty"`
	Page
}

// Related asks for the elements that are related to one element.
type Related struct {
	ElementRef
	// Relationship is the type of the relationships to follow; empty means all.
	Relationship string `json:"relationship,omitempty"`
	// End is 1 to follow relationships in which the element is end 1, 2 for
	// those in which it is end 2, 0 for both.
	End int `json:"end,omitzero"`
	Page
}

// Page asks for a part of a longer answer.
type Page struct {
	// Limit is how many results to return; 0 means 100, at most [MaxPage]. An
	// answer holds fewer when they would not fit into a message.
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
	Key             Key    `json:"key"`
	GUID            string `json:"guid,omitempty"` // if it differs from Key
	Relationship    bool   `json:"relationship,omitzero"`
	Content         Digest `json:"content"`
	Zones           Digest `json:"zones,omitzero"`
	Classifications Digest `json:"classifications,omitzero"`
}

// HistoryAnswer answers [History].
type HistoryAnswer struct {
	Sequence uint64  `json:"sequence"`
	Changes  []Entry `json:"changes"`
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

// CountAnswer answers a request for the number of elements by type.
type CountAnswer struct {
	Sequence      uint64         `json:"sequence"`
	Elements      map[string]int `json:"elements"`
	Relationships map[string]int `json:"relationships"`
}
