package index

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/text"
)

// Place implements [text.Item].
func (r *Record) Place() *text.Place { return &r.place }

// AppendText implements [text.Item]. It appends the texts in which [events.Find] searches, folded: the
// qualified name and the descriptive properties, separated. A property that repeats
// a part of the name is left out.
func (r *Record) AppendText(b []byte) []byte {
	start := len(b)
	b = append(b, text.Fold(r.QualifiedName())...)
	end := len(b)
	searched := []string{"description", "displayName", "name", "resourceName"} // sorted, as the properties are
	for m := events.MembersOf(r.Properties()); m.Next(); {
		for len(searched) > 0 && m.Follows(searched[0]) {
			searched = searched[1:]
		}
		if len(searched) == 0 {
			return b
		}
		if m.Value().Kind() != '"' || !m.Is(searched[0]) {
			continue
		}
		before := len(b)
		b = appendFolded(append(b, text.Separator), m.Value())
		if bytes.Contains(b[start:end], b[before+1:]) {
			b = b[:before]
		}
	}
	return b
}

// appendFolded appends the content of a JSON string.
func appendFolded(b []byte, v jsontext.Value) []byte {
	from := len(b)
	b, err := jsontext.AppendUnquote(b, v)
	if err != nil {
		return b[:from]
	}
	for i, c := range b[from:] {
		if c >= 0x80 {
			return append(b[:from], text.Fold(string(b[from:]))...)
		}
		if 'A' <= c && c <= 'Z' {
			b[from+i] = c + 'a' - 'A'
		}
	}
	return b
}
