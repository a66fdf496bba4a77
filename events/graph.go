package events

import (
	"cmp"
	"time"
)

// The limits of [Graph] and [Lineage].
const (
	MaxGraphDepth = 100
	MaxGraphNodes = 5000
	MaxGraphEdges = 20_000
)

// Graph asks for what is around an element: the elements that relationships
// lead to, and theirs, breadth first. Whatever circles there are, each element
// and each relationship comes once.
type Graph struct {
	ElementRef
	// Depth is how many relationships to follow from the element; 0 means 1, at
	// most [MaxGraphDepth].
	Depth int `json:"depth,omitzero"`
	// End is 1 to follow relationships from end 1 to end 2, 2 for the other way,
	// 0 for both.
	End int `json:"end,omitzero"`
	// Relationships are the types to follow, subtypes included; none means all.
	Relationships []string `json:"relationships,omitempty"`
	// Types are those of the elements to go to, subtypes included; none means
	// all. What is of another type is left out, and what is behind it.
	Types []string `json:"types,omitempty"`
	GraphLimits
	// EffectiveAt leaves out what does not count at a time.
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	// IncludeArchived goes to what is classified as [Memento], too.
	IncludeArchived bool   `json:"includeArchived,omitzero"`
	MinSequence     uint64 `json:"minSequence,omitzero"`
}

// GraphLimits bound an answer, which says when it was cut.
type GraphLimits struct {
	// Nodes is how many elements to return at most; 0 means 1000, at most
	// [MaxGraphNodes].
	Nodes int `json:"nodes,omitzero"`
	// Edges is how many relationships to return at most; 0 means 5000, at most
	// [MaxGraphEdges].
	Edges int `json:"edges,omitzero"`
}

// Direction is where lineage is followed to.
type Direction string

// The directions. Along a lineage relationship data flows from end 1 to end 2,
// along an UltimateSource from end 2 to end 1.
const (
	// Upstream is where it comes from.
	Upstream Direction = "upstream"
	// Downstream is where it goes to.
	Downstream Direction = "downstream"
	// BothWays is what it comes from and what it goes to, but not what else goes
	// to or comes from those.
	BothWays Direction = "both"
)

// Lineage asks what an element comes from and what comes from it. It leads
// through archived elements.
type Lineage struct {
	ElementRef
	// Direction is [BothWays] unless given.
	Direction Direction `json:"direction,omitempty"`
	// Depth is how far to go; 0 means to the end, at most [MaxGraphDepth].
	Depth int `json:"depth,omitzero"`
	// Relationships are the types to follow, subtypes included; none means
	// [LineageRelationships].
	Relationships []string `json:"relationships,omitempty"`
	GraphLimits
	// EffectiveAt leaves out what does not count at a time.
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	MinSequence uint64    `json:"minSequence,omitzero"`
}

// FlowsBack reports whether in lineage end 2 of a relationship of that type
// supplies and end 1 consumes, and not the other way round.
func (t ElementType) FlowsBack() bool { return t.Is("UltimateSource") }

// LineageRelationships returns the types of relationships that lineage follows.
func LineageRelationships() []string {
	return []string{
		"LineageRelationship", "DataFlow", "ControlFlow", "ProcessCall", "LineageMapping", "DataMapping",
		"UltimateSource", "UltimateDestination",
	}
}

// GraphAnswer answers [Graph] and [Lineage]. Its first node is the element that
// was asked about.
type GraphAnswer struct {
	Sequence uint64         `json:"sequence"`
	Nodes    []GraphNode    `json:"nodes"`
	Edges    []Relationship `json:"edges"`
	// Truncated says why there may be more; empty when this is all.
	Truncated Truncation `json:"truncated,omitempty"`
}

// Truncation says what cut an answer short.
type Truncation string

// The truncations.
const (
	TruncatedNodes Truncation = "nodes" // the limit of nodes
	TruncatedEdges Truncation = "edges" // the limit of edges
	TruncatedSize  Truncation = "size"  // what an answer may hold
	TruncatedTime  Truncation = "time"  // what a question may take
)

// GraphNode is an element of a [GraphAnswer].
type GraphNode struct {
	// Depth is how many relationships lead to it; in the lineage of an element,
	// negative for what is upstream.
	Depth int `json:"depth"`
	// AlsoDepth is, in a lineage, where an element that is on both sides is on
	// the farther one; Depth is then where it is nearer, downstream if that is
	// the same. It is 0 for all others.
	AlsoDepth int     `json:"alsoDepth,omitzero"`
	Element   Element `json:"element"`
}

const (
	defaultNodes = 1000
	defaultEdges = 5000
)

// Complete checks the limits and puts in what is not given.
func (q *Graph) Complete() error {
	if q.End < 0 || q.End > 2 {
		return Errorf(CodeInvalid, "/end", "%d: use 1, 2, or 0 for both", q.End)
	}
	return cmp.Or(completeLimit(&q.Depth, 1, MaxGraphDepth, "/depth"), q.GraphLimits.complete())
}

// Complete checks the direction and the limits and puts in what is not given.
func (q *Lineage) Complete() error {
	switch q.Direction {
	case "":
		q.Direction = BothWays
	case Upstream, Downstream, BothWays:
	default:
		return Errorf(CodeInvalid, "/direction", "%s: use %s, %s or %s", quoted(string(q.Direction)), Upstream, Downstream, BothWays)
	}
	return cmp.Or(completeLimit(&q.Depth, MaxGraphDepth, MaxGraphDepth, "/depth"), q.GraphLimits.complete())
}

func (l *GraphLimits) complete() error {
	return cmp.Or(
		completeLimit(&l.Nodes, defaultNodes, MaxGraphNodes, "/nodes"),
		completeLimit(&l.Edges, defaultEdges, MaxGraphEdges, "/edges"),
	)
}

func completeLimit(n *int, unless, most int, pointer string) error {
	if *n < 0 || *n > most {
		return Errorf(CodeInvalid, pointer, "%d: give 1 to %d, or 0 for %d", *n, most, unless)
	}
	if *n == 0 {
		*n = unless
	}
	return nil
}
