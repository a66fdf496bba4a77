package events

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Members reads what stands in an object or an array of [Properties], one after
// the other, in the canonical order, without allocating:
//
//	for m := p.Members(); m.Next(); {
//		use(m.Name(), m.Value())
//	}
type Members struct {
	parent  jsontext.Value
	at      int
	current member
}

// Members returns a reader of the properties.
func (p Properties) Members() Members { return Members{parent: p.raw} }

// MembersOf returns a reader of a value that another reader returned. A value
// that is neither an object nor an array has no members.
func MembersOf(v jsontext.Value) Members {
	if k := v.Kind(); k != '{' && k != '[' {
		return Members{}
	}
	return Members{parent: v}
}

// Next goes on to the next member, and reports whether there is one.
func (m *Members) Next() bool {
	start := m.at + 1
	if start >= len(m.parent) || m.parent[start] == '}' || m.parent[start] == ']' {
		return false
	}
	m.current.name = nil
	if m.parent[0] == '{' {
		colon := stringEnd(m.parent, start)
		m.current.name, start = m.parent[start:colon], colon+1
	}
	m.at, _ = valueEnd(m.parent, start)
	m.current.value = m.parent[start:m.at]
	return true
}

// Value returns the value. The caller must not change it.
func (m *Members) Value() jsontext.Value { return m.current.value }

// Name returns the name, which an item of an array has not.
func (m *Members) Name() string {
	if m.current.name == nil {
		return ""
	}
	return unquote(m.current.name)
}

// Is reports whether that is the name.
func (m *Members) Is(name string) bool { return m.current.is(name) }

// Follows reports whether the name comes after another one, which consists of
// ASCII letters, digits and underscores. Of a name that has to be escaped it
// says no.
func (m *Members) Follows(name string) bool {
	inner := m.current.name[1 : len(m.current.name)-1]
	return string(inner) > name && bytes.IndexByte(inner, '\\') < 0
}
