package index

import (
	"iter"
	"slices"

	"github.com/tidwall/btree"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// run is the elements of one type in the order of their names; head is the next, nil
// after the last.
type run struct {
	elements btree.IterG[*Record]
	typeName string
	head     *Record
}

// newRun returns the elements of a type after a name and guid.
func newRun(snap snapshot, typeName string, after *Record) *run {
	r := &run{elements: snap.types.Iter(), typeName: typeName}
	from := &Record{Type: &events.ElementType{Name: typeName}, Name: after.Name, GUID: after.GUID}
	r.setHead(r.elements.Seek(from))
	if r.head != nil && byName(r.head, from) == 0 {
		r.next()
	}
	return r
}

func (r *run) next() { r.setHead(r.elements.Next()) }

func (r *run) setHead(ok bool) {
	r.head = nil
	if ok && r.elements.Item().Type.Name == r.typeName {
		r.head = r.elements.Item()
	}
}

func byHead(a, b *run) int { return byName(a.head, b.head) }

// merge yields the records of all runs in the order of their names.
func merge(runs []*run) iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		runs = slices.DeleteFunc(runs, func(r *run) bool { return r.head == nil })
		slices.SortFunc(runs, byHead)
		for len(runs) > 0 {
			first, others := runs[0], runs[1:]
			if !yield(first.head) {
				return
			}
			first.next()
			if first.head == nil {
				runs = others
				continue
			}
			place, _ := slices.BinarySearchFunc(others, first, byHead)
			copy(runs, others[:place])
			runs[place] = first
		}
	}
}

// ranked is a record with its place in an order.
type ranked struct {
	record *Record
	place  query.Place
}

// top keeps the first of many records.
type top struct {
	limit   int
	compare func(a, b ranked) int
	items   []ranked
	// full means that the first items, up to the limit, are sorted.
	full bool
}

func (t *top) add(c ranked) {
	if t.full && t.compare(c, t.items[t.limit-1]) >= 0 {
		return
	}
	if t.items = append(t.items, c); len(t.items) == 2*t.limit {
		t.items, t.full = t.sorted(), true
	}
}

func (t *top) sorted() []ranked {
	slices.SortFunc(t.items, t.compare)
	return t.items[:min(len(t.items), t.limit)]
}
