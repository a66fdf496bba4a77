package graph

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// texts is what the texts of elements are searched in: copies of them, folded,
// one behind the other in blocks of memory. A block that lacks one of the runs
// of four bytes of what is searched is not looked at.
//
// Commits only queue what is new. It is taken over when there is much of it,
// when nothing has been written for a while, and by each search before it begins.
type texts struct {
	// queue and cleared are guarded by the lock of the index.
	queue   []renewal
	cleared bool
	wake    chan struct{}

	// taking is held from taking something out of the queue until it is taken over:
	// several searches do that at a time, and what comes later must come last.
	taking sync.Mutex

	mu     sync.RWMutex
	blocks []*block
	free   []uint32 // the numbers of blocks that are nil
	open   uint32   // the number of the block that takes more, 0: none
}

// renewal is a change of one element: one of the two may be nil.
type renewal struct{ old, now *record }

// place is where the text of a record is: the number of the block, from 1, and
// which one in it. A record that no text is kept of has none.
type place struct{ block, item uint32 }

const (
	// textBatch is how much is taken over while searches wait.
	textBatch = 1024
	// textBacklog is so much that it is not left for later.
	textBacklog = 64 << 10
	// textQuiet is after how long without writing what is queued is taken over.
	textQuiet = time.Second
)

func newTexts() *texts {
	return &texts{wake: make(chan struct{}, 1)}
}

// renew queues a change; the index is locked.
func (t *texts) renew(old, now *record) {
	if now.deleted {
		now = nil
	}
	if old == now {
		return
	}
	t.queue = append(t.queue, renewal{old: old, now: now})
	if len(t.queue) == textBacklog {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// clear queues that everything is gone; the index is locked.
func (t *texts) clear() { t.queue, t.cleared = nil, true }

// KeepTexts takes over what is queued, until ctx is done.
func (x *Index) KeepTexts(ctx context.Context) {
	tick := time.NewTicker(textQuiet)
	defer tick.Stop()
	var last uint64
	for {
		select {
		case <-x.texts.wake:
		case <-tick.C:
			sequence, _ := x.Reached()
			if quiet := sequence == last; !quiet {
				last = sequence
				continue
			}
		case <-ctx.Done():
			return
		}
		x.takeOverTexts()
	}
}

// takeOverTexts makes the texts reflect what the index does.
func (x *Index) takeOverTexts() {
	for x.takeOverSomeTexts() {
	}
}

// takeOverSomeTexts returns false when there was nothing to take over.
func (x *Index) takeOverSomeTexts() bool {
	x.texts.taking.Lock()
	defer x.texts.taking.Unlock()
	batch, cleared := x.queuedTexts()
	if len(batch) == 0 && !cleared {
		return false
	}
	x.texts.take(batch, cleared)
	return true
}

// current replaces records that were found by what is there of them now, and drops
// those that are gone, or do not mention the text any more: the index goes on while
// the texts are searched.
func (x *Index) current(hits []*record, text string) []*record {
	found := hits[:0]
	for some := range slices.Chunk(hits, textBatch) { // nothing is written meanwhile
		now := x.now(some)
		for i, r := range now {
			if r != nil && (r == some[i] || x.texts.mentions(r, text)) {
				found = append(found, r)
			}
		}
	}
	return found
}

// now returns what the index holds of records, nil where that is nothing.
func (x *Index) now(records []*record) []*record {
	now := make([]*record, len(records))
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i, r := range records {
		if is := x.byGUID[r.guid]; is != nil && !is.relationship {
			now[i] = is
		}
	}
	return now
}

func (x *Index) queuedTexts() (batch []renewal, cleared bool) {
	t := x.texts
	x.mu.Lock()
	defer x.mu.Unlock()
	cleared, t.cleared = t.cleared, false
	n := min(len(t.queue), textBatch)
	batch = slices.Clone(t.queue[:n])
	clear(t.queue[:n]) // what it points to may be gone
	if t.queue = t.queue[n:]; len(t.queue) == 0 {
		t.queue = nil
	}
	return batch, cleared
}

func (t *texts) take(batch []renewal, cleared bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if cleared {
		t.blocks, t.free, t.open = nil, nil, 0
	}
	var text []byte
	for _, r := range batch {
		text = text[:0]
		if r.now != nil {
			text = r.now.appendText(text)
		}
		if t.replace(r, text) {
			continue
		}
		if r.old != nil {
			t.remove(r.old)
		}
		if len(text) > 0 {
			t.add(r.now, text)
		}
	}
}

// replace puts the new record in the place of the old one if the text is the
// same.
func (t *texts) replace(r renewal, text []byte) bool {
	b := t.blockOf(r.old)
	if b == nil || r.now == nil || !bytes.Equal(b.textOf(r.old.place.item), text) {
		return false
	}
	r.now.place = r.old.place
	b.records[r.now.place.item] = r.now
	return true
}

func (t *texts) remove(r *record) {
	b := t.blockOf(r)
	if b == nil {
		return
	}
	b.records[r.place.item] = nil
	b.dead++
	if r.place.block != t.open {
		t.tidy(r.place.block)
	}
}

// blockOf returns the block with the text of a record, nil if there is none: the
// record may be of before the last change, or of before everything was cleared.
func (t *texts) blockOf(r *record) *block {
	if r == nil || r.place.block == 0 || int(r.place.block) > len(t.blocks) {
		return nil
	}
	b := t.blocks[r.place.block-1]
	if b == nil || int(r.place.item) >= len(b.records) || b.records[r.place.item] != r {
		return nil
	}
	return b
}

// tidy drops a block that is mostly dead: what lives moves on.
func (t *texts) tidy(n uint32) {
	b := t.blocks[n-1]
	if 2*b.dead <= len(b.records) {
		return
	}
	t.blocks[n-1] = nil
	t.free = append(t.free, n)
	for i, r := range b.records {
		if r != nil {
			t.add(r, b.textOf(uint32(i)))
		}
	}
}

func (t *texts) add(r *record, text []byte) {
	for t.open == 0 || !t.blocks[t.open-1].hasRoom(len(text)) {
		t.turn(len(text))
	}
	b := t.blocks[t.open-1]
	b.add(r, text)
	r.place = place{block: t.open, item: uint32(len(b.records) - 1)} //nolint:gosec // an index
}

// turn opens a new block that has room for a text.
func (t *texts) turn(size int) {
	full := t.open
	b := &block{text: make([]byte, 0, max(blockBytes, size+1))}
	if n := len(t.free); n > 0 {
		t.open, t.free = t.free[n-1], t.free[:n-1]
		t.blocks[t.open-1] = b
	} else {
		t.blocks = append(t.blocks, b)
		t.open = uint32(len(t.blocks)) //nolint:gosec // far fewer
	}
	if full > 0 {
		t.blocks[full-1].seal()
		t.tidy(full)
	}
}

// search returns the records whose text contains what is looked for, folded, in
// no order. It stops when there are as many as most, if that is not 0, or when
// enough says so; then these are not all.
func (t *texts) search(text string, most int, enough func() bool) (found []*record, all bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := &scan{needle: newNeedle(text), enough: enough, most: int64(most)}
	workers := runtime.GOMAXPROCS(0)
	share := (len(t.blocks) + workers - 1) / workers
	parts := make([][]*record, workers)
	var scanning sync.WaitGroup
	for w := range workers {
		blocks := t.blocks[min(w*share, len(t.blocks)):min((w+1)*share, len(t.blocks))]
		scanning.Go(func() { parts[w] = s.run(blocks) })
	}
	scanning.Wait()
	return slices.Concat(parts...), !s.stopped.Load()
}

// scan is a search that several do at a time.
type scan struct {
	needle  needle
	enough  func() bool
	most    int64
	found   atomic.Int64
	stopped atomic.Bool
}

func (s *scan) run(blocks []*block) (found []*record) {
	const patience = 64 // blocks between two questions
	for i, b := range blocks {
		if i%patience == 0 && (s.stopped.Load() || s.enough()) {
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

// needle is a text that is looked for.
type needle struct {
	text []byte
	bits []uint32
	// rare is where its rarest byte is.
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

// frequency ranks how often a byte occurs in names and descriptions.
func frequency(c byte) int {
	const rareFirst = "zqxjkvwyfbg987654hupmd32lcnr_i1o:sta0e./-"
	return strings.IndexByte(rareFirst, c)
}

// index returns where the needle begins in a text behind from, -1 if nowhere.
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

// mentions reports whether the text of an element contains what is looked for,
// folded.
func (t *texts) mentions(r *record, text string) bool {
	if text == "" {
		return true
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	b := t.blockOf(r)
	if b == nil { // newer or older than the texts
		return bytes.Contains(r.appendText(nil), []byte(text))
	}
	return bytes.Contains(b.textOf(r.place.item), []byte(text))
}

const (
	blockBytes  = 4 << 10
	filterWords = 64
	// gram is how many bytes are hashed together.
	gram       = 4
	filterBits = 12 // 1<<12 bits are 64 words
)

// block holds the texts of some records.
type block struct {
	text    []byte
	ends    []uint32
	records []*record // nil: it is gone
	dead    int
	filter  [filterWords]uint64
}

func (b *block) textOf(item uint32) []byte {
	begin := uint32(0)
	if item > 0 {
		begin = b.ends[item-1]
	}
	return b.text[begin : b.ends[item]-1]
}

// separator is behind every text: it occurs in none.
const separator = 0xfe

func (b *block) add(r *record, text []byte) {
	b.text = append(append(b.text, text...), separator)
	b.ends = append(b.ends, uint32(len(b.text))) //nolint:gosec // less than a message
	b.records = append(b.records, r)
	for i := 0; i+gram <= len(text); i++ {
		bit := hashOf(text[i:])
		b.filter[bit/filterWords] |= 1 << (bit % filterWords)
	}
}

func (b *block) hasRoom(size int) bool { return len(b.text)+size < cap(b.text) }

// seal gives back the room that the lists were given in advance.
func (b *block) seal() { b.ends, b.records = slices.Clone(b.ends), slices.Clone(b.records) }

func (b *block) mayContain(bits []uint32) bool {
	for _, bit := range bits {
		if b.filter[bit/filterWords]&(1<<(bit%filterWords)) == 0 {
			return false
		}
	}
	return true
}

// search appends the records whose text contains the needle.
func (b *block) search(n *needle, found []*record) []*record {
	for from := 0; ; {
		at := n.index(b.text, from)
		if at < 0 {
			return found
		}
		item := sort.Search(len(b.ends), func(k int) bool { return int(b.ends[k]) > at })
		if r := b.records[item]; r != nil {
			found = append(found, r)
		}
		from = int(b.ends[item])
	}
}

// hashOf returns the bit of the first bytes.
func hashOf(b []byte) uint32 {
	const spread = 0x9e3779b1
	return ((uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])) * spread) >> (32 - filterBits)
}
