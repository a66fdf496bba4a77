package graph

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// quote appends a JSON string. Text that is not UTF-8 cannot come here: it was
// refused when the command was decoded.
func quote(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			out, err := jsontext.AppendQuote(b, s)
			if err != nil {
				return append(b, `""`...)
			}
			return out
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// openChange begins the data of a change event up to the new state, which is
// written behind it; closeChange adds the rest.
func openChange(b []byte, name string) []byte {
	return append(quote(append(b, '{'), name), ':')
}

func closeChange(b, previous []byte, classification string) []byte {
	if len(previous) > 0 {
		b = append(append(b, `,"previous":`...), previous...)
	}
	if classification != "" {
		b = quote(append(b, `,"classificationName":`...), classification)
	}
	return append(b, '}')
}

// removed is the data of a deletion.
func removed(previous []byte) []byte {
	return append(append(append(make([]byte, 0, len(previous)+16), `{"previous":`...), previous...), '}')
}

// purgedData is the data of a deletion of which nothing else is kept.
func purgedData(previous []byte) []byte {
	return append(append([]byte(`{"previous":`), previous...), `,"purged":true}`...)
}
