package text

import (
	"slices"
	"sort"
	"strings"
)

// Separator separates the parts of an item's text: the byte occurs in no UTF-8.
const Separator = 0xff

// Fold returns a text in the form that is searched.
func Fold(text string) string { return strings.ToLower(text) }

const (
	blockBytes  = 4 << 10
	filterWords = 64
	// gram is the length of the hashed runs of bytes.
	gram       = 4
	filterBits = 12 // 1<<12 bits are 64 words
)

// block holds the texts of some items. filter is a Bloom filter of the runs of four
// bytes in it.
type block[T Item] struct {
	text    []byte
	ends    []uint32
	items   []T // the zero T: removed
	removed int
	filter  [filterWords]uint64
}

func (b *block[T]) textOf(item uint32) []byte {
	begin := uint32(0)
	if item > 0 {
		begin = b.ends[item-1]
	}
	return b.text[begin : b.ends[item]-1]
}

// end ends every text: the byte occurs in none.
const end = 0xfe

func (b *block[T]) add(item T, text []byte) {
	b.text = append(append(b.text, text...), end)
	b.ends = append(b.ends, uint32(len(b.text))) //nolint:gosec // less than a message
	b.items = append(b.items, item)
	for i := 0; i+gram <= len(text); i++ {
		bit := hashOf(text[i:])
		b.filter[bit/filterWords] |= 1 << (bit % filterWords)
	}
}

func (b *block[T]) hasRoom(size int) bool { return len(b.text)+size < cap(b.text) }

// seal releases the spare capacity of the lists.
func (b *block[T]) seal() { b.ends, b.items = slices.Clone(b.ends), slices.Clone(b.items) }

func (b *block[T]) mayContain(bits []uint32) bool {
	for _, bit := range bits {
		if b.filter[bit/filterWords]&(1<<(bit%filterWords)) == 0 {
			return false
		}
	}
	return true
}

// search appends the items whose text contains the needle.
func (b *block[T]) search(n *needle, found []T) []T {
	var none T
	for from := 0; ; {
		at := n.index(b.text, from)
		if at < 0 {
			return found
		}
		item := sort.Search(len(b.ends), func(k int) bool { return int(b.ends[k]) > at })
		if b.items[item] != none {
			found = append(found, b.items[item])
		}
		from = int(b.ends[item])
	}
}

// hashOf returns the filter bit of the first bytes.
func hashOf(b []byte) uint32 {
	const spread = 0x9e3779b1
	return ((uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])) * spread) >> (32 - filterBits)
}
