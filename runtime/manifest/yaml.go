package manifest

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// WriteYAML writes JSON as YAML in blocks. A text that is not plain is quoted as
// in Go, whose escapes YAML has too; numbers keep their digits.
func WriteYAML(w io.Writer, data jsontext.Value) error {
	b, err := appendYAML(nil, jsontext.NewDecoder(bytes.NewReader(data)), "", "\n")
	if err != nil {
		return err
	}
	_, err = w.Write(append(bytes.TrimPrefix(b, []byte(" ")), '\n'))
	return err
}

// appendYAML appends the next value: on the same line, or, if it has members,
// each of them after indent, the first one after first.
func appendYAML(b []byte, dec *jsontext.Decoder, first, indent string) ([]byte, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	kind := token.Kind()
	if kind != '{' && kind != '[' {
		return append(append(b, ' '), scalarYAML(token)...), nil
	}
	end := kind + 2 // in ASCII
	if dec.PeekKind() == end {
		b = append(b, ' ', byte(kind), byte(end))
	}
	for dec.PeekKind() != end {
		b = append(b, first...)
		first = indent
		inner := " "
		if kind == '[' {
			b = append(b, '-')
		} else {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			b = append(append(b, scalarYAML(name)...), ':')
			inner = indent + "  "
		}
		if b, err = appendYAML(b, dec, inner, indent+"  "); err != nil {
			return nil, err
		}
	}
	_, err = dec.ReadToken()
	return b, err
}

// plainYAML is text that no version of YAML takes for anything else, except for
// the words in scalarYAML: names, paths, sentences and guids.
var plainYAML = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_/.+@-]*((::?| )[A-Za-z0-9_/.+@-]+)*$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func scalarYAML(token jsontext.Token) string {
	text := token.String()
	if token.Kind() != '"' {
		return text
	}
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(text)
	}
	if plainYAML.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}
