package connectortest

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/camena-io/camena/events"
)

// defaultPage is what [events.Page] says of a limit of 0.
const defaultPage = 100

// views are sorted copies of the state, made when asked for and kept until the
// next change, so that paging through much is not quadratic.
type views struct {
	at       uint64
	elements []*events.Element
	digests  map[events.Origin][]events.DigestItem
}

func (r *Repository) fresh(minSequence uint64) error {
	if minSequence > r.sequence {
		return events.Errorf(events.CodeUnavailable, "/minSequence", "sequence %d is not reached, this is %d", minSequence, r.sequence)
	}
	if r.views.digests == nil || r.views.at != r.sequence {
		r.views = views{at: r.sequence, digests: map[events.Origin][]events.DigestItem{}}
	}
	return nil
}

// Get implements [connectors.Reader].
func (r *Repository) Get(_ context.Context, q events.Get) (events.ElementAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.ElementAnswer{Sequence: r.sequence}
	if err := r.fresh(q.MinSequence); err != nil {
		return a, err
	}
	a.Element = r.state.find(q.ElementRef)
	a.Relationship = r.state.relationships[q.GUID]
	if a.Element == nil && a.Relationship == nil {
		return a, notFound("")
	}
	return a, nil
}

// Find implements [connectors.Reader].
func (r *Repository) Find(_ context.Context, q events.Find) (events.ElementsAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.ElementsAnswer{Sequence: r.sequence}
	if err := r.fresh(q.MinSequence); err != nil {
		return a, err
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
		if !found(e, &q) {
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

func found(e *events.Element, q *events.Find) bool {
	h := &e.Header
	return (q.Type == "" || h.Type.Is(q.Type)) &&
		(q.Source == "" || h.Origin.Source == q.Source) &&
		(q.Scope == "" || h.Origin.Scope == q.Scope) &&
		(q.Text == "" || mentions(e, strings.ToLower(q.Text)))
}

func mentions(e *events.Element, text string) bool {
	texts := []string{
		e.Header.QualifiedName, e.Properties.String("displayName"),
		e.Properties.String("name"), e.Properties.String("description"),
	}
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

// Related implements [connectors.Reader].
func (r *Repository) Related(_ context.Context, q events.Related) (events.RelatedAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.RelatedAnswer{Sequence: r.sequence}
	if err := r.fresh(q.MinSequence); err != nil {
		return a, err
	}
	e := r.state.find(q.ElementRef)
	if e == nil {
		return a, notFound("")
	}
	var all []events.RelatedElement
	for guid := range r.state.ends[e.Header.GUID] {
		all = append(all, r.others(&q, e.Header.GUID, r.state.relationships[guid])...)
	}
	byGUID := func(x *events.RelatedElement) string { return x.Relationship.Header.GUID }
	slices.SortFunc(all, func(a, b events.RelatedElement) int { return strings.Compare(byGUID(&a), byGUID(&b)) })
	for i := range all {
		if q.After != "" && byGUID(&all[i]) <= q.After {
			continue
		}
		if len(a.Related) == pageSize(q.Page) {
			a.Next = byGUID(&a.Related[len(a.Related)-1])
			break
		}
		a.Related = append(a.Related, all[i])
	}
	return a, nil
}

// others returns the other end of l if the question selects it.
func (r *Repository) others(q *events.Related, guid string, l *events.Relationship) []events.RelatedElement {
	if q.Relationship != "" && !l.Header.Type.Is(q.Relationship) {
		return nil
	}
	switch {
	case l.End1.GUID == guid && q.End != 2:
		return []events.RelatedElement{{Relationship: *l, Element: *r.state.elements[l.End2.GUID]}}
	case l.End2.GUID == guid && q.End != 1:
		return []events.RelatedElement{{Relationship: *l, Element: *r.state.elements[l.End1.GUID]}}
	default:
		return nil
	}
}

// Digests implements [connectors.Reader].
func (r *Repository) Digests(_ context.Context, q events.Digests) (events.DigestsAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := events.DigestsAnswer{Sequence: r.sequence}
	if err := r.fresh(q.MinSequence); err != nil {
		return a, err
	}
	all := r.digestsOf(events.Origin{Source: q.Source, Scope: q.Scope})
	start := sort.Search(len(all), func(i int) bool { return all[i].Key.String() > q.After })
	end := min(start+pageSize(q.Page), len(all))
	a.Digests = slices.Clone(all[start:end])
	if end < len(all) {
		a.Next = all[end-1].Key.String()
	}
	return a, nil
}

func (r *Repository) digestsOf(o events.Origin) []events.DigestItem {
	all, ok := r.views.digests[o]
	if ok {
		return all
	}
	for _, d := range r.state.digests {
		if d.origin.Source == o.Source && d.origin.Scope == o.Scope {
			all = append(all, d.DigestItem)
		}
	}
	slices.SortFunc(all, func(a, b events.DigestItem) int { return slices.CompareFunc(a.Key[:], b.Key[:], cmp.Compare[byte]) })
	r.views.digests[o] = all
	return all
}

func pageSize(p events.Page) int {
	if p.Limit == 0 {
		return defaultPage
	}
	return min(p.Limit, events.MaxPage)
}
