package cli

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/client"
)

// registry returns the types that the repository knows; if no repository answers, the
// types that this version ships.
func registry(ctx context.Context, m *client.Client) (*opentypes.Registry, error) {
	types, err := m.Registry(ctx)
	if events.CodeOf(err) == events.CodeUnavailable {
		return opentypes.Builtin()
	}
	return types, err
}

// typedValue reads text as a value of the named attribute of a type, which may be nil.
// It does not check the value.
func typedValue(typ *opentypes.Type, name, text string) jsontext.Value {
	if typ != nil {
		for _, a := range typ.Attributes() {
			if of, err := events.ParseValueType(a.Type); a.Name == name && err == nil {
				return valueOf(&of, text)
			}
		}
	}
	return jsonOrText(text)
}

func valueOf(of *events.ValueType, text string) jsontext.Value {
	switch of.Name {
	case events.ValueString, events.ValueChar:
		return quote(text)
	case events.ValueDate:
		if t, err := parseTime(text); err == nil {
			return quote(t.Format(time.RFC3339Nano))
		}
		return quote(text)
	case events.ValueArray:
		if text = strings.TrimSpace(text); text == "" || text[0] == '[' {
			return jsonOrText(cmp.Or(text, "[]"))
		}
		var items []jsontext.Value
		for item := range strings.SplitSeq(text, ",") {
			items = append(items, valueOf(of.Of, strings.TrimSpace(item)))
		}
		return marshaled(items)
	default:
		return jsonOrText(text)
	}
}

// jsonOrText returns the text itself if it is JSON, otherwise a JSON string.
func jsonOrText(text string) jsontext.Value {
	if v := jsontext.Value(strings.TrimSpace(text)); v.IsValid() {
		return v
	}
	return quote(text)
}

func quote(text string) jsontext.Value { return marshaled(text) }

// marshaled returns a value as JSON.
func marshaled(v any) jsontext.Value {
	data, err := events.Marshal(v)
	if err != nil {
		return jsontext.Value("null")
	}
	return data
}
