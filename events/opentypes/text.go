package opentypes

import (
	"cmp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// ReadText reads text that a person has typed as a value of an attribute: a list may be
// JSON or have commas, and where the type does not say what it holds, or is nil, text
// is JSON if it can be read so. readTime reads a date. ReadText does not check the
// value.
func (t *Type) ReadText(name, text string, readTime func(string) (time.Time, error)) jsontext.Value {
	if t != nil {
		for _, a := range t.attributes {
			if of, err := events.ParseValueType(a.def.Type); a.def.Name == name && err == nil {
				return readText(&of, text, readTime)
			}
		}
	}
	return jsonOrText(text)
}

func readText(of *events.ValueType, text string, readTime func(string) (time.Time, error)) jsontext.Value {
	switch of.Name {
	case events.ValueString, events.ValueChar:
		return quote(text)
	case events.ValueDate:
		if t, err := readTime(text); err == nil {
			return quote(t.Format(time.RFC3339Nano))
		}
		return quote(text)
	case events.ValueArray:
		if text = strings.TrimSpace(text); text == "" || text[0] == '[' {
			return jsonOrText(cmp.Or(text, "[]"))
		}
		var items []jsontext.Value
		for item := range strings.SplitSeq(text, ",") {
			items = append(items, readText(of.Of, strings.TrimSpace(item), readTime))
		}
		list, _ := events.Marshal(items) // they are JSON
		return list
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

// quote returns a text as JSON; null if it is not UTF-8.
func quote(text string) jsontext.Value {
	v, _ := events.Marshal(text)
	return v
}
