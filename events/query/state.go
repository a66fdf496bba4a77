package query

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// State is the JSON of an element or relationship as [events.Marshal] writes it:
// compact, with canonical properties. It is a [Row] that is read without decoding.
type State struct{ raw, properties jsontext.Value }

// StateOf returns the state of an element or relationship.
func StateOf(raw []byte) State {
	return State{raw: raw, properties: memberOf(raw, "properties")}
}

// StateWith is [StateOf] for a caller that knows the part of raw that is the
// properties; nil if there are none.
func StateWith(raw, properties []byte) State { return State{raw: raw, properties: properties} }

// memberOf returns a member of an object, nil if there is none of that name.
func memberOf(object jsontext.Value, name string) jsontext.Value {
	for m := events.MembersOf(object); m.Next(); {
		if m.Is(name) {
			return m.Value()
		}
	}
	return nil
}

func (s *State) header() jsontext.Value { return memberOf(s.raw, "header") }

// Value implements [Row] with the paths of [events.Condition].
func (s *State) Value(path string) jsontext.Value {
	switch path {
	case "guid", "qualifiedName":
		return memberOf(s.header(), path)
	case "header.versions.changeTime":
		versions := memberOf(s.header(), "versions")
		if t := memberOf(versions, "updateTime"); t != nil {
			return t
		}
		return memberOf(versions, "createTime")
	}
	if field, ok := strings.CutPrefix(path, "header."); ok {
		return lookUp(s.header(), field)
	}
	if v := lookUp(s.properties, path); v != nil {
		return v
	}
	if plain, ok := strings.CutPrefix(path, events.AnyProperty); ok {
		return lookUp(s.properties, plain)
	}
	return nil
}

// lookUp finds a value by its path. A name may contain dots: the longest name that
// leads to a value wins.
func lookUp(object jsontext.Value, path string) (found jsontext.Value) {
	if object.Kind() != '{' {
		return nil
	}
	nested, longest := strings.IndexByte(path, '.') >= 0, 0
	for m := events.MembersOf(object); m.Next(); {
		if m.Is(path) {
			return m.Value()
		}
		if !nested || m.Value().Kind() != '{' {
			continue
		}
		name := m.Name()
		rest, ok := strings.CutPrefix(path, name)
		if !ok || rest == "" || rest[0] != '.' || len(name) < longest {
			continue
		}
		if v := lookUp(m.Value(), rest[1:]); v != nil {
			found, longest = v, len(name)
		}
	}
	return found
}

// Visible reports whether an element or relationship is effective at a time, if
// one is given, and not archived, unless archived ones are included.
func (s *State) Visible(effectiveAt time.Time, includeArchived bool) bool {
	return (includeArchived || s.classification(events.Memento) == nil) && (effectiveAt.IsZero() || s.EffectiveAt(effectiveAt))
}

// EffectiveAt reports whether the element or relationship is effective at a time.
func (s *State) EffectiveAt(t time.Time) bool {
	return !bytes.Contains(s.raw, []byte(`"effective`)) || isEffective(s.header(), t)
}

// isEffective reports whether the owner of a header, or a classification, is
// effective at a time.
func isEffective(object jsontext.Value, t time.Time) bool {
	var e events.Effectivity
	for m := events.MembersOf(object); m.Next(); {
		switch {
		case m.Value().Kind() != '"':
		case m.Is("effectiveFrom"):
			e.From, _ = timeOf(textOf(m.Value(), false))
		case m.Is("effectiveTo"):
			e.To, _ = timeOf(textOf(m.Value(), false))
		}
	}
	return e.At(t)
}

// classification returns the named classification, nil if there is none.
func (s *State) classification(name string) jsontext.Value {
	if !bytes.HasSuffix(s.raw, []byte("]}")) { // classifications come last
		return nil
	}
	for m := events.MembersOf(memberOf(s.raw, "classifications")); m.Next(); {
		if isText(memberOf(m.Value(), "classificationName"), name) {
			return m.Value()
		}
	}
	return nil
}

// inZone reports whether the element is a member of the zone.
func (s *State) inZone(zone string) bool {
	for m := events.MembersOf(memberOf(s.header(), "zones")); m.Next(); {
		if isText(m.Value(), zone) {
			return true
		}
	}
	return false
}

func isText(v jsontext.Value, text string) bool { return v.Kind() == '"' && textOf(v, false) == text }
