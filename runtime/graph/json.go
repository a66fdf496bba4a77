package graph

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// quote appends a JSON string. Decoding the command has refused text that is not UTF-8.
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

// openChange begins the data of a change event. The new state follows, and closeChange
// adds the rest.
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

// purgedData is the data of a purge, which leaves no trace but guid, version and type.
func purgedData(old *record) []byte {
	h := events.ElementHeader{GUID: old.guid.String(), Type: *old.typ}
	h.Versions.Version = old.version
	b := []byte(`{"previous":`)
	if old.relationship {
		b, _, _ = appendRelationship(b, &events.Relationship{
			Header: h, End1: events.ElementStub{GUID: old.end1.String()}, End2: events.ElementStub{GUID: old.end2.String()},
		})
	} else {
		b, _, _ = appendElement(b, &events.Element{Header: h})
	}
	return append(b, `,"purged":true}`...)
}
