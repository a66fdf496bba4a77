package query

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

const (
	// MaxSortKeys bounds the keys of a [Sorter].
	MaxSortKeys = 8
	// sortedBytes is the part of a value that counts for its place, so that the
	// cursor of a page is short.
	sortedBytes = 256
)

// Sorter orders rows: missing values come first, then false and true, numbers,
// times, other strings, and the rest.
type Sorter struct{ keys []events.SortKey }

// NewSorter checks the keys against the types of the rows, if these are given. The
// pointer is the place of the keys.
func NewSorter(keys []events.SortKey, types Types, pointer string) (*Sorter, error) {
	if len(keys) > MaxSortKeys {
		return nil, invalid(pointer, "%d keys; at most %d are allowed", len(keys), MaxSortKeys)
	}
	for i := range keys {
		at := pointer + "/" + strconv.Itoa(i) + "/property"
		if err := checkPath(keys[i].Property, at); err != nil {
			return nil, err
		}
		if types == nil {
			continue
		}
		if _, err := types.Values(keys[i].Property, at); err != nil {
			return nil, err
		}
	}
	return &Sorter{keys: slices.Clone(keys)}, nil
}

// Place is the position of a row in an order.
type Place []sortValue

type sortValue struct {
	rank byte
	text []byte // JSON of the part that counts
	when time.Time
}

// The ranks of values.
const (
	rankMissing = iota
	rankBoolean
	rankNumber
	rankTime
	rankString
	rankOther
)

// Place returns the position of a row.
func (s *Sorter) Place(r Row) Place {
	p := make(Place, len(s.keys))
	for i := range s.keys {
		p[i] = sortValueOf(r.Value(s.keys[i].Property))
	}
	return p
}

func sortValueOf(v jsontext.Value) sortValue {
	switch v.Kind() {
	case 't', 'f':
		return sortValue{rank: rankBoolean, text: v}
	case '0':
		if len(v) <= sortedBytes {
			return sortValue{rank: rankNumber, text: v}
		}
	case '"':
		text := textOf(v, false)
		if t, ok := timeOf(text); ok && len(v) <= sortedBytes {
			return sortValue{rank: rankTime, text: v, when: t}
		}
		return sortValue{rank: rankString, text: []byte(cut(text))}
	case '{', '[':
	default:
		return sortValue{rank: rankMissing}
	}
	return sortValue{rank: rankOther, text: []byte(cut(string(v)))}
}

// cut returns the part of a text that counts.
func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), sortedBytes)], "")
}

// Compare orders places.
func (s *Sorter) Compare(a, b Place) int {
	for i := range s.keys {
		order := a[i].compare(&b[i])
		if s.keys[i].Descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func (v *sortValue) compare(w *sortValue) int {
	if v.rank != w.rank {
		return cmp.Compare(v.rank, w.rank)
	}
	switch v.rank {
	case rankNumber:
		return compareNumbers(v.text, w.text)
	case rankTime:
		return v.when.Compare(w.when)
	default:
		return bytes.Compare(v.text, w.text)
	}
}

// String returns the place as text, which [Sorter.Parse] reads.
func (p Place) String() string {
	var b strings.Builder
	for i := range p {
		b.WriteByte(placeRanks[p[i].rank])
		b.WriteString(strconv.Quote(string(p[i].text)))
	}
	return b.String()
}

const placeRanks = "-bnts?"

// Parse reads a place of this order that [Place.String] wrote.
func (s *Sorter) Parse(text string) (Place, bool) {
	p := make(Place, 0, len(s.keys))
	for text != "" {
		rank := strings.IndexByte(placeRanks, text[0])
		quoted, err := strconv.QuotedPrefix(text[1:])
		if rank < 0 || err != nil || len(p) == len(s.keys) {
			return nil, false
		}
		text = text[1+len(quoted):]
		v, ok := placeValue(byte(rank), quoted) //nolint:gosec // an index into a short string
		if !ok {
			return nil, false
		}
		p = append(p, v)
	}
	return p, len(p) == len(s.keys)
}

func placeValue(rank byte, quoted string) (sortValue, bool) {
	inner, err := strconv.Unquote(quoted)
	if err != nil {
		return sortValue{}, false
	}
	v := sortValue{rank: rank, text: []byte(inner)}
	switch rank {
	case rankNumber:
		return v, jsontext.Value(inner).Kind() == '0' && jsontext.Value(inner).IsValid() && len(strings.TrimSpace(inner)) == len(inner)
	case rankTime:
		if len(inner) < 2 || !jsontext.Value(inner).IsValid() {
			return v, false
		}
		var ok bool
		v.when, ok = timeOf(textOf(v.text, false))
		return v, ok
	default:
		return v, true
	}
}
