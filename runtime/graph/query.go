package graph

import (
	"cmp"
	"strings"
	"time"
	"unique"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

const defaultPage = 100

// page collects results until it is full.
type page[T any] struct {
	limit, size, room int
	items             []T
	next              string
}

// newPage returns a page that holds so many bytes at most.
func newPage[T any](p events.Page, room int) *page[T] {
	return &page[T]{limit: pageLimit(p), room: room, items: []T{}}
}

func pageLimit(p events.Page) int {
	if p.Limit <= 0 {
		return defaultPage
	}
	return min(p.Limit, events.MaxPage)
}

// add takes an item of a size and returns false when the page is full; cursor
// is where the next page goes on, which is behind the last item taken.
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

// The answers hold states as the JSON that they are kept as; decoded they are
// those of the same names in events, a [Subgraph] is a GraphAnswer.
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
	var r *record
	var sequence uint64
	if q.GUID != "" {
		id, err := uuid.Parse(q.GUID)
		if err != nil {
			return ElementAnswer{}, events.Errorf(events.CodeInvalid, "/guid", "%q is not a guid", q.GUID)
		}
		sequence, r = x.at(func() *record { return x.byGUID[id] })
	} else {
		sequence, r = x.at(func() *record { return x.lookUpName(q.QualifiedName) })
	}
	switch {
	case r == nil:
		return ElementAnswer{}, events.Errorf(events.CodeNotFound, "", "there is no element %s", cmp.Or(q.GUID, q.QualifiedName))
	case !q.EffectiveAt.IsZero() && !r.view().EffectiveAt(q.EffectiveAt):
		return ElementAnswer{}, notEffective(q)
	case r.relationship:
		return ElementAnswer{Sequence: sequence, Relationship: r.state()}, nil
	default:
		return ElementAnswer{Sequence: sequence, Element: r.state()}, nil
	}
}

func notEffective(q *events.Get) error {
	return events.Errorf(events.CodeNotFound, "/effectiveAt", "%s does not count at %s",
		cmp.Or(q.GUID, q.QualifiedName), q.EffectiveAt.Format(time.RFC3339Nano))
}

// view returns the state for looking into it.
func (r *record) view() events.State { return events.StateWith(r.state(), r.properties()) }

// Digests returns a page of what a reconciliation needs to know of a scope, in
// about room bytes.
func (x *Index) Digests(q *events.Digests, room int) (events.DigestsAnswer, error) {
	from := &record{home: unique.Make(home{source: q.Source, scope: q.Scope})}
	if q.After != "" {
		id, err := uuid.Parse(q.After)
		if err != nil {
			return events.DigestsAnswer{}, events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer gave as next", q.After)
		}
		from.guid = id
	}
	snap, sequence := x.snapshot()
	p, more := newPage[events.DigestItem](q.Page, room), false
	snap.scopes.Ascend(from, func(r *record) bool {
		if r.home != from.home {
			return false
		}
		if r.guid == from.guid {
			return true
		}
		const itemBytes = 90
		more = !p.add(x.digest(r), itemBytes, r.guid.String())
		return !more
	})
	items, next := p.answer(more)
	return events.DigestsAnswer{Sequence: sequence, Digests: items, Next: next}, nil
}

// digest returns what a reconciliation needs to know of a record.
func (x *Index) digest(r *record) events.DigestItem {
	item := events.DigestItem{Key: x.key(r), Relationship: r.relationship}
	if item.Key != r.guid {
		item.GUID = r.guid.String()
	}
	properties := events.CanonicalProperties(r.properties())
	if r.relationship {
		item.Content = events.ContentDigest(r.typ.Name, item.Key.String(), properties)
		return item
	}
	item.Content = events.ContentDigest(r.typ.Name, r.qualifiedName(), properties)
	if r.marked() {
		if e, err := r.element(); err == nil {
			item.Zones, item.Classifications = events.ZonesDigest(e.Header.Zones), events.ClassificationsDigest(e.Classifications)
		}
	}
	return item
}

// marked reports, without decoding, whether the state may have zones or
// classifications.
func (r *record) marked() bool {
	return strings.Contains(r.text, `"zones":[`) || strings.Contains(r.text, `"classifications":[`)
}

// key returns the key that a connector computes for what the record describes.
func (x *Index) key(r *record) events.Key {
	if !r.relationship {
		if r.derived {
			return r.guid
		}
		return events.ElementKey(events.ElementRef{GUID: r.guid.String(), QualifiedName: r.qualifiedName()})
	}
	end1, end2 := x.keyOf(r.end1), x.keyOf(r.end2)
	if r.derived && end1 == r.end1 && end2 == r.end2 {
		return r.guid
	}
	return events.RelationshipKey(r.typ.Name, end1, end2)
}

func (x *Index) keyOf(id guid) events.Key {
	if e := x.get(id); e != nil {
		return x.key(e)
	}
	return id
}
