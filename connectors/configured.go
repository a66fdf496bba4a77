package connectors

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// Configured returns the factory of connectors whose configuration is a C, a struct.
// The declaration of C is all that there is to say about the configuration: the
// checks of "apply", the form that a person fills in, the JSON Schema and what
// "camena connectors kinds" shows are made of it. The tags of a field:
//
//	json      its name
//	doc       what it is, in a few words
//	default   its value where none is given, as JSON; a string without quotes
//	required  "true" where it must be given
//	oneOf     the strings that it can be, separated by commas
//
// A [Secret] is given by reference.
func Configured[C any](kind, description string, build func(C) (Connector, error)) Factory {
	return Factory{
		Kind: kind, Description: description, Fields: fieldsOf(reflect.TypeFor[C]()),
		New: func(configuration events.Properties) (Connector, error) {
			c, err := DecodeConfig[C](configuration)
			if err != nil {
				return nil, err
			}
			return build(c)
		},
	}
}

// fieldsOf describes the fields of a configuration.
func fieldsOf(t reflect.Type) (fields []dataservice.Field) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		field := dataservice.Field{ID: name, Label: f.Tag.Get("doc"), Type: typeOf(f.Type), Required: f.Tag.Get("required") == "true"}
		field.Secret = f.Type == reflect.TypeFor[Secret]()
		if words := f.Tag.Get("oneOf"); words != "" {
			for word := range strings.SplitSeq(words, ",") {
				field.Options = append(field.Options, dataservice.Option{Value: word})
			}
		}
		if text, ok := f.Tag.Lookup("default"); ok {
			if value, err := dataservice.ParseText(text, field.Type, ""); err == nil {
				field.Default = dataservice.Values{"value": value}
			}
		}
		fields = append(fields, field)
	}
	return fields
}

func typeOf(t reflect.Type) dataservice.Type {
	switch {
	case t == reflect.TypeFor[Secret](), t == reflect.TypeFor[events.Duration]():
		return dataservice.TypeString
	case t.Kind() == reflect.Bool:
		return dataservice.TypeBoolean
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return dataservice.TypeInteger
	case t.Kind() == reflect.Float64:
		return dataservice.TypeDouble
	case t.Kind() == reflect.String:
		return dataservice.TypeString
	case t.Kind() == reflect.Slice:
		return dataservice.TypeList
	default:
		return dataservice.TypeJSON
	}
}

// complete checks a configuration against its declaration, and adds what is given by
// default.
func complete(configuration events.Properties, fields []dataservice.Field) (events.Properties, error) {
	given, err := events.Unmarshal[map[string]jsontext.Value](configuration.Raw())
	if err != nil {
		return configuration, err
	}
	if err := knownNames(given, fields); err != nil {
		return configuration, err
	}
	values := map[string]any{}
	for name, raw := range given {
		values[name] = raw
	}
	for i := range fields {
		f := &fields[i]
		raw := given[f.ID]
		switch absent := len(raw) == 0 || raw.Kind() == 'n' || string(raw) == `""`; {
		case absent && f.Default != nil:
			values[f.ID] = f.Default["value"]
		case absent && f.Required:
			return configuration, events.Errorf(events.CodeInvalid, "/"+f.ID, "missing: %s", f.Label)
		case !absent && len(f.Options) > 0:
			if err := oneOf(raw, f); err != nil {
				return configuration, err
			}
		}
	}
	return events.Props(values), nil
}

// knownNames refuses a name that is not declared.
func knownNames(given map[string]jsontext.Value, fields []dataservice.Field) error {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].ID
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if len(fields) > 0 && !slices.Contains(names, name) {
			return events.Errorf(events.CodeInvalid, "/"+name, "unknown field; remove it or check its spelling%s", suggest.Nearest(name, names))
		}
	}
	return nil
}

func oneOf(raw jsontext.Value, f *dataservice.Field) error {
	var words []string
	for _, o := range f.Options {
		words = append(words, o.Value)
	}
	text, err := events.Unmarshal[string](raw)
	if err != nil || slices.Contains(words, text) {
		return nil //nolint:nilerr // decoding says what is wrong
	}
	return events.Errorf(events.CodeInvalid, "/"+f.ID, "%s is none of %s%s", strconv.Quote(text), strings.Join(words, ", "), suggest.Nearest(text, words))
}

// Form is what a person fills in to configure a connector of the kind.
func (f *Factory) Form() dataservice.Form {
	return dataservice.Form{Sections: []dataservice.FormSection{{Title: f.Kind, Fields: f.Fields}}}
}

// Schema is the JSON Schema of the configuration.
func (f *Factory) Schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range f.Fields {
		field := &f.Fields[i]
		schema := map[string]any{"description": field.Label}
		if name := jsonType(field.Type); name != "" {
			schema["type"] = name
		}
		if field.Default != nil {
			schema["default"] = field.Default["value"]
		}
		if field.Secret {
			schema["pattern"] = "^(env|file):."
		}
		if len(field.Options) > 0 {
			words := make([]string, len(field.Options))
			for j := range words {
				words[j] = field.Options[j].Value
			}
			schema["enum"] = words
		}
		properties[field.ID] = schema
		if field.Required {
			required = append(required, field.ID)
		}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f.Kind, "description": f.Description,
		"type": "object", "additionalProperties": false, "properties": properties, "required": required,
	}
}

func jsonType(t dataservice.Type) string {
	switch t {
	case dataservice.TypeBoolean:
		return "boolean"
	case dataservice.TypeInteger:
		return "integer"
	case dataservice.TypeDouble:
		return "number"
	case dataservice.TypeString:
		return "string"
	case dataservice.TypeList:
		return "array"
	default:
		return ""
	}
}
