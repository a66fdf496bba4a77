package events

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// State is the JSON of an element or relationship, as [Marshal] writes it:
// without white space, its properties canonical. It is looked into without
// being decoded.
type State struct{ raw, properties jsontext.Value }

// StateOf returns the state of an element or relationship.
func StateOf(raw []byte) State {
	s := State{raw: raw}
	s.properties = s.member("properties")
	return s
}

// StateWith is [StateOf] where it is known which part of raw the properties
// are; nil if there are none.
func StateWith(raw, properties []byte) State { return State{raw: raw, properties: properties} }

// stateOfProperties has only properties: that of a classification.
func stateOfProperties(properties jsontext.Value) State { return State{properties: properties} }

func (s State) member(name string) jsontext.Value {
	if len(s.raw) == 0 {
		return nil
	}
	return memberOf(s.raw, name)
}

// memberOf returns a member of an object, nil if it has none of that name.
func memberOf(object jsontext.Value, name string) jsontext.Value {
	all := members{object: object}
	for m, ok := all.next(); ok; m, ok = all.next() {
		if m.is(name) {
			return m.value
		}
	}
	return nil
}

func (s State) header() jsontext.Value { return s.member("header") }

// Archived reports whether it is an element that is classified as [Memento].
func (s State) Archived() bool { return s.isMarked() && s.classification(Memento) != nil }

// isMarked reports whether the state has classifications, which come last.
func (s State) isMarked() bool { return bytes.HasSuffix(s.raw, []byte("]}")) }

// classification returns the named classification, nil if there is none.
func (s State) classification(name string) jsontext.Value {
	for m := MembersOf(s.member("classifications")); m.Next(); {
		if v := memberOf(m.Value(), "classificationName"); v.Kind() == '"' && textOf(v, false) == name {
			return m.Value()
		}
	}
	return nil
}

// EffectiveAt reports whether the element or relationship counts at a time.
func (s State) EffectiveAt(t time.Time) bool {
	return !bytes.Contains(s.raw, []byte(`"effective`)) || effectiveAt(s.header(), t)
}

// effectiveAt reports whether what has a header, or a classification, counts at
// a time.
func effectiveAt(object jsontext.Value, t time.Time) bool {
	var e Effectivity
	for all := (Members{parent: object}); all.Next(); {
		switch {
		case all.Value().Kind() != '"':
		case all.Is("effectiveFrom"):
			e.From, _ = timeOf(textOf(all.Value(), false))
		case all.Is("effectiveTo"):
			e.To, _ = timeOf(textOf(all.Value(), false))
		}
	}
	return e.At(t)
}

// inZone reports whether the element is a member of the zone.
func (s State) inZone(zone string) bool {
	for m := MembersOf(memberOf(s.header(), "zones")); m.Next(); {
		if m.Value().Kind() == '"' && textOf(m.Value(), false) == zone {
			return true
		}
	}
	return false
}

// path names a value in a state.
type path struct {
	header bool
	name   string
	nested bool
	// plain is the name behind [AnyProperty], empty where that is not given.
	plain string
}

// AnyProperty stands before the name of a property that is meant whatever the
// types say of it.
const AnyProperty = "properties."

func parsePath(property, pointer string) (path, error) {
	switch {
	case property == "":
		return path{}, Errorf(CodeInvalid, pointer, "missing: the property to compare")
	case len(property) > MaxPath:
		return path{}, Errorf(CodeInvalid, pointer, "the path is %d bytes long; at most %d are allowed", len(property), MaxPath)
	}
	if property == "guid" || property == "qualifiedName" {
		return path{header: true, name: property}, nil
	}
	name, header := strings.CutPrefix(property, "header.")
	if name == "" {
		return path{}, Errorf(CodeInvalid, pointer, "it names nothing in the header; header.versions.changeTime does")
	}
	p := path{header: header, name: name, nested: strings.Contains(name, ".")}
	if !header {
		if plain, ok := strings.CutPrefix(name, AnyProperty); ok {
			p.plain = plain
		}
	}
	return p, nil
}

// value returns what stands at the path, nil if nothing does.
func (s State) value(p *path) jsontext.Value {
	switch {
	case p.header && p.name == changeTime:
		return s.changed()
	case p.header:
		return lookUp(s.header(), p.name, p.nested)
	}
	if v := lookUp(s.properties, p.name, p.nested); v != nil || p.plain == "" {
		return v
	}
	return lookUp(s.properties, p.plain, p.nested)
}

// changed returns when the element or relationship has changed last.
func (s State) changed() jsontext.Value {
	versions := memberOf(s.header(), "versions")
	if t := memberOf(versions, "updateTime"); t != nil {
		return t
	}
	return memberOf(versions, "createTime")
}

// lookUp finds a value by its path. Names may have dots in them: the longest
// name that fits counts.
func lookUp(object jsontext.Value, name string, nested bool) (found jsontext.Value) {
	if object.Kind() != '{' {
		return nil
	}
	all, longest := members{object: object}, 0
	for m, ok := all.next(); ok; m, ok = all.next() {
		if m.is(name) {
			return m.value
		}
		if !nested || m.value.Kind() != '{' {
			continue
		}
		inner := m.name[1 : len(m.name)-1]
		if len(inner) < longest || len(name) <= len(inner) || name[len(inner)] != '.' || name[:len(inner)] != string(inner) {
			continue
		}
		if v := lookUp(m.value, name[len(inner)+1:], nested); v != nil {
			found, longest = v, len(inner)
		}
	}
	return found
}

// textSeparator stands between texts: it occurs in no UTF-8.
const textSeparator = 0xff

// FoldText brings text into the form in which it is searched.
func FoldText(text string) string { return strings.ToLower(text) }

// AppendText appends what [Find] looks for a text in, folded: the qualified
// name and what describes an element, with bytes between them that no text has.
// What is contained in the name is left out.
func (s State) AppendText(b []byte, qualifiedName string) []byte {
	start := len(b)
	b = appendFolded(b, qualifiedName)
	end := len(b)
	for all := (members{object: s.properties}); ; {
		m, ok := all.next()
		if !ok || len(m.name) > 1 && m.name[1] > 'r' {
			return b
		}
		if m.value.Kind() != '"' || !m.describes() {
			continue
		}
		before := len(b)
		b = appendFolded(append(b, textSeparator), textOf(m.value, false))
		if bytes.Contains(b[start:end], b[before+1:]) {
			b = b[:before]
		}
	}
}

// describes reports whether the member is one that text is searched in.
func (m *member) describes() bool {
	switch string(m.name) {
	case `"displayName"`, `"name"`, `"resourceName"`, `"description"`:
		return true
	default:
		return false
	}
}

func appendFolded(b []byte, text string) []byte {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return append(b[:len(b)-i], FoldText(text)...)
		}
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// Mentions reports whether the folded text occurs in what [State.AppendText]
// gathers.
func (s State) Mentions(text, qualifiedName string) bool {
	return bytes.Contains(s.AppendText(nil, qualifiedName), []byte(text))
}
