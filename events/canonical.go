package events

import (
	"bytes"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The canonical form of JSON: no white space, names sorted as UTF-16 (RFC 8785),
// strings as short as possible, numbers as written, because a number may have
// more digits than a float holds.

// Canonicalize brings v, in place, into the canonical form: no white space, names
// sorted, strings as short as possible, numbers as written.
func Canonicalize(v *jsontext.Value) error {
	return v.Format(
		jsontext.ReorderRawObjects(true),
		jsontext.CanonicalizeRawInts(false),
		jsontext.CanonicalizeRawFloats(false),
	)
}

// isCanonical reports whether v, which is valid JSON, is canonical. It saves the
// work of [Canonicalize] for JSON that Camena wrote; in rare cases it returns
// false for canonical JSON.
func isCanonical(v jsontext.Value) bool {
	end, ok := canonicalEnd(v, 0, 1)
	return ok && end == len(v)
}

// canonicalEnd returns the end of the value at v[i], and whether it is canonical.
func canonicalEnd(v jsontext.Value, i, depth int) (end int, ok bool) {
	if depth > MaxDepth+1 {
		return i, false
	}
	switch v[i] {
	case '"':
		return canonicalStringEnd(v, i)
	case '{':
		return canonicalObjectEnd(v, i, depth)
	case '[':
		if v[i+1] == ']' {
			return i + 2, true
		}
		for {
			if i, ok = canonicalEnd(v, i+1, depth+1); !ok || v[i] == ']' {
				return i + 1, ok
			}
			if v[i] != ',' {
				return i, false
			}
		}
	case ' ', '\t', '\r', '\n':
		return i, false
	default:
		return scalarEnd(v, i), true
	}
}

func canonicalObjectEnd(v jsontext.Value, i, depth int) (end int, ok bool) {
	if v[i+1] == '}' {
		return i + 2, true
	}
	var last jsontext.Value
	for {
		colon, ok := canonicalNameEnd(v, i+1, last)
		if !ok {
			return i, false
		}
		last = v[i+2 : colon-1]
		if i, ok = canonicalEnd(v, colon+1, depth+1); !ok || v[i] == '}' {
			return i + 1, ok
		}
		if v[i] != ',' {
			return i, false
		}
	}
}

// canonicalNameEnd returns the place of the colon after a name, and whether the
// name is canonical and sorts after the last one, if any.
func canonicalNameEnd(v jsontext.Value, i int, last jsontext.Value) (colon int, ok bool) {
	if v[i] != '"' {
		return i, false
	}
	colon, ok = canonicalStringEnd(v, i)
	if !ok || v[colon] != ':' {
		return i, false
	}
	name := v[i+1 : colon-1]
	return colon, plainName(name) && (last == nil || bytes.Compare(last, name) < 0)
}

// canonicalStringEnd accepts short escapes only: long ones are not canonical.
func canonicalStringEnd(v jsontext.Value, i int) (end int, ok bool) {
	if end = plainStringEnd(v, i); end > 0 {
		return end, true
	}
	for i++; v[i] != '"'; i++ {
		if v[i] == '\\' {
			i++
			if v[i] == 'u' || v[i] == '/' {
				return i, false
			}
		}
	}
	return i + 1, true
}

// plainName reports whether a name sorts by its bytes as it does by its UTF-16.
func plainName(name jsontext.Value) bool {
	for _, c := range name {
		if c >= utf8.RuneSelf || c == '\\' {
			return false
		}
	}
	return true
}

// member is one name, quoted, and its value.
type member struct{ name, value jsontext.Value }

// is reports whether the member has that name.
func (m *member) is(name string) bool {
	inner := m.name[1 : len(m.name)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == name
	}
	return unquote(m.name) == name
}

// compare orders members by name as the canonical form does.
func (m *member) compare(n *member) int {
	a, b := m.name[1:len(m.name)-1], n.name[1:len(n.name)-1]
	if plainName(a) && plainName(b) {
		return bytes.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(unquote(m.name))), utf16.Encode([]rune(unquote(n.name))))
}

// valueEnd returns the end of the value at v[i], and how deep it nests; v is
// canonical.
func valueEnd(v jsontext.Value, i int) (end, deepest int) {
	for depth := 0; ; {
		switch v[i] {
		case '"':
			i = stringEnd(v, i)
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':':
			i++
		default:
			i = scalarEnd(v, i)
		}
		if depth == 0 {
			return i, deepest
		}
	}
}

func stringEnd(v jsontext.Value, i int) int {
	if end := plainStringEnd(v, i); end > 0 {
		return end
	}
	for i++; v[i] != '"'; i++ {
		if v[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// plainStringEnd returns the end of the string at v[i], 0 if it has escapes.
func plainStringEnd(v jsontext.Value, i int) int {
	n := bytes.IndexByte(v[i+1:], '"')
	if bytes.IndexByte(v[i+1:i+1+n], '\\') >= 0 {
		return 0
	}
	return i + n + 2
}

func scalarEnd(v jsontext.Value, i int) int {
	for i < len(v) && v[i] != ',' && v[i] != '}' && v[i] != ']' && v[i] > ' ' {
		i++
	}
	return i
}
