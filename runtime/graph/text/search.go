package text

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Search returns the items whose text contains a folded text, in no order. It stops
// at most items, if most is not 0, or when stop returns true; then it has not found
// all. Several goroutines call stop.
func (x *Index[T]) Search(text string, most int, stop func() bool) (found []T, all bool) {
	x.Flush()
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := &scan[T]{needle: newNeedle(text), stop: stop, most: int64(most)}
	workers := runtime.GOMAXPROCS(0)
	share := (len(x.blocks) + workers - 1) / workers
	parts := make([][]T, workers)
	var scanning sync.WaitGroup
	for w := range workers {
		blocks := x.blocks[min(w*share, len(x.blocks)):min((w+1)*share, len(x.blocks))]
		scanning.Go(func() { parts[w] = s.run(blocks) })
	}
	scanning.Wait()
	return slices.Concat(parts...), !s.stopped.Load()
}

// scan is the state that the goroutines of a search share.
type scan[T Item] struct {
	needle  needle
	stop    func() bool
	most    int64
	found   atomic.Int64
	stopped atomic.Bool
}

func (s *scan[T]) run(blocks []*block[T]) (found []T) {
	const interval = 64 // blocks between two calls of stop
	for i, b := range blocks {
		if i%interval == 0 && (s.stopped.Load() || s.stop()) {
			s.stopped.Store(true)
			return found
		}
		if b == nil || !b.mayContain(s.needle.bits) {
			continue
		}
		before := len(found)
		found = b.search(&s.needle, found)
		if n := s.found.Add(int64(len(found) - before)); s.most > 0 && n >= s.most {
			s.stopped.Store(true)
			return found
		}
	}
	return found
}

// needle is the text of a search.
type needle struct {
	text []byte
	bits []uint32
	// rare is the place of its rarest byte.
	rare int
}

func newNeedle(text string) needle {
	n := needle{text: []byte(text)}
	for i := 0; i+gram <= len(text); i++ {
		n.bits = append(n.bits, hashOf(n.text[i:]))
	}
	for i := range n.text {
		if frequency(n.text[i]) < frequency(n.text[n.rare]) {
			n.rare = i
		}
	}
	return n
}

// frequency ranks a byte by how often it occurs in names and descriptions.
func frequency(c byte) int {
	const rareFirst = "zqxjkvwyfbg987654hupmd32lcnr_i1o:sta0e./-"
	return strings.IndexByte(rareFirst, c)
}

// index returns the first place of the needle in a text from a place on, -1 if there
// is none.
func (n *needle) index(text []byte, from int) int {
	for at := from + n.rare; at < len(text); at++ {
		i := bytes.IndexByte(text[at:], n.text[n.rare])
		if i < 0 {
			return -1
		}
		at += i
		if bytes.HasPrefix(text[at-n.rare:], n.text) {
			return at - n.rare
		}
	}
	return -1
}

// Contains reports whether the text of an item contains a folded text.
func (x *Index[T]) Contains(item T, text string) bool {
	if text == "" {
		return true
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	b := x.blockOf(item)
	if b == nil { // the index has another version of the item
		return bytes.Contains(item.AppendText(nil), []byte(text))
	}
	return bytes.Contains(b.textOf(item.Place().item), []byte(text))
}
