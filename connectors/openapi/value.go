package openapi

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// valueOf reads JSON of an API as the type that a property has; p is nil for what
// the document does not know. What does not have the type is read as what it is.
func valueOf(raw jsontext.Value, p *dataservice.PropertyDefinition) any {
	switch kind := raw.Kind(); {
	case kind == 'n':
		return nil
	case kind == '[' && p != nil && p.MaxOccurs < 0:
		if items, err := events.Unmarshal[[]jsontext.Value](raw); err == nil {
			values := make([]any, len(items))
			for i := range items {
				values[i] = valueOf(items[i], &dataservice.PropertyDefinition{Type: p.Type})
			}
			return values
		}
	case p != nil && p.Type != dataservice.TypeString && p.Type != dataservice.TypeJSON && kind != '[' && kind != '{':
		if value, err := dataservice.ParseText(scalar(raw), p.Type, ""); err == nil {
			return value
		}
	}
	switch {
	case p != nil && p.Type == dataservice.TypeJSON, raw.Kind() == '[', raw.Kind() == '{':
		return raw.Clone()
	case raw.Kind() == 't' || raw.Kind() == 'f':
		return raw.Kind() == 't'
	case raw.Kind() == '"':
		return scalar(raw)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n
	}
	return dataservice.Decimal(raw)
}

// entitiesOf reads a JSON object, or a list of objects, as entities. It reports
// whether it is one.
func entitiesOf(raw jsontext.Value, object string, fields []dataservice.PropertyDefinition) ([]dataservice.DataEntity, bool) {
	if raw.Kind() != '[' {
		raw = append(append(jsontext.Value{'['}, raw...), ']')
	}
	rows, err := events.Unmarshal[[]map[string]jsontext.Value](raw)
	all := make([]dataservice.DataEntity, len(rows))
	of := dataservice.ObjectDefinition{Properties: fields}
	for i, row := range rows {
		all[i] = dataservice.DataEntity{Object: object, Properties: make(dataservice.Values, len(row))}
		for name, value := range row {
			all[i].Properties[name] = valueOf(value, of.Property(name))
		}
	}
	return all, err == nil
}

// plain returns values as JSON, with all their digits.
func plain(values dataservice.Values) map[string]jsontext.Value {
	e := dataservice.DataEntity{Properties: values}
	all := make(map[string]jsontext.Value, len(values))
	for name, value := range e.Plain() {
		all[name], _ = value.(jsontext.Value)
	}
	return all
}

// scalar returns a JSON scalar as text.
func scalar(raw jsontext.Value) string {
	if raw.Kind() == '"' {
		if text, err := jsontext.AppendUnquote(nil, raw); err == nil {
			return string(text)
		}
	}
	return string(raw)
}

// escape escapes all that is not unreserved in a URL.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// serialize writes a value in the styles simple and form, as OpenAPI has them: the
// parts of a list or an object, which explode to one pair each in a query.
func serialize(raw jsontext.Value, explode bool, escape func(string) string) (parts []string, named bool, err error) {
	switch raw.Kind() {
	case '[':
		items, err := events.Unmarshal[[]jsontext.Value](raw)
		for _, item := range items {
			parts = append(parts, escape(scalar(item)))
		}
		return parts, false, err
	case '{':
		of, err := events.Unmarshal[map[string]jsontext.Value](raw)
		for _, name := range sortedKeys(of) {
			if explode {
				parts = append(parts, escape(name)+"="+escape(scalar(of[name])))
			} else {
				parts = append(parts, escape(name), escape(scalar(of[name])))
			}
		}
		return parts, explode, err
	default:
		return []string{escape(scalar(raw))}, false, nil
	}
}
