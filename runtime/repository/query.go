package repository

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

const (
	defaultPage = 100
	// pageBytes is how much an answer holds: well within what a message may.
	pageBytes = 512 << 10
)

// page collects results until it is full.
type page[T any] struct {
	limit, size int
	items       []T
	next        string
}

func newPage[T any](p events.Page) *page[T] {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	return &page[T]{limit: min(limit, events.MaxPage), items: []T{}}
}

// add takes an item of a size and returns false when the page is full; cursor
// is where the next page goes on, which is behind the last item taken.
func (p *page[T]) add(item T, size int, cursor string) bool {
	if len(p.items) == p.limit || len(p.items) > 0 && p.size+size > pageBytes {
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

// The answers hold states as the JSON that they are kept as.
type (
	rawElements struct {
		Sequence uint64           `json:"sequence"`
		Elements []jsontext.Value `json:"elements"`
		Next     string           `json:"next,omitempty"`
	}
	rawElement struct {
		Sequence     uint64         `json:"sequence"`
		Element      jsontext.Value `json:"element,omitzero"`
		Relationship jsontext.Value `json:"relationship,omitzero"`
	}
	rawRelated struct {
		Sequence uint64    `json:"sequence"`
		Related  []rawPair `json:"related"`
		Next     string    `json:"next,omitempty"`
	}
	rawPair struct {
		Relationship jsontext.Value `json:"relationship"`
		Element      jsontext.Value `json:"element"`
	}
)

func (x *index) lookUp(q *events.Get) (rawElement, error) {
	if err := q.Validate(""); err != nil {
		return rawElement{}, err
	}
	var r *record
	var sequence uint64
	if q.GUID != "" {
		id, err := uuid.Parse(q.GUID)
		if err != nil {
			return rawElement{}, events.Errorf(events.CodeInvalid, "/guid", "%q is not a guid", q.GUID)
		}
		sequence, r = x.at(func() *record { return x.byGUID[id] })
	} else {
		sequence, r = x.at(func() *record { return x.byName[q.QualifiedName] })
	}
	switch {
	case r == nil:
		return rawElement{}, events.Errorf(events.CodeNotFound, "", "there is no element %s", cmp.Or(q.GUID, q.QualifiedName))
	case r.relationship:
		return rawElement{Sequence: sequence, Relationship: r.state}, nil
	default:
		return rawElement{Sequence: sequence, Element: r.state}, nil
	}
}

// find returns the page of elements in the order of their names. Each type's
// elements are in that order already; the types asked for are merged.
func (x *index) find(q *events.Find) (rawElements, error) {
	names, err := typesAsked(x.registry(), q.Type)
	if err != nil {
		return rawElements{}, err
	}
	after, err := parseCursor(q.After)
	if err != nil {
		return rawElements{}, err
	}
	if !after.began() && q.NamePrefix != "" {
		after.name = q.NamePrefix
	}
	snap, sequence := x.snapshot()
	runs := make([]*run, 0, len(names))
	for _, name := range names {
		runs = append(runs, newRun(snap, name, after))
	}
	p, matches, more := newPage[jsontext.Value](q.Page), matcher(q), false
	for r := range merge(runs) {
		if !strings.HasPrefix(r.name, q.NamePrefix) {
			break
		}
		if matches(r) && !p.add(r.state, len(r.state), cursorOf(r)) {
			more = true
			break
		}
	}
	items, next := p.answer(more)
	return rawElements{Sequence: sequence, Elements: items, Next: next}, nil
}

func typesAsked(types *opentypes.Registry, name string) ([]string, error) {
	if name == "" {
		name = "OpenMetadataRoot"
	}
	if _, err := types.Element(name, "/type"); err != nil {
		return nil, err
	}
	return types.Subtypes(name), nil
}

func matcher(q *events.Find) func(*record) bool {
	text := []byte(strings.ToLower(q.Text))
	return func(r *record) bool {
		return (q.NamePrefix == "" || r.named()) && (q.Source == "" || r.source == q.Source) && (q.Scope == "" || r.scope == q.Scope) &&
			(len(text) == 0 || r.mentions(text))
	}
}

// mentions reports whether the name, or what describes the element, contains
// the lower-case text.
func (r *record) mentions(text []byte) bool {
	if bytes.Contains(bytes.ToLower([]byte(r.name)), text) {
		return true
	}
	if !bytes.Contains(bytes.ToLower(r.properties), text) {
		return false
	}
	p, err := r.props()
	if err != nil {
		return false
	}
	for _, name := range [...]string{"displayName", "name", "resourceName", "description"} {
		if strings.Contains(strings.ToLower(p.String(name)), string(text)) {
			return true
		}
	}
	return false
}

func (x *index) related(q *events.Related) (rawRelated, error) {
	sequence, _ := x.reached()
	from, err := element(x, q.ElementRef, "")
	if err != nil {
		return rawRelated{}, err
	}
	if q.End < 0 || q.End > 2 {
		return rawRelated{}, events.Errorf(events.CodeInvalid, "/end", "%d: use 1, 2, or 0 for both", q.End)
	}
	// The sequence is read first: what the answer holds is at least of it.
	p, more := newPage[rawPair](q.Page), false
	for _, l := range x.linked(from.guid) {
		if l.guid.String() <= q.After || q.Relationship != "" && l.typ.Name != q.Relationship {
			continue
		}
		other := l.across(from.guid, q.End)
		if other == uuid.Nil {
			continue
		}
		far := x.get(other)
		if far == nil {
			continue // deleted meanwhile
		}
		if !p.add(rawPair{Relationship: l.state, Element: far.state}, len(l.state)+len(far.state), l.guid.String()) {
			more = true
			break
		}
	}
	items, next := p.answer(more)
	return rawRelated{Sequence: sequence, Related: items, Next: next}, nil
}

// across returns the element at the other end, if from is at the end asked for.
func (r *record) across(from guid, end int) guid {
	switch {
	case r.end1 == from && end != 2:
		return r.end2
	case r.end2 == from && end != 1:
		return r.end1
	default:
		return uuid.Nil
	}
}

func (x *index) digests(q *events.Digests) (events.DigestsAnswer, error) {
	from := &record{source: q.Source, scope: q.Scope}
	if q.After != "" {
		id, err := uuid.Parse(q.After)
		if err != nil {
			return events.DigestsAnswer{}, events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer gave as next", q.After)
		}
		from.guid = id
	}
	snap, sequence := x.snapshot()
	p, more := newPage[events.DigestItem](q.Page), false
	snap.scopes.Ascend(from, func(r *record) bool {
		if r.source != q.Source || r.scope != q.Scope {
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
func (x *index) digest(r *record) events.DigestItem {
	item := events.DigestItem{Key: x.key(r), Relationship: r.relationship}
	if item.Key != r.guid {
		item.GUID = r.guid.String()
	}
	properties := events.CanonicalProperties(r.properties)
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
	return bytes.Contains(r.state, []byte(`"zones":[`)) || bytes.Contains(r.state, []byte(`"classifications":[`))
}

// key returns the key that a connector computes for what the record describes.
func (x *index) key(r *record) events.Key {
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

func (x *index) keyOf(id guid) events.Key {
	if e := x.get(id); e != nil {
		return x.key(e)
	}
	return id
}

func (x *index) count() events.CountAnswer {
	x.mu.RLock()
	defer x.mu.RUnlock()
	a := events.CountAnswer{Sequence: x.sequence, Elements: map[string]int{}, Relationships: map[string]int{}}
	for _, r := range x.byGUID {
		if r.relationship {
			a.Relationships[r.typ.Name]++
		} else {
			a.Elements[r.typ.Name]++
		}
	}
	return a
}

// cursor is a place in the order of names.
type cursor struct {
	name string
	guid guid
}

func (c cursor) began() bool { return c.guid != uuid.Nil }

func cursorOf(r *record) string { return r.guid.String() + r.name }

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	length := len(uuid.Nil.String())
	if len(s) > length {
		if id, err := uuid.Parse(s[:length]); err == nil {
			return cursor{name: s[length:], guid: id}, nil
		}
	}
	return cursor{}, events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer gave as next", s)
}

// run is the elements of one type from a cursor on.
type run struct {
	next func() (*record, bool)
	head *record
}

func newRun(snap trees, typeName string, after cursor) *run {
	r := &run{}
	it := snap.types.Iter()
	from := &record{typ: &events.ElementType{Name: typeName}, name: after.name, guid: after.guid}
	ok := it.Seek(from)
	if ok && after.began() && byName(it.Item(), from) == 0 && it.Item().typ.Name == typeName {
		ok = it.Next()
	}
	r.next = func() (*record, bool) {
		if !ok || it.Item().typ.Name != typeName {
			return nil, false
		}
		item := it.Item()
		ok = it.Next()
		return item, true
	}
	r.head, _ = r.next()
	return r
}

// merge yields the records of all runs in the order of their names.
func merge(runs []*run) func(yield func(*record) bool) {
	return func(yield func(*record) bool) {
		for {
			runs = slices.DeleteFunc(runs, func(r *run) bool { return r.head == nil })
			if len(runs) == 0 {
				return
			}
			first := slices.MinFunc(runs, func(a, b *run) int { return byName(a.head, b.head) })
			head := first.head
			first.head, _ = first.next()
			if !yield(head) {
				return
			}
		}
	}
}
