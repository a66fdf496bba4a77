package graphtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// asker asks questions and compares the answers with those of the model.
type asker struct {
	*Model
	rapid.TB

	ctx context.Context //nolint:containedctx // of one test
	of  events.Asker
}

// CompareAnswers compares the answers to questions of each kind.
func (m *Model) CompareAnswers(ctx context.Context, t *rapid.T, of events.Asker) {
	q := &asker{Model: m, TB: t, ctx: ctx, of: of}
	find := finds().Draw(t, "find")
	q.find(find)
	for _, f := range []events.Find{find, {}, {IncludeArchived: true}} {
		q.count(f)
	}
	depth, archived := rapid.IntRange(1, 4).Draw(t, "depth"), rapid.Bool().Draw(t, "archived")
	for id, i := range m.instances {
		q.get(id, i, time.Time{})
		if !i.isLink() {
			q.related(id, archived)
			q.around(id, depth, archived)
			q.lineage(id)
		}
	}
	if n := len(m.applied); n > 0 {
		q.former(m.applied[rapid.IntRange(0, n-1).Draw(t, "as of")])
	}
}

func (q *asker) same(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		q.Errorf("%s: got\n%s, the model has\n%s", what, g, w)
	}
}

func (q *asker) must(what string, err error) {
	if err != nil {
		q.Fatalf("%s: %s", what, err)
	}
}

// pages returns the items of all pages of an answer.
func pages[T any](q *asker, question events.Paged[T]) (all []*T) {
	for item, err := range events.All(q.ctx, q.of, question) {
		q.must(fmt.Sprintf("%+v", question), err)
		all = append(all, item)
	}
	return all
}

// finds draws questions for elements.
func finds() *rapid.Generator[events.Find] {
	return rapid.Custom(func(t *rapid.T) events.Find {
		d := draws{t}
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

// found returns the elements that a question selects, by name, or by guid if they have
// none.
func (m *Model) found(q *events.Find) []*instance {
	all := m.all(func(e *instance) bool { return !e.isLink() && m.isFound(e, q) })
	slices.SortFunc(all, func(a, b *instance) int { return strings.Compare(orderOf(a), orderOf(b)) })
	return all
}

func orderOf(e *instance) string { return cmp.Or(e.name, e.guid) }

func (m *Model) isFound(e *instance, q *events.Find) bool {
	_, marked := e.classifications[q.Classification]
	return (q.Type == "" || m.isA(e.typ, q.Type)) &&
		(q.Source == "" || e.source == q.Source) && (q.Scope == "" || e.scope == q.Scope) &&
		(q.Classification == "" || marked) && (q.Zone == "" || slices.Contains(e.zones, q.Zone)) &&
		(q.NamePrefix == "" || strings.HasPrefix(e.name, q.NamePrefix)) &&
		strings.Contains(strings.ToLower(e.name), strings.ToLower(q.Text)) &&
		(q.IncludeArchived || !e.archived())
}

func (q *asker) find(find events.Find) {
	var got, want []string
	for _, e := range q.found(&find) {
		want = append(want, e.state())
	}
	what := fmt.Sprintf("find %+v", find)
	for _, e := range pages(q, &find) {
		got = append(got, instanceOf(e, nil).state())
	}
	if len(find.Sort) > 0 { // by the name, which not all have
		slices.Sort(want)
		slices.Sort(got)
	}
	q.same(what, got, want)
}

func (q *asker) count(find events.Find) {
	want := events.CountAnswer{Elements: map[string]int{}, Relationships: map[string]int{}}
	for _, e := range q.found(&find) {
		want.Elements[e.typ]++
	}
	if f := find; f.Type+f.Source+f.Scope+f.Classification+f.Zone+f.NamePrefix+f.Text == "" {
		for _, l := range q.all((*instance).isLink) {
			want.Relationships[l.typ]++
		}
	}
	got, err := events.Ask(q.ctx, q.of, &events.Count{Find: find})
	q.must("count", err)
	q.same(fmt.Sprintf("count %+v", find), []any{got.Elements, got.Relationships}, []any{want.Elements, want.Relationships})
}

// get asks for an instance, as it is or was at a time, by guid and by name.
func (q *asker) get(id string, want *instance, asOf time.Time) {
	refs := []events.ElementRef{events.ByGUID(id)}
	if want != nil && want.name != "" {
		refs = append(refs, events.ByName(want.name))
	}
	for _, ref := range refs {
		what := fmt.Sprintf("get %+v as of %s", ref, asOf)
		a, err := events.Ask(q.ctx, q.of, &events.Get{ElementRef: ref, AsOf: asOf})
		if events.CodeOf(err) != events.CodeNotFound {
			q.must(what, err)
		}
		q.same(what, instanceOf(a.Element, a.Relationship).state(), want.state())
	}
}

// former asks for all states after a command, except of what was purged at any time:
// the model does not know from when on its history is missing.
func (q *asker) former(l *Applied) {
	for key := range q.log {
		if kind, id, _ := strings.Cut(key, " "); kind != "type" && !q.wasPurged(id) {
			q.get(id, l.after[id], l.Time)
		}
	}
}

func (m *Model) wasPurged(id string) bool {
	for _, kind := range []string{"element ", "relationship "} {
		if m.kept[kind+id] < len(m.log[kind+id]) {
			return true
		}
	}
	return false
}

func (q *asker) related(id string, archived bool) {
	var got, want []string
	for _, l := range q.linked(id) {
		if far := q.instances[l.far(id)]; archived || !far.archived() {
			want = append(want, l.state(), far.state())
		}
	}
	for _, pair := range pages(q, &events.Related{ElementRef: events.ByGUID(id), IncludeArchived: archived}) {
		got = append(got, instanceOf(nil, &pair.Relationship).state(), instanceOf(&pair.Element, nil).state())
	}
	q.same("related to "+id, got, want)
}

// far returns the other end, which may be the same element.
func (e *instance) far(id string) string {
	if e.ends[0] == id {
		return e.ends[1]
	}
	return e.ends[0]
}

// distances returns the distances of all elements that can be reached by relationships
// that may be followed from one of their ends.
func (m *Model) distances(id string, most int, follows func(l *instance, end int) bool) map[string]int {
	far, queue := map[string]int{id: 0}, []string{id}
	for i := 0; i < len(queue); i++ {
		from := queue[i]
		for _, l := range m.linked(from) {
			for end, to := range [2]string{l.ends[1], l.ends[0]} {
				if _, seen := far[to]; l.ends[end] == from && !seen && far[from] < most && follows(l, end) {
					far[to] = far[from] + 1
					queue = append(queue, to)
				}
			}
		}
	}
	return far
}

// depths returns the depths of the nodes of an answer, in both directions, by guid.
func depths(a *events.GraphAnswer) map[string][2]int {
	all := map[string][2]int{}
	for i := range a.Nodes {
		n := &a.Nodes[i]
		all[n.Element.Header.GUID] = [2]int{n.Depth, n.AlsoDepth}
	}
	return all
}

func (q *asker) around(id string, depth int, archived bool) {
	far := q.distances(id, depth, func(l *instance, end int) bool {
		return archived || !q.instances[l.ends[1-end]].archived()
	})
	nodes := map[string][2]int{}
	for to, n := range far {
		nodes[to] = [2]int{n, 0}
	}
	var got, want []string
	for _, l := range q.all((*instance).isLink) {
		one, ok1 := far[l.ends[0]]
		two, ok2 := far[l.ends[1]]
		if ok1 && ok2 && min(one, two) < depth {
			want = append(want, l.state())
		}
	}
	what := fmt.Sprintf("graph around %s, depth %d, archived %t", id, depth, archived)
	a, err := events.Ask(q.ctx, q.of, &events.Graph{ElementRef: events.ByGUID(id), Depth: depth, IncludeArchived: archived})
	q.must(what, err)
	for i := range a.Edges {
		got = append(got, instanceOf(nil, &a.Edges[i]).state())
	}
	slices.Sort(got) // by guid, as they are in the model
	q.same(what, depths(&a), nodes)
	q.same(what, got, want)
}

// lineage goes both ways, to the end; what is on both sides counts on the nearer one.
func (q *asker) lineage(id string) {
	flow := func(from int) map[string]int {
		return q.distances(id, events.MaxGraphDepth, func(l *instance, end int) bool { return l.typ == "DataFlow" && end == from })
	}
	down, up := flow(0), flow(1)
	want := map[string][2]int{}
	for to, n := range down {
		want[to] = [2]int{n, 0}
	}
	for to, n := range up {
		m, both := down[to]
		switch {
		case to == id:
		case !both:
			want[to] = [2]int{-n, 0}
		case n < m:
			want[to] = [2]int{-n, m}
		default:
			want[to] = [2]int{m, -n}
		}
	}
	a, err := events.Ask(q.ctx, q.of, &events.Lineage{ElementRef: events.ByGUID(id)})
	q.must("lineage", err)
	q.same("lineage of "+id, depths(&a), want)
}
