package index

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/runtime/graph/text"
)

// search is a checked [events.Find].
type search struct {
	q      *events.Find
	filter *query.Filter
	// plain means that the fields of a record decide, without its JSON.
	plain bool
	// asked reports whether the question includes a type.
	asked func(typeName string) bool
	text  string
	// order is nil for the order of names.
	order *query.Sorter
	// after is the last element of the page before, nil on the first page.
	after  *ranked
	budget *budget
}

func newSearch(ctx context.Context, types *opentypes.Registry, q *events.Find) (*search, error) {
	s := &search{q: q, text: text.Fold(q.Text), asked: askedTypes(types, q.Type), budget: newBudget(ctx)}
	elements, err := types.Rows(events.KindElement, q.Type, "/type")
	if err != nil {
		return nil, err
	}
	classifications, err := types.Rows(events.KindClassification, q.Classification, "/classification")
	if err != nil {
		return nil, err
	}
	if s.filter, err = query.NewFilter(q, elements, classifications, s.budget.looked); err != nil {
		return nil, err
	}
	s.plain = s.filter.Passes()
	if !isByName(q.Sort) {
		if s.order, err = query.NewSorter(q.Sort, elements, "/sort"); err != nil {
			return nil, err
		}
	}
	s.after, err = s.parseCursor(q.After)
	return s, err
}

// askedTypes reports whether a type is the named one or a subtype of it.
func askedTypes(types *opentypes.Registry, name string) func(typeName string) bool {
	if name == "" {
		return func(string) bool { return true }
	}
	return func(typeName string) bool {
		t, ok := types.Type(typeName)
		return ok && t.Is(name)
	}
}

func isByName(keys []events.SortKey) bool {
	return len(keys) == 0 || len(keys) == 1 && !keys[0].Descending &&
		(keys[0].Property == "qualifiedName" || keys[0].Property == "header.qualifiedName")
}

// matches decides everything but the text.
func (s *search) matches(r *Record) bool {
	q := s.q
	return (q.Source == "" || r.Source() == q.Source) && (q.Scope == "" || r.Scope() == q.Scope) &&
		(q.NamePrefix == "" || r.HasName() && strings.HasPrefix(r.Name, q.NamePrefix)) &&
		(q.IncludeArchived || !r.Archived) && (s.plain || s.filter.Match(*r.row()))
}

// Find returns a page of elements, in at most room bytes.
func (x *Index) Find(ctx context.Context, q *events.Find, room int) (ElementsAnswer, error) {
	s, err := newSearch(ctx, x.Types(), q)
	if err != nil {
		return ElementsAnswer{}, err
	}
	snap, sequence := x.snapshot()
	a := ElementsAnswer{Sequence: sequence}
	var candidates iter.Seq[*Record]
	if s.order == nil {
		hits, all := s.withText(x, commonText)
		if !all {
			a.Elements, a.Next, err = s.walk(x, snap, room)
			return a, err
		}
		candidates = slices.Values(hits)
	} else if candidates, err = s.candidates(x, snap); err != nil {
		return a, err
	}
	best := &top{limit: pageLimit(q.Page) + 1, compare: s.compare}
	if err = s.visit(candidates, func(r *Record) { s.offer(best, r) }); err == nil {
		a.Elements, a.Next = s.page(best, room)
	}
	return a, err
}

// commonText is the number of elements from which on a text is common: a walk in the
// order of names then finds a page of them soon.
const commonText = 8192

// withText returns the elements of the types of the question with its text, and whether
// these are all, as of the call or later; none without a text.
func (s *search) withText(x *Index, most int) (hits []*Record, all bool) {
	if s.text == "" {
		return nil, false
	}
	hits, all = x.texts.Search(s.text, most, s.budget.over)
	return slices.DeleteFunc(x.current(hits, s.text), func(r *Record) bool { return !s.asked(r.Type.Name) }), all
}

// current replaces found records by their present versions, and drops those that
// are deleted or do not contain the text any more: the index changes during a
// search.
func (x *Index) current(hits []*Record, wanted string) []*Record {
	const together = 1024 // records that are looked up while writers wait
	found := hits[:0]
	for some := range slices.Chunk(hits, together) {
		now := x.now(some)
		for i, r := range now {
			if r != nil && (r == some[i] || x.texts.Contains(r, wanted)) {
				found = append(found, r)
			}
		}
	}
	return found
}

// now returns the present versions of elements, nil for those that are deleted.
func (x *Index) now(records []*Record) []*Record {
	now := make([]*Record, len(records))
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i, r := range records {
		if is := x.byGUID[r.GUID]; is != nil && !is.Relationship {
			now[i] = is
		}
	}
	return now
}

// walk visits the elements in the order of their names, by merging the types, whose
// elements are in that order.
func (s *search) walk(x *Index, snap snapshot, room int) (items []jsontext.Value, next string, err error) {
	p, after := newPage[jsontext.Value](s.q.Page, room), &Record{Name: s.q.NamePrefix}
	if s.after != nil {
		after = s.after.record
	}
	var last *Record
	more := false
	for r := range merge(s.runs(snap, after)) {
		if !strings.HasPrefix(r.Name, s.q.NamePrefix) {
			break
		}
		matches := s.matches(r)
		if more = s.budget.spent() || matches && x.texts.Contains(r, s.text) && !p.add(r.State(), len(r.text), ""); more {
			break
		}
		last = r
	}
	switch {
	case !more:
		return p.items, "", nil
	case last == nil: // not even one was looked at
		return nil, "", tooLong()
	default:
		return p.items, cursorOf(last), nil
	}
}

func (s *search) runs(snap snapshot, after *Record) []*run {
	runs := make([]*run, 0, len(snap.names))
	for _, name := range snap.names {
		if s.asked(name) {
			runs = append(runs, newRun(snap, name, after))
		}
	}
	return runs
}

// candidates returns the elements of the types of the question, with its text if it has
// one, in no order.
func (s *search) candidates(x *Index, snap snapshot) (iter.Seq[*Record], error) {
	if s.text != "" {
		hits, all := s.withText(x, 0)
		if !all {
			return nil, tooLong()
		}
		return slices.Values(hits), nil
	}
	return func(yield func(*Record) bool) {
		for _, run := range s.runs(snap, &Record{}) {
			for ; run.head != nil; run.next() {
				if !yield(run.head) {
					return
				}
			}
		}
	}, nil
}

// visit calls take with those of the candidates that match.
func (s *search) visit(candidates iter.Seq[*Record], take func(*Record)) error {
	for r := range candidates {
		if s.matches(r) {
			take(r)
		}
		if s.budget.spent() {
			return tooLong()
		}
	}
	return nil
}

func (s *search) offer(best *top, r *Record) {
	if s.order != nil {
		s.budget.looked(len(r.text) * len(s.q.Sort)) // for the place of each key
	}
	c := ranked{record: r}
	if s.order != nil {
		c.place = s.order.Place(r.row())
	}
	if s.after == nil || s.compare(c, *s.after) > 0 {
		best.add(c)
	}
}

func (s *search) page(best *top, room int) ([]jsontext.Value, string) {
	p, more := newPage[jsontext.Value](s.q.Page, room), false
	for _, c := range best.sorted() {
		if more = !p.add(c.record.State(), len(c.record.text), s.cursorAt(c)); more {
			break
		}
	}
	return p.answer(more)
}

func (s *search) compare(a, b ranked) int {
	if s.order == nil {
		return byName(a.record, b.record)
	}
	return cmp.Or(s.order.Compare(a.place, b.place), bytes.Compare(a.record.GUID[:], b.record.GUID[:]))
}

// Count returns the number of matching elements, by type.
func (x *Index) Count(ctx context.Context, q *events.Find) (events.CountAnswer, error) {
	s, err := newSearch(ctx, x.Types(), q)
	if err != nil {
		return events.CountAnswer{}, err
	}
	a := events.CountAnswer{Elements: map[string]int{}, Relationships: map[string]int{}}
	if s.isCounted() {
		x.mu.RLock()
		defer x.mu.RUnlock()
		a.Sequence = x.last.Sequence
		s.sum(&x.counts, &a)
		return a, nil
	}
	snap, sequence := x.snapshot()
	a.Sequence = sequence
	candidates, err := s.candidates(x, snap)
	if err == nil {
		err = s.visit(candidates, func(r *Record) { a.Elements[r.Type.Name]++ })
	}
	return a, err
}

// isCounted reports whether the counts by type are the answer.
func (s *search) isCounted() bool {
	q := s.q
	return q.Source == "" && q.Scope == "" && q.NamePrefix == "" && q.Text == "" && s.filter.Passes()
}

func (s *search) sum(t *typeCounts, a *events.CountAnswer) {
	put := func(into, from map[string]int) {
		for name, n := range from {
			if n > 0 && (s.q.Type == "" || s.asked(name)) {
				into[name] += n
			}
		}
	}
	put(a.Elements, t.elements)
	if s.q.IncludeArchived {
		put(a.Elements, t.archived)
	}
	if s.q.Type == "" {
		put(a.Relationships, t.relationships)
	}
}

// budget bounds the time of a question.
type budget struct {
	ctx   context.Context //nolint:containedctx // of one question
	until time.Time
	steps int
	bytes int
	// ended stays true once the clock was past until.
	ended bool
}

const (
	// questionTime is shorter than callers wait.
	questionTime = 2 * time.Second
	// budgetSteps is the number of records between two looks at the clock.
	budgetSteps = 256
	// budgetBytes is the number of bytes read between two looks at the clock.
	budgetBytes = 64 << 10
)

func newBudget(ctx context.Context) *budget {
	return &budget{ctx: ctx, until: time.Now().Add(questionTime)}
}

// spent reports, after each record, whether the time is over.
func (b *budget) spent() bool {
	b.steps++
	b.ended = b.ended || b.steps%budgetSteps == 0 && b.over()
	return b.ended
}

// looked counts the bytes that will be read, and reports whether the time is over.
func (b *budget) looked(bytes int) bool {
	if b.bytes += bytes; b.bytes >= budgetBytes {
		b.bytes = 0
		b.ended = b.ended || b.over()
	}
	return b.ended
}

func (b *budget) over() bool { return time.Now().After(b.until) || b.ctx.Err() != nil }

func tooLong() error {
	return events.Errorf(events.CodeUnavailable, "", "the question takes too long here: narrow it by type, prefix or source, or leave out the sorting")
}

func cursorOf(r *Record) string { return r.GUID.String() + r.Name }

// cursorAt starts with s, unlike the cursor of the order of names.
func (s *search) cursorAt(c ranked) string {
	if s.order == nil {
		return cursorOf(c.record)
	}
	return "s" + c.record.GUID.String() + c.place.String()
}

func (s *search) parseCursor(text string) (*ranked, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // the first page
	}
	rest, ranks := strings.CutPrefix(text, "s")
	length := len(uuid.Nil.String())
	wrong := events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer to this question gave as next", text)
	if len(rest) <= length || ranks != (s.order != nil) {
		return nil, wrong
	}
	id, err := uuid.Parse(rest[:length])
	if err != nil {
		return nil, wrong
	}
	c := &ranked{record: &Record{GUID: id, Name: rest[length:]}}
	if s.order != nil {
		var ok bool
		if c.place, ok = s.order.Parse(rest[length:]); !ok {
			return nil, wrong
		}
	}
	return c, nil
}
