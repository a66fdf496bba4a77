package connectortest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
)

// Graph implements [connectors.Explorer].
func (r *Repository) Graph(_ context.Context, q events.Graph) (events.GraphAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start, err := r.start(q.ElementRef, q.MinSequence, q.Complete)
	if err != nil {
		return events.GraphAnswer{}, err
	}
	w := r.walker(q.GraphLimits, q.Depth, q.Relationships, q.EffectiveAt)
	w.goes = func(e *events.Element) bool {
		return (q.IncludeArchived || !e.Archived()) && isAny(&e.Header, q.Types)
	}
	w.take(start, 0)
	w.walk(start, func(*events.Relationship) int { return q.End }, 1)
	return w.answer, nil
}

// Lineage implements [connectors.Explorer].
func (r *Repository) Lineage(_ context.Context, q events.Lineage) (events.GraphAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start, err := r.start(q.ElementRef, q.MinSequence, q.Complete)
	if err != nil {
		return events.GraphAnswer{}, err
	}
	if len(q.Relationships) == 0 {
		q.Relationships = events.LineageRelationships()
	}
	w := r.walker(q.GraphLimits, q.Depth, q.Relationships, q.EffectiveAt)
	w.take(start, 0)
	end := func(end int) func(*events.Relationship) int {
		return func(l *events.Relationship) int {
			if l.Header.Type.FlowsBack() {
				return 3 - end
			}
			return end
		}
	}
	if q.Direction != events.Downstream {
		w.walk(start, end(2), -1)
	}
	if q.Direction != events.Upstream {
		w.walk(start, end(1), 1)
	}
	return w.answer, nil
}

func (r *Repository) start(ref events.ElementRef, minSequence uint64, complete func() error) (*events.Element, error) {
	if err := complete(); err != nil {
		return nil, err
	}
	if err := r.fresh(minSequence); err != nil {
		return nil, err
	}
	e := r.state.find(ref)
	if e == nil {
		return nil, notFound("")
	}
	return e, nil
}

// walker goes through the graph, breadth first.
type walker struct {
	state         *state
	limits        events.GraphLimits
	depth         int
	relationships []string
	at            time.Time
	goes          func(*events.Element) bool
	taken         map[string]bool
	answer        events.GraphAnswer
}

func (r *Repository) walker(limits events.GraphLimits, depth int, relationships []string, at time.Time) *walker {
	return &walker{
		state: &r.state, limits: limits, depth: depth, relationships: relationships, at: at,
		goes: func(*events.Element) bool { return true }, taken: map[string]bool{},
		answer: events.GraphAnswer{Sequence: r.sequence, Nodes: []events.GraphNode{}, Edges: []events.Relationship{}},
	}
}

// take adds an element, and says no when there is no room for it.
func (w *walker) take(e *events.Element, depth int) bool {
	switch {
	case w.taken[e.Header.GUID]:
		return true
	case len(w.answer.Nodes) == w.limits.Nodes:
		w.answer.Truncated = events.TruncatedNodes
		return false
	default:
		w.taken[e.Header.GUID] = true
		w.answer.Nodes = append(w.answer.Nodes, events.GraphNode{Depth: depth, Element: *e})
		return true
	}
}

func (w *walker) takeEdge(l *events.Relationship) bool {
	switch {
	case w.taken[l.Header.GUID]:
		return true
	case len(w.answer.Edges) == w.limits.Edges:
		w.answer.Truncated = events.TruncatedEdges
		return false
	default:
		w.taken[l.Header.GUID] = true
		w.answer.Edges = append(w.answer.Edges, *l)
		return true
	}
}

func (w *walker) walk(start *events.Element, end func(*events.Relationship) int, sign int) {
	passed := map[string]bool{start.Header.GUID: true}
	frontier := []string{start.Header.GUID}
	for depth := 1; depth <= w.depth && len(frontier) > 0; depth++ {
		var next []string
		for _, from := range frontier {
			found, ok := w.step(from, end, sign*depth)
			if !ok {
				return
			}
			for _, id := range found {
				if !passed[id] {
					passed[id] = true
					next = append(next, id)
				}
			}
		}
		frontier = next
	}
}

// step takes what the relationships of an element lead to. It is not ok when
// that is too much.
func (w *walker) step(from string, end func(*events.Relationship) int, depth int) (found []string, ok bool) {
	for _, id := range slices.Sorted(maps.Keys(w.state.ends[from])) {
		l := w.state.relationships[id]
		far := w.far(l, from, end(l))
		if far == nil {
			continue
		}
		if !w.take(far, depth) || !w.takeEdge(l) {
			return nil, false
		}
		found = append(found, far.Header.GUID)
	}
	return found, true
}

// far returns the element at the other end, nil if it is not to be gone to.
func (w *walker) far(l *events.Relationship, from string, end int) *events.Element {
	id := across(l, from, end)
	if id == "" || !isAny(&l.Header, w.relationships) || !counts(&l.Header, w.at) {
		return nil
	}
	far := w.state.elements[id]
	if !w.taken[id] && (!counts(&far.Header, w.at) || !w.goes(far)) {
		return nil
	}
	return far
}

func isAny(h *events.ElementHeader, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, h.Type.Is)
}
