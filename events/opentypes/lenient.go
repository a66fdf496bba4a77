package opentypes

import (
	"errors"
	"maps"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// The attributes that [Type.Check] treats in a special way (Egeria: model 0010).
const (
	additional    = "additionalProperties"
	qualifiedName = "qualifiedName"
)

// moveUnknown returns p with the unknown attributes in additionalProperties. A
// value that is already there must be equal.
func (c *checker) moveUnknown(p events.Properties, o CheckOptions) (events.Properties, error) {
	own, err := events.Property[map[string]string](p, additional)
	if err != nil {
		return p, atPointer(err, o.Pointer)
	}
	all := map[string]string{}
	if o.Partial && !has(p, additional) {
		// A stored value of another type is replaced.
		if stored, err := events.Property[map[string]string](o.Stored, additional); err == nil {
			maps.Copy(all, stored)
		}
	}
	maps.Copy(all, own)
	kept := map[string]any{}
	for m := p.Members(); m.Next(); {
		name, v := m.Name(), m.Value()
		if c.t.attribute(name) != nil {
			kept[name] = v
			continue
		}
		if v[0] == 'n' {
			delete(all, name)
			continue
		}
		text, err := textOf(v)
		if have, ok := own[name]; ok && have != text {
			err = errors.New("additionalProperties has another value under that name")
		}
		if err != nil {
			return p, events.Errorf(events.CodeInvalid, o.Pointer+pointerTo(name), "%s has no attribute %s, and %s", c.t.def.Name, quoted(name), err)
		}
		all[name] = text
	}
	kept[additional] = all
	moved := events.Props(kept)
	_, err = moved.MarshalJSON()
	return moved, err
}

// textOf returns a scalar as text, any other value as JSON.
func textOf(v jsontext.Value) (string, error) {
	if v[0] == '"' {
		return unquoted(v)
	}
	return string(v), nil
}

func has(p events.Properties, name string) bool {
	for m := p.Members(); m.Next(); {
		if m.Name() == name {
			return true
		}
	}
	return false
}
