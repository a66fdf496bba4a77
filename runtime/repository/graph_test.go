package repository_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// arrow is a relationship of the model.
type arrow struct {
	typ      string
	from, to int
}

func nodeName(i int) string { return fmt.Sprintf("n%02d", i) }

func (a arrow) String() string { return fmt.Sprintf("%s %d-%d", a.typ, a.from, a.to) }

// reach is what is within a depth of a node: how far it is.
func reach(arrows []arrow, start, depth int, follow func(a arrow, from int) (int, bool)) (nodes map[int]int, edges map[string]bool) {
	nodes, edges = map[int]int{start: 0}, map[string]bool{}
	frontier := []int{start}
	for d := 1; d <= depth; d++ {
		var next []int
		for _, from := range frontier {
			for _, a := range arrows {
				to, ok := follow(a, from)
				if !ok {
					continue
				}
				edges[a.String()] = true
				if _, seen := nodes[to]; !seen {
					nodes[to] = d
					next = append(next, to)
				}
			}
		}
		frontier = next
	}
	return nodes, edges
}

func along(a arrow, from, end int) (int, bool) {
	switch {
	case a.from == from && end != 2:
		return a.to, true
	case a.to == from && end != 1:
		return a.from, true
	default:
		return 0, false
	}
}

func edgesOf(a *events.GraphAnswer) map[string]bool {
	edges := map[string]bool{}
	for _, l := range a.Edges {
		edges[fmt.Sprintf("%s %d-%d", l.Header.Type.Name, numberOf(l.End1.QualifiedName), numberOf(l.End2.QualifiedName))] = true
	}
	return edges
}

func numberOf(name string) (n int) {
	_, _ = fmt.Sscanf(name, "n%d", &n)
	return n
}

// What is around an element, and its lineage, are what a plain search through
// all relationships says, circles or not.
func TestGraphsAgreeWithAPlainSearch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 18
	for i := range n {
		b.must(t, typed("Topic", nodeName(i), nil))
	}
	var arrows []arrow
	seen := map[arrow]bool{}
	for i := range 45 { // with circles, twins and loops
		a := arrow{typ: []string{"DataFlow", "LineageMapping", "DataFlow"}[i%3], from: i * i % n, to: (i*7 + i/5) % n}
		if !seen[a] {
			seen[a] = true
			arrows = append(arrows, a)
			b.must(t, link(a.typ, nodeName(a.from), nodeName(a.to), nil))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		start, depth := rapid.IntRange(0, n-1).Draw(t, "start"), rapid.IntRange(1, 6).Draw(t, "depth")
		only := rapid.SampledFrom([]string{"", "DataFlow", "LineageMapping"}).Draw(t, "only")
		end := rapid.IntRange(0, 2).Draw(t, "end")
		var types []string
		if only != "" {
			types = []string{only}
		}
		follow := func(end int) func(arrow, int) (int, bool) {
			return func(a arrow, from int) (int, bool) {
				if only != "" && a.typ != only {
					return 0, false
				}
				return along(a, from, end)
			}
		}
		q := events.Graph{ElementRef: events.ByName(nodeName(start)), Depth: depth, End: end, Relationships: types, MinSequence: b.repo.Sequence()}
		got, err := events.Ask(context.Background(), b.metadata, &q)
		if err != nil {
			t.Fatal(err)
		}
		nodes, edges := reach(arrows, start, depth, follow(end))
		agreeOn(t, &got, oneSided(nodes, 1), edges)
		again, err := events.Ask(context.Background(), b.metadata, &q)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(got) {
			t.Fatalf("asked again: %v", err)
		}
		lineage, err := events.Ask(context.Background(), b.metadata, &events.Lineage{ElementRef: q.ElementRef, Depth: depth, Relationships: types})
		if err != nil {
			t.Fatal(err)
		}
		up, upEdges := reach(arrows, start, depth, follow(2))
		down, downEdges := reach(arrows, start, depth, follow(1))
		sides := oneSided(up, -1)
		for node, d := range down {
			switch above, both := up[node]; {
			case node == start:
			case both && above < d:
				sides[node] = [2]int{-above, d}
			case both:
				sides[node] = [2]int{d, -above}
			default:
				sides[node] = [2]int{d, 0}
			}
		}
		for e := range downEdges {
			upEdges[e] = true
		}
		agreeOn(t, &lineage, sides, upEdges)
	})
}

func oneSided(nodes map[int]int, sign int) map[int][2]int {
	depths := map[int][2]int{}
	for node, d := range nodes {
		depths[node] = [2]int{sign * d, 0}
	}
	return depths
}

func agreeOn(t *rapid.T, got *events.GraphAnswer, nodes map[int][2]int, edges map[string]bool) {
	found := map[int][2]int{}
	for i, node := range got.Nodes {
		found[numberOf(node.Element.Header.QualifiedName)] = [2]int{node.Depth, node.AlsoDepth}
		if i == 0 && node.Depth != 0 {
			t.Fatal("it does not begin with the element asked about")
		}
	}
	if fmt.Sprint(found) != fmt.Sprint(nodes) || len(found) != len(got.Nodes) {
		t.Fatalf("got the nodes %v, want %v", found, nodes)
	}
	if have := edgesOf(got); fmt.Sprint(have) != fmt.Sprint(edges) || len(have) != len(got.Edges) {
		t.Fatalf("got the edges %v, want %v", have, edges)
	}
	if got.Truncated != "" {
		t.Fatalf("cut by %s", got.Truncated)
	}
}

// In a circle an element is both a direct consumer and a distant supplier.
func TestLineageInACircle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 5 {
		b.must(t, typed("Topic", nodeName(i), nil))
	}
	for _, a := range [][2]int{{0, 1}, {1, 2}, {2, 0}, {2, 3}, {3, 4}} {
		b.must(t, link("DataFlow", nodeName(a[0]), nodeName(a[1]), nil))
	}
	for direction, want := range map[events.Direction]map[int][2]int{
		events.BothWays:   {0: {0, 0}, 1: {1, -2}, 2: {-1, 2}, 3: {3, 0}, 4: {4, 0}},
		events.Downstream: {0: {0, 0}, 1: {1, 0}, 2: {2, 0}, 3: {3, 0}, 4: {4, 0}},
		events.Upstream:   {0: {0, 0}, 1: {-2, 0}, 2: {-1, 0}},
	} {
		q := events.Lineage{ElementRef: events.ByName(nodeName(0)), Direction: direction, MinSequence: b.repo.Sequence()}
		a, err := events.Ask(t.Context(), b.metadata, &q)
		if err != nil {
			t.Fatal(err)
		}
		got := map[int][2]int{}
		for _, n := range a.Nodes {
			got[numberOf(n.Element.Header.QualifiedName)] = [2]int{n.Depth, n.AlsoDepth}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", direction, got, want)
		}
	}
}

func TestGraphsAreCutAndSaySo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hub(t, b, 30)
	last := b.must(t, folder("up"), link("FolderHierarchy", "up", "hub", nil))
	ref := events.ByName("hub")
	for name, c := range map[string]struct {
		q            events.Graph
		nodes, edges int
		truncated    events.Truncation
	}{
		"all":               {events.Graph{}, 32, 31, ""},
		"few nodes":         {events.Graph{GraphLimits: events.GraphLimits{Nodes: 5}}, 5, 4, events.TruncatedNodes},
		"few edges":         {events.Graph{GraphLimits: events.GraphLimits{Edges: 5}}, 7, 5, events.TruncatedEdges},
		"only folders":      {events.Graph{Types: []string{"FileFolder"}}, 2, 1, ""},
		"as many as it has": {events.Graph{GraphLimits: events.GraphLimits{Nodes: 32, Edges: 31}}, 32, 31, ""},
		"outward":           {events.Graph{End: 1}, 31, 30, ""},
	} {
		c.q.ElementRef, c.q.MinSequence = ref, last.Sequence
		a, err := events.Ask(t.Context(), b.metadata, &c.q)
		if err != nil || len(a.Nodes) != c.nodes || len(a.Edges) != c.edges || a.Truncated != c.truncated {
			t.Errorf("%s: got %d nodes, %d edges, %q, %v", name, len(a.Nodes), len(a.Edges), a.Truncated, err)
		}
	}
	for pointer, ask := range map[string]func() error{
		"/depth": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Graph{ElementRef: ref, Depth: 101})
			return err
		},
		"/end": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Graph{ElementRef: ref, End: 3})
			return err
		},
		"/nodes": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Lineage{ElementRef: ref, GraphLimits: events.GraphLimits{Nodes: -1}})
			return err
		},
		"/direction": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Lineage{ElementRef: ref, Direction: "up"})
			return err
		},
		"/relationships/1": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Lineage{ElementRef: ref, Relationships: []string{"DataFlow", "Nope"}})
			return err
		},
		"/types/0": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Graph{ElementRef: ref, Types: []string{"Nope"}})
			return err
		},
		"/qualifiedName": func() error {
			_, err := events.Ask(t.Context(), b.metadata, &events.Graph{ElementRef: events.ByName("no")})
			return err
		},
	} {
		if err := ask(); err == nil || !strings.HasPrefix(err.Error(), pointer+":") {
			t.Errorf("%s: got %v", pointer, err)
		}
	}
}

// Archived elements are found only by who asks for them; lineage leads through
// them.
func TestArchivedElementsAreLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.must(t, typed("Topic", "a", nil), typed("Topic", "b", nil), typed("Topic", "c", nil), link("DataFlow", "a", "b", nil), link("DataFlow", "b", "c", nil),
		&events.Delete{Element: events.ByName("b"), Method: events.DeleteArchive})
	ctx, page := t.Context(), events.Page{MinSequence: last.Sequence}
	if a, err := events.Ask(ctx, b.metadata, &events.Get{ElementRef: events.ByName("b"), MinSequence: last.Sequence}); err != nil || !a.Element.Archived() {
		t.Errorf("got %+v, %v", a, err)
	}
	if got := b.names(t, events.Find{Page: page}); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("found %v", got)
	}
	if got := b.names(t, events.Find{IncludeArchived: true}); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("found %v", got)
	}
	for _, included := range []bool{false, true} {
		related, err := events.Ask(ctx, b.metadata, &events.Related{ElementRef: events.ByName("a"), IncludeArchived: included})
		if err != nil || (len(related.Related) == 1) != included {
			t.Errorf("related: got %d, %v", len(related.Related), err)
		}
		graph, err := events.Ask(ctx, b.metadata, &events.Graph{ElementRef: events.ByName("a"), Depth: 2, IncludeArchived: included})
		if err != nil || (len(graph.Nodes) == 3) != included {
			t.Errorf("graph: got %d, %v", len(graph.Nodes), err)
		}
		count, err := events.Ask(ctx, b.metadata, &events.Count{Find: events.Find{IncludeArchived: included}})
		if err != nil || (count.Elements["Topic"] == 3) != included {
			t.Errorf("count: got %v, %v", count, err)
		}
	}
	lineage, err := events.Ask(ctx, b.metadata, &events.Lineage{ElementRef: events.ByName("a"), Direction: events.Downstream, EffectiveAt: time.Now()})
	if err != nil || len(lineage.Nodes) != 3 || lineage.Nodes[2].Depth != 2 {
		t.Errorf("lineage: got %+v, %v", lineage, err)
	}
}
