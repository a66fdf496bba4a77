package graph

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// textSeparator separates texts: the byte occurs in no UTF-8.
const textSeparator = 0xff

// foldText brings text into the form in which it is searched.
func foldText(text string) string { return strings.ToLower(text) }

// appendText appends the texts in which [events.Find] searches, folded: the
// qualified name and the descriptive properties, separated. A property that repeats
// a part of the name is left out.
func (r *record) appendText(b []byte) []byte {
	start := len(b)
	b = append(b, foldText(r.qualifiedName())...)
	end := len(b)
	searched := []string{"description", "displayName", "name", "resourceName"} // sorted, as the properties are
	for m := events.MembersOf(r.properties()); m.Next(); {
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
		b = appendFolded(append(b, textSeparator), m.Value())
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
			return append(b[:from], foldText(string(b[from:]))...)
		}
		if 'A' <= c && c <= 'Z' {
			b[from+i] = c + 'a' - 'A'
		}
	}
	return b
}
