package connectortest

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
)

// Find implements [connectors.Reader].
func (r *Repository) Find(_ context.Context, q events.Find) (events.ElementsAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.ElementsAnswer{Sequence: r.sequence}
	if err := r.fresh(q.MinSequence); err != nil {
		return a, err
	}
	filter, err := q.Filter()
	if err != nil {
		return a, err
	}
	if len(q.Sort) > 0 {
		return r.findSorted(&q, filter)
	}
	all := r.sorted()
	start := sort.Search(len(all), func(i int) bool {
		key := findKey(all[i])
		return key >= q.NamePrefix && (q.After == "" || key > q.After)
	})
	for _, e := range all[start:] {
		if !strings.HasPrefix(e.Header.QualifiedName, q.NamePrefix) {
			break
		}
		if !found(e, &q, filter) {
			continue
		}
		if len(a.Elements) == pageSize(q.Page) {
			a.Next = findKey(&a.Elements[len(a.Elements)-1])
			break
		}
		a.Elements = append(a.Elements, *e)
	}
	return a, nil
}

func (r *Repository) sorted() []*events.Element {
	if r.views.elements == nil {
		for _, e := range r.state.elements {
			r.views.elements = append(r.views.elements, e)
		}
		slices.SortFunc(r.views.elements, func(a, b *events.Element) int { return strings.Compare(findKey(a), findKey(b)) })
	}
	return r.views.elements
}

// findKey orders elements by qualified name, and those without one by guid.
func findKey(e *events.Element) string { return e.Header.QualifiedName + "\x00" + e.Header.GUID }

// placed is an element and its place in an order.
type placed struct {
	element *events.Element
	place   events.Place
}

func (r *Repository) findSorted(q *events.Find, filter *events.Filter) (events.ElementsAnswer, error) {
	a := events.ElementsAnswer{Sequence: r.sequence}
	order, err := events.NewSorter(q.Sort, "/sort")
	if err != nil {
		return a, err
	}
	var all []placed
	for _, e := range r.state.elements {
		if found(e, q, filter) {
			all = append(all, placed{element: e, place: order.Place(stateOf(e))})
		}
	}
	compare := func(a, b placed) int {
		if c := order.Compare(a.place, b.place); c != 0 {
			return c
		}
		return strings.Compare(a.element.Header.GUID, b.element.Header.GUID)
	}
	slices.SortFunc(all, compare)
	if q.After != "" {
		last, ok := parsePlace(order, q.After)
		if !ok {
			return a, events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer to this question gave as next", q.After)
		}
		all = all[sort.Search(len(all), func(i int) bool { return compare(all[i], last) > 0 }):]
	}
	for i, p := range all {
		if i == pageSize(q.Page) {
			a.Next = all[i-1].element.Header.GUID + all[i-1].place.String()
			break
		}
		a.Elements = append(a.Elements, *p.element)
	}
	return a, nil
}

func parsePlace(order *events.Sorter, after string) (placed, bool) {
	length := len(events.GUIDOf(""))
	if len(after) < length {
		return placed{}, false
	}
	place, ok := order.Parse(after[length:])
	return placed{element: &events.Element{Header: events.ElementHeader{GUID: after[:length]}}, place: place}, ok
}

func found(e *events.Element, q *events.Find, filter *events.Filter) bool {
	h := &e.Header
	return (q.Type == "" || h.Type.Is(q.Type)) && strings.HasPrefix(h.QualifiedName, q.NamePrefix) &&
		(q.Source == "" || h.Origin.Source == q.Source) &&
		(q.Scope == "" || h.Origin.Scope == q.Scope) &&
		(q.Text == "" || stateOf(e).Mentions(events.FoldText(q.Text), h.QualifiedName)) &&
		(q.IncludeArchived || !e.Archived()) &&
		(filter.Passes() || filter.Match(stateOf(e)))
}

func stateOf(e *events.Element) events.State {
	raw, err := events.Marshal(e)
	if err != nil {
		return events.StateOf([]byte("{}"))
	}
	return events.StateOf(raw)
}

// Count implements [connectors.Explorer].
func (r *Repository) Count(_ context.Context, q events.Find) (events.CountAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.CountAnswer{Sequence: r.sequence, Elements: map[string]int{}, Relationships: map[string]int{}}
	filter, err := q.Filter()
	if err == nil {
		err = r.fresh(q.MinSequence)
	}
	if err != nil {
		return a, err
	}
	for _, e := range r.state.elements {
		if found(e, &q, filter) {
			a.Elements[e.Header.Type.Name]++
		}
	}
	if filter.Passes() && q.Type == "" && q.Source == "" && q.Scope == "" && q.NamePrefix == "" && q.Text == "" {
		for _, l := range r.state.relationships {
			a.Relationships[l.Header.Type.Name]++
		}
	}
	return a, nil
}

// History implements [connectors.Explorer]. Everything is kept.
func (r *Repository) History(_ context.Context, q events.History) (events.HistoryAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.HistoryAnswer{Sequence: r.sequence, Changes: []events.Entry{}}
	if err := r.fresh(q.MinSequence); err != nil {
		return a, err
	}
	for i := range r.log {
		c := &r.log[i]
		if h := headerOf(c.Element, c.Relationship); isNamed(h, q.ElementRef) {
			a.Changes = append(a.Changes, events.Entry{
				Sequence: c.Sequence, Type: c.Type, Time: c.Time, Actor: c.Actor, Element: c.Element, Relationship: c.Relationship,
			})
		}
	}
	if len(a.Changes) == 0 {
		return a, notFound("")
	}
	return a, nil
}

func headerOf(e *events.ElementChange, l *events.RelationshipChange) *events.ElementHeader {
	switch {
	case e != nil && e.State() != nil:
		return &e.State().Header
	case l != nil && l.State() != nil:
		return &l.State().Header
	default:
		return &events.ElementHeader{}
	}
}

func isNamed(h *events.ElementHeader, ref events.ElementRef) bool {
	if ref.GUID != "" {
		return h.GUID == ref.GUID
	}
	return h.QualifiedName == ref.QualifiedName
}

// past returns what was there at a time.
func (r *Repository) past(ref events.ElementRef, at time.Time) (e *events.Element, l *events.Relationship) {
	for i := range r.log {
		c := &r.log[i]
		if c.Time.After(at) || !isNamed(headerOf(c.Element, c.Relationship), ref) {
			continue
		}
		e, l = nil, nil
		if c.Element != nil {
			e = c.Element.Element
		}
		if c.Relationship != nil {
			l = c.Relationship.Relationship
		}
	}
	return e, l
}
