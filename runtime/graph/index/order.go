package index

import (
	"container/heap"
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// run is the elements of one type from a cursor on.
type run struct {
	next func() (*Record, bool)
	head *Record
}

// newRun returns the elements of a type after a name and guid.
func newRun(snap trees, typeName string, after *Record) *run {
	r := &run{}
	it := snap.types.Iter()
	from := &Record{Type: &events.ElementType{Name: typeName}, Name: after.Name, GUID: after.GUID}
	ok := it.Seek(from)
	if ok && byName(it.Item(), from) == 0 && it.Item().Type.Name == typeName {
		ok = it.Next()
	}
	r.next = func() (*Record, bool) {
		if !ok || it.Item().Type.Name != typeName {
			return nil, false
		}
		item := it.Item()
		ok = it.Next()
		return item, true
	}
	r.head, _ = r.next()
	return r
}

// runs is a heap of runs, the one with the first name on top.
type runs []*run

// Len implements [heap.Interface].
func (h *runs) Len() int { return len(*h) }

// Less implements [heap.Interface].
func (h *runs) Less(i, j int) bool { return byName((*h)[i].head, (*h)[j].head) < 0 }

// Swap implements [heap.Interface].
func (h *runs) Swap(i, j int) { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

// Push implements [heap.Interface]; runs are only taken away.
func (*runs) Push(any) {}

// Pop implements [heap.Interface].
func (h *runs) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// merge yields the records of all runs in the order of their names.
func merge(of []*run) func(yield func(*Record) bool) {
	return func(yield func(*Record) bool) {
		h := runs(slices.DeleteFunc(of, func(r *run) bool { return r.head == nil }))
		heap.Init(&h)
		for len(h) > 0 {
			first := h[0]
			if !yield(first.head) {
				return
			}
			if first.head, _ = first.next(); first.head == nil {
				heap.Pop(&h)
			} else {
				heap.Fix(&h, 0)
			}
		}
	}
}

// ranked is a record with its place in an order.
type ranked struct {
	record *Record
	place  query.Place
}

// top keeps the first of many records. It is a heap with the last of them on top.
type top struct {
	limit   int
	compare func(a, b *ranked) int
	items   []ranked
}

func newTop(limit int, compare func(a, b *ranked) int) *top {
	return &top{limit: limit, compare: compare}
}

// Len implements [heap.Interface].
func (t *top) Len() int { return len(t.items) }

// Less implements [heap.Interface].
func (t *top) Less(i, j int) bool { return t.compare(&t.items[i], &t.items[j]) > 0 }

// Swap implements [heap.Interface].
func (t *top) Swap(i, j int) { t.items[i], t.items[j] = t.items[j], t.items[i] }

// Push implements [heap.Interface]; add does it.
func (*top) Push(any) {}

// Pop implements [heap.Interface]; nothing is taken away.
func (*top) Pop() any { return nil }

func (t *top) add(c ranked) {
	switch {
	case len(t.items) < t.limit:
		t.items = append(t.items, c)
		if len(t.items) == t.limit {
			heap.Init(t)
		}
	case t.compare(&c, &t.items[0]) < 0:
		t.items[0] = c
		heap.Fix(t, 0)
	}
}

func (t *top) sorted() []ranked {
	slices.SortFunc(t.items, func(a, b ranked) int { return t.compare(&a, &b) })
	return t.items
}
