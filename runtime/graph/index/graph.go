package index

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

type (
	// Subgraph answers [Index.Graph] and [Index.Lineage].
	Subgraph struct {
		Sequence  uint64            `json:"sequence"`
		Nodes     []Node            `json:"nodes"`
		Edges     []jsontext.Value  `json:"edges"`
		Truncated events.Truncation `json:"truncated,omitempty"`
	}
	// Node is an element of a [Subgraph], and how far it is from the one asked about.
	Node struct {
		Depth     int            `json:"depth"`
		AlsoDepth int            `json:"alsoDepth,omitzero"`
		Element   jsontext.Value `json:"element"`
	}
)

// traversal walks the graph, breadth first.
type traversal struct {
	index  *Index
	budget *budget
	q      *events.Graph
	start  *Record
	// directed means that ends tell the direction of the data flow.
	directed bool
	room     int

	nodes  map[guid]int // their places in the answer
	edges  map[guid]struct{}
	answer Subgraph
}

// Graph returns the neighborhood of an element, in at most room bytes.
func (x *Index) Graph(ctx context.Context, q *events.Graph, room int) (Subgraph, error) {
	if err := q.Complete(); err != nil {
		return Subgraph{}, err
	}
	e, err := x.traversal(ctx, q, room)
	if err != nil {
		return Subgraph{}, err
	}
	e.explore(q.End, 1)
	return e.answer, nil
}

// Lineage returns the sources and destinations of an element's data, in at most room
// bytes.
func (x *Index) Lineage(ctx context.Context, q *events.Lineage, room int) (Subgraph, error) {
	if err := q.Complete(); err != nil {
		return Subgraph{}, err
	}
	e, err := x.traversal(ctx, &events.Graph{
		ElementRef: q.ElementRef, Depth: q.Depth, Relationships: q.Relationships, GraphLimits: q.GraphLimits,
		EffectiveAt: q.EffectiveAt, IncludeArchived: true,
	}, room)
	if err != nil {
		return Subgraph{}, err
	}
	e.directed = true
	if len(q.Relationships) == 0 {
		e.q.Relationships = events.LineageRelationships()
	}
	if q.Direction != events.Downstream {
		e.explore(2, -1)
	}
	if q.Direction != events.Upstream {
		e.explore(1, 1)
	}
	return e.answer, nil
}

// traversal returns a traversal that has taken the element of the question, whatever its
// type.
func (x *Index) traversal(ctx context.Context, q *events.Graph, room int) (*traversal, error) {
	types := x.Types()
	if err := cmp.Or(known(q.Types, "/types/", types.Element), known(q.Relationships, "/relationships/", types.Relationship)); err != nil {
		return nil, err
	}
	sequence, _ := x.Reached()
	start, err := Element(x, q.ElementRef, "")
	if err != nil {
		return nil, err
	}
	return &traversal{
		index: x, budget: newBudget(ctx), q: q, start: start, room: room - len(start.text),
		nodes: map[guid]int{start.GUID: 0}, edges: map[guid]struct{}{},
		answer: Subgraph{Sequence: sequence, Nodes: []Node{{Element: start.State()}}, Edges: []jsontext.Value{}},
	}, nil
}

// known checks that there are types of these names.
func known(names []string, pointer string, look func(name, pointer string) (*opentypes.Type, error)) error {
	for i, name := range names {
		if _, err := look(name, pointer+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

// isAny reports whether a record is of one of the types, or there are none.
func isAny(r *Record, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, r.Type.Is)
}

// follows reports whether the question follows a relationship.
func (e *traversal) follows(l *Record) bool {
	return isAny(l, e.q.Relationships) && l.row().Visible(e.q.EffectiveAt, true)
}

// goes reports whether the question goes to an element.
func (e *traversal) goes(r *Record) bool {
	return isAny(r, e.q.Types) && r.row().Visible(e.q.EffectiveAt, e.q.IncludeArchived)
}

// explore follows relationships from the start, which is at the given end, 0 for any;
// sign is that of the depths. Elements found in the other direction are visited again,
// as they may be part of a cycle.
func (e *traversal) explore(end, sign int) {
	depths := map[guid]int{e.start.GUID: 0}
	for queue := []*Record{e.start}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		depth := depths[from.GUID] + 1
		if depth > e.q.Depth {
			return
		}
		for l := range e.index.links(from.GUID, guid{}) {
			far, ok := e.step(l, from, end, sign*depth)
			if !ok {
				return
			}
			if far == nil {
				continue
			}
			if _, again := depths[far.GUID]; !again {
				depths[far.GUID] = depth
				queue = append(queue, far)
			}
		}
	}
}

// step takes a relationship and the element at its other end, nil if the question
// excludes them. It is not ok if a limit is reached.
func (e *traversal) step(l, from *Record, end, depth int) (far *Record, ok bool) {
	if e.budget.spent() {
		e.answer.Truncated = events.TruncatedTime
		return nil, false
	}
	if !e.follows(l) {
		return nil, true
	}
	if e.directed && l.Type.FlowsBack() {
		end = 3 - end
	}
	if far = e.index.far(l, from.GUID, end); far == nil || !e.goes(far) && !e.isTaken(far) {
		return nil, true
	}
	return far, e.takeNode(far, depth) && e.takeEdge(l)
}

func (e *traversal) isTaken(r *Record) bool {
	_, taken := e.nodes[r.GUID]
	return taken
}

func (e *traversal) takeNode(r *Record, depth int) bool {
	if place, taken := e.nodes[r.GUID]; taken {
		e.answer.Nodes[place].seenAgain(depth)
		return true
	}
	if len(e.nodes) == e.q.Nodes {
		e.answer.Truncated = events.TruncatedNodes
		return false
	}
	if !e.fits(r) {
		return false
	}
	e.nodes[r.GUID] = len(e.answer.Nodes)
	e.answer.Nodes = append(e.answer.Nodes, Node{Depth: depth, Element: r.State()})
	return true
}

// seenAgain notes that a cycle leads to the element in the other direction, too. The
// shorter way counts, downstream if both are equal. The first visit in a direction is
// the nearest; the element of the question has no direction.
func (n *Node) seenAgain(depth int) {
	if n.Depth == 0 || n.AlsoDepth != 0 || (n.Depth > 0) == (depth > 0) {
		return
	}
	n.AlsoDepth = depth
	if distance(depth) < distance(n.Depth) || distance(depth) == distance(n.Depth) && depth > 0 {
		n.Depth, n.AlsoDepth = depth, n.Depth
	}
}

func distance(depth int) int { return max(depth, -depth) }

func (e *traversal) takeEdge(l *Record) bool {
	if _, taken := e.edges[l.GUID]; taken {
		return true
	}
	if len(e.edges) == e.q.Edges {
		e.answer.Truncated = events.TruncatedEdges
		return false
	}
	if !e.fits(l) {
		return false
	}
	e.edges[l.GUID] = struct{}{}
	e.answer.Edges = append(e.answer.Edges, l.State())
	return true
}

func (e *traversal) fits(r *Record) bool {
	if e.room -= len(r.text); e.room < 0 {
		e.answer.Truncated = events.TruncatedSize
	}
	return e.room >= 0
}
