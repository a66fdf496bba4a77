package events

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// quickUpsert decodes upserts as Camena itself sends them, which are most of all
// commands, several times faster than the general decoder. It says no to all
// that is not plainly right, be it wrong or only unusual: the general decoder
// then has the word. The upsert keeps a reference to data.
func quickUpsert(data []byte) (*Upsert, bool) {
	var c Upsert
	r := quick{data: data}
	if !r.take(`{"element":{"`) {
		return nil, false
	}
	if r.take(`guid":"`) {
		c.Element.GUID = r.plain()
		r.expect(',')
		r.expect('"')
	}
	if !r.take(`type":"`) {
		return nil, false
	}
	c.Element.Type = r.plain()
	if r.take(`,"qualifiedName":"`) {
		c.Element.QualifiedName = r.plain()
	}
	c.Element.Properties = r.properties()
	if r.take(`,"zones":[`) {
		c.Element.Zones = r.plains()
	}
	if r.take(`,"classifications":[`) {
		c.Element.Classifications = r.marks()
	}
	r.expect('}')
	c.Merge = r.take(`,"merge":true`)
	r.expect('}')
	return &c, !r.failed && r.at == len(data)
}

// quick reads JSON in the canonical form. Once it has failed, it stays where it is.
type quick struct {
	data   []byte
	at     int
	failed bool
}

// quickDepth is how deep values may nest; deeper ones are unusual.
const quickDepth = 16

func (r *quick) fail() { r.failed = true }

// take goes on behind a text, if that is what comes next.
func (r *quick) take(text string) bool {
	if r.failed || len(r.data)-r.at < len(text) || string(r.data[r.at:r.at+len(text)]) != text {
		return false
	}
	r.at += len(text)
	return true
}

// next returns the byte that comes next, 0 at the end.
func (r *quick) next() byte {
	if r.failed || r.at >= len(r.data) {
		return 0
	}
	return r.data[r.at]
}

func (r *quick) expect(c byte) {
	if r.next() != c {
		r.fail()
		return
	}
	r.at++
}

// plain returns the text of a string without escapes, behind its first quote.
func (r *quick) plain() string {
	n := r.textEnd()
	if n < 0 {
		r.fail()
		return ""
	}
	text := r.data[r.at : r.at+n]
	r.at += n + 1
	return string(text)
}

// plains returns a list of strings without escapes, behind its first bracket.
func (r *quick) plains() []string {
	list := []string{}
	for !r.take("]") && !r.failed {
		if len(list) > 0 {
			r.expect(',')
		}
		r.expect('"')
		list = append(list, r.plain())
	}
	return list
}

// properties returns the properties that come next, if they do.
func (r *quick) properties() Properties {
	if !r.take(`,"properties":`) {
		return Properties{}
	}
	start := r.at
	r.object(1)
	return propertiesOf(jsontext.Value(r.data[start:r.at:r.at]))
}

// marks returns classifications, behind their first bracket.
func (r *quick) marks() []Classification {
	marks := []Classification{}
	for !r.take("]") && !r.failed {
		if len(marks) > 0 {
			r.expect(',')
		}
		if !r.take(`{"classificationName":"`) {
			r.fail()
		}
		marks = append(marks, Classification{Name: r.plain(), Properties: r.properties()})
		r.expect('}')
	}
	return marks
}

// textEnd returns how long the text before the next quote is, if it has no
// escapes and nothing that a string must not have; else -1.
func (r *quick) textEnd() int {
	if r.failed {
		return -1
	}
	n := bytes.IndexByte(r.data[r.at:], '"')
	if n < 0 {
		return -1
	}
	if text := r.data[r.at : r.at+n]; !isPlainASCII(text) && !isPlain(text) {
		return -1
	}
	return n
}

// isPlainASCII reports whether text has neither control characters nor
// backslashes, and nothing beyond ASCII; it looks at eight bytes at a time.
func isPlainASCII(text []byte) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for len(text) >= 8 {
		x := binary.LittleEndian.Uint64(text)
		slash := x ^ ones*'\\'
		// A byte below 0x20, one that is a backslash, or one above 0x7f.
		if ((x-ones*' ')|(slash-ones)|x)&highs != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(text)
}

func (r *quick) value(depth int) {
	switch c := r.next(); {
	case c == '"':
		r.at++
		r.text()
	case c == '{':
		r.object(depth + 1)
	case c == '[':
		r.array(depth + 1)
	case c == '-' || '0' <= c && c <= '9':
		r.number()
	case r.take("true") || r.take("false") || r.take("null"):
	default:
		r.fail()
	}
}

// text goes behind a string, from behind its first quote. Of escapes the
// canonical form has the short ones, and none for what needs none.
func (r *quick) text() {
	if n := r.textEnd(); n >= 0 {
		r.at += n + 1
		return
	}
	start := r.at
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; {
		case c == '"':
			if !utf8.Valid(r.data[start:r.at]) {
				r.fail()
			}
			r.at++
			return
		case c == '\\':
			r.at++
			if bytes.IndexByte([]byte(`"\bfnrt`), r.next()) < 0 {
				r.fail()
				return
			}
		case c < ' ':
			r.fail()
			return
		}
	}
	r.fail()
}

// object goes behind an object whose names are in order.
func (r *quick) object(depth int) {
	r.expect('{')
	if depth > quickDepth {
		r.fail()
	}
	if r.take("}") {
		return
	}
	var last []byte
	for first := true; !r.failed; first = false {
		r.expect('"')
		n := r.textEnd()
		if n < 0 {
			r.fail()
			return
		}
		name := r.data[r.at : r.at+n]
		if r.at += n + 1; !isPlainASCII(name) || !first && bytes.Compare(last, name) >= 0 {
			r.fail()
		}
		last = name
		r.expect(':')
		r.value(depth)
		if r.take("}") {
			return
		}
		r.expect(',')
	}
}

func (r *quick) array(depth int) {
	r.expect('[')
	if depth > quickDepth {
		r.fail()
	}
	if r.take("]") {
		return
	}
	for !r.failed {
		r.value(depth)
		if r.take("]") {
			return
		}
		r.expect(',')
	}
}

// number goes behind a number, as RFC 8259 has it.
func (r *quick) number() {
	if r.next() == '-' {
		r.at++
	}
	if r.next() == '0' {
		r.at++
	} else {
		r.digits()
	}
	if r.next() == '.' {
		r.at++
		r.digits()
	}
	if c := r.next(); c == 'e' || c == 'E' {
		r.at++
		if c := r.next(); c == '+' || c == '-' {
			r.at++
		}
		r.digits()
	}
}

func (r *quick) digits() {
	start := r.at
	for c := r.next(); '0' <= c && c <= '9'; c = r.next() {
		r.at++
	}
	if r.at == start {
		r.fail()
	}
}
