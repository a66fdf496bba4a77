package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/client"
)

// registry returns the types that the repository knows; while none answers,
// those that this version ships.
func registry(ctx context.Context, m *client.Client) (*opentypes.Registry, error) {
	known, err := knownTypes(ctx, m, events.Types{})
	switch {
	case events.CodeOf(err) == events.CodeUnavailable:
		return opentypes.Builtin()
	case err != nil:
		return nil, err
	}
	return registryOf(known)
}

func registryOf(known []events.KnownType) (*opentypes.Registry, error) {
	defs := make([]events.TypeDef, len(known))
	for i := range known {
		defs[i] = known[i].TypeDef
	}
	r, _, err := new(opentypes.Registry).Apply(defs...)
	return r, err
}

// knownTypes asks for definitions, page by page.
func knownTypes(ctx context.Context, m *client.Client, q events.Types) ([]events.KnownType, error) {
	all, _, err := collect(&paging{all: true}, &q.Page, events.All(ctx, m, &q))
	return all, err
}

// typedValue reads text as a value of the named attribute of a type, which may
// be nil.
func typedValue(types *opentypes.Registry, typ *opentypes.Type, name, text string) (jsontext.Value, error) {
	if typ != nil {
		list := typ.Attributes()
		i := slices.IndexFunc(list, func(a events.AttributeDef) bool { return a.Name == name })
		if i >= 0 {
			of, err := events.ParseValueType(list[i].Type)
			if err != nil {
				return nil, err
			}
			return valueOf(types, of, text)
		}
	}
	return guessed(text)
}

// guessed is JSON where the text is some, else the text.
func guessed(text string) (jsontext.Value, error) {
	if v := jsontext.Value(text); v.IsValid() {
		return v, nil
	}
	return quote(text)
}

func quote(text string) (jsontext.Value, error) {
	data, err := events.Marshal(text)
	return data, err
}

func valueOf(types *opentypes.Registry, of events.ValueType, text string) (jsontext.Value, error) {
	switch of.Name {
	case events.ValueString, events.ValueChar:
		return quote(text)
	case events.ValueDate:
		t, err := parseTime(text)
		if err != nil {
			return nil, err
		}
		return quote(t.Format(time.RFC3339Nano))
	case events.ValueAny:
		return guessed(text)
	case events.ValueArray:
		return listOf(types, *of.Of, text)
	case events.ValueMap:
		return jsonValue(text, '{', `a JSON object such as {"key": "value"}`)
	case events.ValueBoolean:
		if text != "true" && text != "false" {
			return nil, errors.New("expected true or false")
		}
		return jsontext.Value(text), nil
	}
	if of.IsPrimitive() {
		return jsonValue(text, '0', "a number")
	}
	if t, ok := types.Type(of.Name); ok && t.Kind() == events.KindStruct {
		return jsonValue(text, '{', "a JSON object, the struct "+of.Name)
	}
	return quote(text) // the name of an enum's value
}

func jsonValue(text string, kind jsontext.Kind, want string) (jsontext.Value, error) {
	v := jsontext.Value(strings.TrimSpace(text))
	if !v.IsValid() || v.Kind() != kind {
		return nil, fmt.Errorf("expected %s, found %s", want, kindOf(v))
	}
	return v, nil
}

// kindOf says what there is in the place of a value. It is not repeated: it may
// be a secret.
func kindOf(v jsontext.Value) string {
	if !v.IsValid() {
		return "text"
	}
	switch v.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '0':
		return "a number"
	default:
		return "text"
	}
}

// listOf reads a JSON array, or values with commas between them.
func listOf(types *opentypes.Registry, of events.ValueType, text string) (jsontext.Value, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "["):
		return jsonValue(trimmed, '[', "a JSON array")
	case trimmed == "":
		return jsontext.Value("[]"), nil
	}
	var list []jsontext.Value
	for i, item := range strings.Split(trimmed, ",") {
		v, err := valueOf(types, of, strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		list = append(list, v)
	}
	data, err := events.Marshal(list)
	return data, err
}

// parseTime reads a day or a point in time.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("expected a time such as 2026-05-01 or 2026-05-01T08:00:00Z")
}
