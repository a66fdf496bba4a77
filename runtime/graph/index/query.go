package index

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

const defaultPage = 100

// page collects results until it is full.
type page[T any] struct {
	limit, size, room int
	items             []T
	next              string
}

// newPage returns a page with a limit of bytes.
func newPage[T any](p events.Page, room int) *page[T] {
	return &page[T]{limit: pageLimit(p), room: room, items: []T{}}
}

func pageLimit(p events.Page) int {
	return min(cmp.Or(max(p.Limit, 0), defaultPage), events.MaxPage)
}

// add adds an item of a size, or returns false if the page is full. The next page
// starts after the cursor of the last item.
func (p *page[T]) add(item T, size int, cursor string) bool {
	if len(p.items) == p.limit || len(p.items) > 0 && p.size+size > p.room {
		return false
	}
	p.items = append(p.items, item)
	p.size += size
	p.next = cursor
	return true
}

func (p *page[T]) answer(more bool) ([]T, string) {
	if !more {
		return p.items, ""
	}
	return p.items, p.next
}

// The answers hold states as stored JSON. Decoded they are the answers of the same
// names in events; a [Subgraph] is a GraphAnswer.
type (
	// ElementsAnswer answers [Index.Find].
	ElementsAnswer struct {
		Sequence uint64           `json:"sequence"`
		Elements []jsontext.Value `json:"elements"`
		Next     string           `json:"next,omitempty"`
	}
	// ElementAnswer answers [Index.Get].
	ElementAnswer struct {
		Sequence     uint64         `json:"sequence"`
		Element      jsontext.Value `json:"element,omitzero"`
		Relationship jsontext.Value `json:"relationship,omitzero"`
	}
	// RelatedAnswer answers [Index.Related].
	RelatedAnswer struct {
		Sequence uint64        `json:"sequence"`
		Related  []RelatedPair `json:"related"`
		Next     string        `json:"next,omitempty"`
	}
	// RelatedPair is a relationship and the element at its other end.
	RelatedPair struct {
		Relationship jsontext.Value `json:"relationship"`
		Element      jsontext.Value `json:"element"`
	}
)

func (x *Index) lookUp(q *events.Get) (ElementAnswer, error) {
	if err := q.Validate(""); err != nil {
		return ElementAnswer{}, err
	}
	id, err := uuid.Parse(q.GUID)
	if err != nil && q.GUID != "" {
		return ElementAnswer{}, events.Errorf(events.CodeInvalid, "/guid", "%q is not a guid", q.GUID)
	}
	x.mu.RLock()
	r, sequence := x.byGUID[id], x.last.Sequence
	if q.GUID == "" {
		r = x.lookUpName(q.QualifiedName)
	}
	x.mu.RUnlock()
	switch {
	case r == nil:
		return ElementAnswer{}, errNotFound(x, q.ElementRef, "")
	case !q.EffectiveAt.IsZero() && !r.row().EffectiveAt(q.EffectiveAt):
		return ElementAnswer{}, notEffective(q)
	case r.Relationship:
		return ElementAnswer{Sequence: sequence, Relationship: r.State()}, nil
	default:
		return ElementAnswer{Sequence: sequence, Element: r.State()}, nil
	}
}

func notEffective(q *events.Get) error {
	return events.Errorf(events.CodeNotFound, "/effectiveAt", "%s does not count at %s",
		cmp.Or(q.GUID, q.QualifiedName), q.EffectiveAt.Format(time.RFC3339Nano))
}

// row returns the state as a row of conditions.
func (r *Record) row() *query.State {
	s := query.StateWith(r.State(), r.Properties())
	return &s
}
