package index

import (
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
	// follows reports whether to follow a relationship, goes whether to visit an
	// element.
	follows, goes func(*Record) bool
	// directed means that ends tell the direction of the data flow.
	directed bool
	depth    int
	limits   events.GraphLimits
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
	if err := knownTypes(x.Types(), q); err != nil {
		return Subgraph{}, err
	}
	e := x.traversal(ctx, q.Depth, q.GraphLimits, room)
	e.follows = func(l *Record) bool {
		return isAny(l, q.Relationships) && l.row().Visible(q.EffectiveAt, true)
	}
	e.goes = func(r *Record) bool {
		return isAny(r, q.Types) && r.row().Visible(q.EffectiveAt, q.IncludeArchived)
	}
	start, err := Element(x, q.ElementRef, "")
	if err != nil {
		return Subgraph{}, err
	}
	e.begin(start)
	e.explore(start, q.End, 1)
	return e.answer, nil
}

// Lineage returns the sources and destinations of an element's data, in at most room
// bytes.
func (x *Index) Lineage(ctx context.Context, q *events.Lineage, room int) (Subgraph, error) {
	if err := q.Complete(); err != nil {
		return Subgraph{}, err
	}
	if err := knownRelationships(x.Types(), q.Relationships); err != nil {
		return Subgraph{}, err
	}
	if len(q.Relationships) == 0 {
		q.Relationships = events.LineageRelationships()
	}
	e := x.traversal(ctx, q.Depth, q.GraphLimits, room)
	e.follows = func(l *Record) bool {
		return isAny(l, q.Relationships) && l.row().Visible(q.EffectiveAt, true)
	}
	e.goes = func(r *Record) bool { return r.row().Visible(q.EffectiveAt, true) }
	e.directed = true
	start, err := Element(x, q.ElementRef, "")
	if err != nil {
		return Subgraph{}, err
	}
	e.begin(start)
	if q.Direction != events.Downstream {
		e.explore(start, 2, -1)
	}
	if q.Direction != events.Upstream {
		e.explore(start, 1, 1)
	}
	return e.answer, nil
}

func knownTypes(types *opentypes.Registry, q *events.Graph) error {
	for i, name := range q.Types {
		if _, err := types.Element(name, "/types/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return knownRelationships(types, q.Relationships)
}

func knownRelationships(types *opentypes.Registry, names []string) error {
	for i, name := range names {
		if _, err := types.Relationship(name, "/relationships/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

// isAny reports whether a record is of one of the types, or there are none.
func isAny(r *Record, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, r.Type.Is)
}

func (x *Index) traversal(ctx context.Context, depth int, limits events.GraphLimits, room int) *traversal {
	sequence, _ := x.Reached()
	return &traversal{
		index: x, budget: newBudget(ctx), depth: depth, limits: limits, room: room,
		nodes: map[guid]int{}, edges: map[guid]struct{}{},
		answer: Subgraph{Sequence: sequence, Nodes: []Node{}, Edges: []jsontext.Value{}},
	}
}

// begin takes the element of the question, whatever its type.
func (e *traversal) begin(start *Record) {
	e.nodes[start.GUID] = 0
	e.room -= len(start.text)
	e.answer.Nodes = append(e.answer.Nodes, Node{Element: start.State()})
}

// explore follows relationships from an element that is at the given end, 0 for any;
// sign is that of the depths. Elements found in the other direction are visited again,
// as they may be part of a cycle.
func (e *traversal) explore(start *Record, end, sign int) {
	passed := map[guid]struct{}{start.GUID: {}}
	frontier := []*Record{start}
	for depth := 1; depth <= e.depth && len(frontier) > 0; depth++ {
		var next []*Record
		for _, from := range frontier {
			if !e.stepAll(from, end, sign*depth, func(far *Record) {
				if _, again := passed[far.GUID]; !again {
					passed[far.GUID] = struct{}{}
					next = append(next, far)
				}
			}) {
				return
			}
		}
		frontier = next
	}
}

// stepAll follows the relationships of an element; false if a limit is reached.
func (e *traversal) stepAll(from *Record, end, depth int, take func(far *Record)) bool {
	for l := range e.index.links(from.GUID, guid{}) {
		far, ok := e.step(l, from, end, depth)
		if !ok {
			return false
		}
		if far != nil {
			take(far)
		}
	}
	return true
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
	if len(e.nodes) == e.limits.Nodes {
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
	if len(e.edges) == e.limits.Edges {
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
