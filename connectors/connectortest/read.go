package connectortest

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strings"
	"time"

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
	if q.AsOf.IsZero() {
		a.Element, a.Relationship = r.state.find(q.ElementRef), r.state.relationships[q.GUID]
	} else {
		a.Element, a.Relationship = r.past(q.ElementRef, q.AsOf)
	}
	switch {
	case a.Element != nil && counts(&a.Element.Header, q.EffectiveAt):
	case a.Relationship != nil && counts(&a.Relationship.Header, q.EffectiveAt):
	default:
		return events.ElementAnswer{Sequence: r.sequence}, notFound("")
	}
	return a, nil
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
	far := across(l, guid, q.End)
	if far == "" || q.Relationship != "" && !l.Header.Type.Is(q.Relationship) {
		return nil
	}
	e := r.state.elements[far]
	if !counts(&l.Header, q.EffectiveAt) || !counts(&e.Header, q.EffectiveAt) || !q.IncludeArchived && e.Archived() {
		return nil
	}
	return []events.RelatedElement{{Relationship: *l, Element: *e}}
}

// across returns the element at the other end, "" if guid is not at the end
// asked for.
func across(l *events.Relationship, guid string, end int) string {
	switch {
	case l.End1.GUID == guid && end != 2:
		return l.End2.GUID
	case l.End2.GUID == guid && end != 1:
		return l.End1.GUID
	default:
		return ""
	}
}

// counts reports whether what has a header counts at a time, if one is given.
func counts(h *events.ElementHeader, at time.Time) bool { return at.IsZero() || h.At(at) }

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
