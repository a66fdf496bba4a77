package graphtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// questioning compares answers with those of the model.
type questioning struct {
	*Model
	rapid.TB

	ctx context.Context //nolint:containedctx // of one test
	of  events.Asker
}

// CompareAnswers compares the answers to questions of each kind.
func (m *Model) CompareAnswers(ctx context.Context, t *rapid.T, of events.Asker) {
	q := &questioning{Model: m, TB: t, ctx: ctx, of: of}
	find := finds().Draw(t, "find")
	q.find(find)
	q.count(find)
	q.count(events.Find{})
	q.count(events.Find{IncludeArchived: true})
	for _, id := range slices.Sorted(maps.Keys(m.states())) {
		q.get(id)
	}
	depth, archived := rapid.IntRange(1, 4).Draw(t, "depth"), rapid.Bool().Draw(t, "archived")
	for _, id := range slices.Sorted(maps.Keys(m.elements)) {
		q.related(id, archived)
		q.around(id, depth, archived)
		q.lineage(id)
	}
	if n := len(m.learned); n > 0 {
		q.former(m.learned[rapid.IntRange(0, n-1).Draw(t, "as of")])
	}
}

func (q *questioning) same(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		q.Errorf("%s: got\n%s, the model has\n%s", what, g, w)
	}
}

func (q *questioning) must(what string, err error) {
	if err != nil {
		q.Errorf("%s: %s", what, err)
	}
}

// finds draws questions for elements.
func finds() *rapid.Generator[events.Find] {
	return rapid.Custom(func(t *rapid.T) events.Find {
		d := drawing{t}
		return events.Find{
			Type:   pick(d, "type", "", "", "OpenMetadataRoot", "DataFile", "CSVFile", "FileFolder", "ContactDetails", "ExternalId"),
			Source: pick(d, "source", "", "", "", "s1"), Scope: pick(d, "scope", "", "", "", "p"),
			Classification: pick(d, "mark", "", "", "", "Ownership", events.Template), Zone: pick(d, "zone", "", "", "", "z1", "draft"),
			NamePrefix: pick(d, "prefix", "", "", "", "t", "ExternalId::"), Text: pick(d, "text", "", "", "", "C", "t/1"),
			IncludeArchived: rapid.Bool().Draw(t, "archived"),
			Sort:            pick(d, "sort", nil, nil, []events.SortKey{{Property: "header.qualifiedName", Descending: true}}),
			Page:            events.Page{Limit: rapid.IntRange(1, 4).Draw(t, "limit")},
		}
	})
}

// found are the elements that a question is for, by name, or by guid where they
// have none.
func (m *Model) found(q *events.Find) []*thing {
	all := slices.DeleteFunc(slices.Collect(maps.Values(m.elements)), func(e *thing) bool { return !m.isFound(e, q) })
	slices.SortFunc(all, func(a, b *thing) int { return strings.Compare(orderOf(a), orderOf(b)) })
	return all
}

func orderOf(e *thing) string { return cmp.Or(e.name, e.guid) }

func (m *Model) isFound(e *thing, q *events.Find) bool {
	_, marked := e.marks[q.Classification]
	return (q.Type == "" || m.isA(e.typ, q.Type)) &&
		(q.Source == "" || e.source == q.Source) && (q.Scope == "" || e.scope == q.Scope) &&
		(q.Classification == "" || marked) && (q.Zone == "" || slices.Contains(e.zones, q.Zone)) &&
		(q.NamePrefix == "" || strings.HasPrefix(e.name, q.NamePrefix)) &&
		strings.Contains(strings.ToLower(e.name), strings.ToLower(q.Text)) &&
		(q.IncludeArchived || !e.archived())
}

// find asks for one page after the other.
func (q *questioning) find(find events.Find) {
	var got, want []string
	for _, e := range q.found(&find) {
		want = append(want, q.state(e.guid))
	}
	if len(find.Sort) > 0 { // by the name, which not all have
		slices.Sort(want)
	}
	for {
		a, err := events.Ask(q.ctx, q.of, &find)
		q.must("find", err)
		for i := range a.Elements {
			got = append(got, elementState(&a.Elements[i]))
		}
		if find.After = a.Next; err != nil || a.Next == "" {
			break
		}
	}
	if len(find.Sort) > 0 {
		slices.Sort(got)
	}
	q.same(fmt.Sprintf("find %+v", find), got, want)
}

func (q *questioning) count(find events.Find) {
	want := events.CountAnswer{Elements: map[string]int{}, Relationships: map[string]int{}}
	for _, e := range q.found(&find) {
		want.Elements[e.typ]++
	}
	if f := find; f.Type+f.Source+f.Scope+f.Classification+f.Zone+f.NamePrefix+f.Text == "" {
		for _, l := range q.links {
			want.Relationships[l.typ]++
		}
	}
	got, err := events.Ask(q.ctx, q.of, &events.Count{Find: find})
	q.must("count", err)
	q.same(fmt.Sprintf("count %+v", find), []any{got.Elements, got.Relationships}, []any{want.Elements, want.Relationships})
}

func (q *questioning) get(id string) {
	refs := []events.ElementRef{events.ByGUID(id)}
	if e := q.elements[id]; e != nil && e.name != "" {
		refs = append(refs, events.ByName(e.name))
	}
	for _, ref := range refs {
		a, err := events.Ask(q.ctx, q.of, &events.Get{ElementRef: ref})
		q.must("get", err)
		q.same(fmt.Sprintf("get %+v", ref), answered(&a), q.state(id))
	}
}

// answered is the state of an answer.
func answered(a *events.ElementAnswer) string {
	switch {
	case a.Element != nil:
		return elementState(a.Element)
	case a.Relationship != nil:
		return linkState(a.Relationship)
	default:
		return ""
	}
}

// former asks how everything was after a command. Of what was purged at any time
// the model does not know as of when nothing is told.
func (q *questioning) former(l *Learned) {
	then := l.after
	for key := range q.log {
		kind, id, _ := strings.Cut(key, " ")
		if kind == "type" || q.wasPurged(id) {
			continue
		}
		q.formerly(l, events.ByGUID(id), then.states()[id])
		if e := then.elements[id]; e != nil && e.name != "" {
			q.formerly(l, events.ByName(e.name), then.states()[id])
		}
	}
}

func (q *questioning) formerly(l *Learned, ref events.ElementRef, want string) {
	a, err := events.Ask(q.ctx, q.of, &events.Get{ElementRef: ref, AsOf: l.Time})
	if events.CodeOf(err) != events.CodeNotFound {
		q.must("get as of", err)
	}
	q.same(fmt.Sprintf("get %+v as of %s", ref, l.Time), answered(&a), want)
}

func (m *Model) wasPurged(id string) bool {
	for _, kind := range []string{"element ", "relationship "} {
		if m.kept[kind+id] < len(m.log[kind+id]) {
			return true
		}
	}
	return false
}

func (q *questioning) related(id string, archived bool) {
	var got, want []string
	for _, l := range q.linked(id) {
		if far := q.elements[l.far(id)]; archived || !far.archived() {
			want = append(want, q.state(l.guid), q.state(far.guid))
		}
	}
	a, err := events.Ask(q.ctx, q.of, &events.Related{ElementRef: events.ByGUID(id), IncludeArchived: archived})
	q.must("related", err)
	for i := range a.Related {
		got = append(got, linkState(&a.Related[i].Relationship), elementState(&a.Related[i].Element))
	}
	q.same("related to "+id, got, want)
}

// far is the other end, which may be the same.
func (e *thing) far(id string) string {
	if e.ends[0] == id {
		return e.ends[1]
	}
	return e.ends[0]
}

// distances returns how far what can be reached is from an element.
func distances(id string, most int, next func(id string) []string) map[string]int {
	far, frontier := map[string]int{id: 0}, []string{id}
	for depth := 1; depth <= most && len(frontier) > 0; depth++ {
		var beyond []string
		for _, from := range frontier {
			for _, to := range next(from) {
				if _, seen := far[to]; !seen {
					far[to] = depth
					beyond = append(beyond, to)
				}
			}
		}
		frontier = beyond
	}
	return far
}

func (q *questioning) around(id string, depth int, archived bool) {
	far := distances(id, depth, func(from string) (next []string) {
		for _, l := range q.linked(from) {
			if to := l.far(from); archived || !q.elements[to].archived() {
				next = append(next, to)
			}
		}
		return next
	})
	var edges []string
	for _, l := range q.links {
		one, ok1 := far[l.ends[0]]
		two, ok2 := far[l.ends[1]]
		if ok1 && ok2 && min(one, two) < depth {
			edges = append(edges, q.state(l.guid))
		}
	}
	a, err := events.Ask(q.ctx, q.of, &events.Graph{ElementRef: events.ByGUID(id), Depth: depth, IncludeArchived: archived})
	q.must("graph", err)
	nodes := map[string]int{}
	for i := range a.Nodes {
		nodes[a.Nodes[i].Element.Header.GUID] = a.Nodes[i].Depth
	}
	what := fmt.Sprintf("graph around %s, depth %d, archived %t", id, depth, archived)
	q.same(what, nodes, far)
	q.same(what, edgesOf(&a), slices.Sorted(slices.Values(edges)))
}

func edgesOf(a *events.GraphAnswer) []string {
	var edges []string
	for i := range a.Edges {
		edges = append(edges, linkState(&a.Edges[i]))
	}
	slices.Sort(edges)
	return edges
}

// lineage goes both ways, to the end: what is on both sides counts on the nearer.
func (q *questioning) lineage(id string) {
	flow := func(end int) map[string]int {
		return distances(id, events.MaxGraphDepth, func(from string) (next []string) {
			for _, l := range q.linked(from) {
				if l.typ == "DataFlow" && l.ends[end] == from {
					next = append(next, l.ends[1-end])
				}
			}
			return next
		})
	}
	down, up := flow(0), flow(1)
	want := map[string]string{}
	for to, n := range down {
		want[to] = fmt.Sprint(n, 0)
	}
	for to, n := range up {
		m, both := down[to]
		switch {
		case to == id:
		case !both:
			want[to] = fmt.Sprint(-n, 0)
		case n < m:
			want[to] = fmt.Sprint(-n, m)
		default:
			want[to] = fmt.Sprint(m, -n)
		}
	}
	a, err := events.Ask(q.ctx, q.of, &events.Lineage{ElementRef: events.ByGUID(id)})
	q.must("lineage", err)
	got := map[string]string{}
	for i := range a.Nodes {
		got[a.Nodes[i].Element.Header.GUID] = fmt.Sprint(a.Nodes[i].Depth, a.Nodes[i].AlsoDepth)
	}
	q.same("lineage of "+id, got, want)
}
