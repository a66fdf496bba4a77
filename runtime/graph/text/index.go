package text

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// Item has a text. It is a pointer or another value that identifies it.
type Item interface {
	comparable
	// AppendText appends the text, folded by [Fold]; nothing if there is none. It
	// never changes, and is UTF-8 apart from bytes [Separator].
	AppendText(b []byte) []byte
	// Place returns where the index notes the place of the text. It is the index's
	// alone.
	Place() *Place
}

// Place is the place of an item's text: the number of the block, from 1, and the
// number in the block. The zero Place is none.
type Place struct{ block, item uint32 }

// Index holds the texts of items. It is safe for concurrent use.
type Index[T Item] struct {
	queue queue[T]
	// applying is held from taking changes out of the queue until they are applied:
	// several searches do that at a time, and the order of changes must stay.
	applying sync.Mutex

	mu     sync.RWMutex
	blocks []*block[T]
	free   []uint32 // the numbers of blocks that are nil
	open   uint32   // the number of the block that takes more, 0: none
}

// New returns an empty index.
func New[T Item]() *Index[T] {
	return &Index[T]{queue: queue[T]{full: make(chan struct{}, 1)}}
}

// Replace queues the change of an item: its text is that of now instead of that of
// old. Either may be the zero T. The caller keeps the order of the changes of an
// item.
func (x *Index[T]) Replace(old, now T) {
	if old != now {
		x.queue.add(change[T]{old: old, now: now})
	}
}

// Clear queues that all items are removed.
func (x *Index[T]) Clear() { x.queue.clear() }

// Serve applies queued changes, until ctx is done.
func (x *Index[T]) Serve(ctx context.Context) {
	const quiet = time.Second // without a change
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	var last uint64
	for {
		select {
		case <-x.queue.full:
		case <-tick.C:
			if added := x.queue.count(); added != last {
				last = added
				continue
			}
		case <-ctx.Done():
			return
		}
		x.Flush()
	}
}

// Flush applies the changes that are queued.
func (x *Index[T]) Flush() {
	for x.flushSome() {
	}
}

// flushSome returns false when nothing was queued.
func (x *Index[T]) flushSome() bool {
	x.applying.Lock()
	defer x.applying.Unlock()
	changes, cleared := x.queue.take()
	if len(changes) == 0 && !cleared {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if cleared {
		x.blocks, x.free, x.open = nil, nil, 0
	}
	x.apply(changes)
	return true
}

func (x *Index[T]) apply(changes []change[T]) {
	var none T
	var text []byte
	for _, c := range changes {
		text = text[:0]
		if c.now != none {
			text = c.now.AppendText(text)
		}
		if x.keep(c, text) {
			continue
		}
		if c.old != none {
			x.remove(c.old)
		}
		if len(text) > 0 {
			x.add(c.now, text)
		}
	}
}

// keep puts the new item in the place of the old one if the text is the same.
func (x *Index[T]) keep(c change[T], text []byte) bool {
	var none T
	b := x.blockOf(c.old)
	if b == nil || c.now == none || !bytes.Equal(b.textOf(c.old.Place().item), text) {
		return false
	}
	place := *c.old.Place()
	*c.now.Place() = place
	b.items[place.item] = c.now
	return true
}

func (x *Index[T]) remove(item T) {
	b := x.blockOf(item)
	if b == nil {
		return
	}
	var none T
	place := item.Place()
	b.items[place.item] = none
	b.removed++
	if place.block != x.open {
		x.compact(place.block)
	}
}

// blockOf returns the block with the text of an item, nil if there is none: the
// item may be older than the last change of it, or than the last Clear.
func (x *Index[T]) blockOf(item T) *block[T] {
	var none T
	if item == none {
		return nil
	}
	place := item.Place()
	if place.block == 0 || int(place.block) > len(x.blocks) {
		return nil
	}
	b := x.blocks[place.block-1]
	if b == nil || int(place.item) >= len(b.items) || b.items[place.item] != item {
		return nil
	}
	return b
}

// compact drops a block most of whose items are removed, and adds the others again.
func (x *Index[T]) compact(n uint32) {
	b := x.blocks[n-1]
	if 2*b.removed <= len(b.items) {
		return
	}
	x.blocks[n-1] = nil
	x.free = append(x.free, n)
	var none T
	for i, item := range b.items {
		if item != none {
			x.add(item, b.textOf(uint32(i)))
		}
	}
}

func (x *Index[T]) add(item T, text []byte) {
	for x.open == 0 || !x.blocks[x.open-1].hasRoom(len(text)) {
		x.openBlock(len(text))
	}
	b := x.blocks[x.open-1]
	b.add(item, text)
	*item.Place() = Place{block: x.open, item: uint32(len(b.items) - 1)} //nolint:gosec // an index
}

// openBlock opens a new block with room for a text.
func (x *Index[T]) openBlock(size int) {
	full := x.open
	b := &block[T]{text: make([]byte, 0, max(blockBytes, size+1))}
	if n := len(x.free); n > 0 {
		x.open, x.free = x.free[n-1], x.free[:n-1]
		x.blocks[x.open-1] = b
	} else {
		x.blocks = append(x.blocks, b)
		x.open = uint32(len(x.blocks)) //nolint:gosec // far fewer
	}
	if full > 0 {
		x.blocks[full-1].seal()
		x.compact(full)
	}
}
