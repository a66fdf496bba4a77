package dataservice

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// DataEntity is one entity: a row of a table, the body of an API, a record of a
// service (Scribe: DataEntity; Google: entity; i2: entity or link).
type DataEntity struct {
	// ID identifies it within a result, where that needs it.
	ID     string `json:"id,omitempty"`
	Object string `json:"object"`
	// From and To are the ids of the ends of a link, or of seeds of the request.
	From       string `json:"from,omitempty"`
	To         string `json:"to,omitempty"`
	Properties Values `json:"properties,omitempty"`
	// Children are the entities below it, by the name of a property or of a related
	// entity of the query: an empty list where there are none.
	Children map[string][]DataEntity `json:"children,omitempty"`
}

// Value implements [query.Row] for conditions and sorting: what is compared is the
// plain JSON of a value. Times are compared in UTC.
func (e *DataEntity) Value(path string) jsontext.Value {
	value, ok := e.Properties[path]
	if !ok {
		// A path may begin with the name of the entity's object.
		if value, ok = e.Properties[strings.TrimPrefix(path, e.Object+".")]; !ok {
			return nil
		}
	}
	return plainJSON(value)
}

// plainJSON returns a value as canonical JSON that conditions compare.
func plainJSON(value any) jsontext.Value {
	var plain any
	switch v := value.(type) {
	case jsontext.Value:
		raw := v.Clone()
		if events.Canonicalize(&raw) != nil {
			return nil
		}
		return raw
	case Decimal:
		return jsontext.Value(v)
	case time.Time:
		plain = v.UTC().Format(time.RFC3339Nano)
	case float64:
		plain = v
	case []any:
		items := make([]jsontext.Value, len(v))
		for i, item := range v {
			items[i] = plainJSON(item)
		}
		plain = items
	default:
		if text, ok := tagged(value); ok {
			plain = text
		} else {
			plain = value
		}
	}
	raw, err := events.Marshal(plain)
	if err != nil {
		return nil // what JSON has no number for, such as NaN, equals nothing
	}
	return raw
}

// Normalize checks an entity against the definition of its object, and gives its
// values their types. All mistakes are told at once; each points at its place.
// Children are checked against what objects returns for the type of their property.
func Normalize(e *DataEntity, objects func(name string) (*ObjectDefinition, error), pointer string) []error {
	object, err := objects(e.Object)
	if err != nil {
		return []error{err}
	}
	if object == nil {
		return []error{events.Errorf(events.CodeNotFound, pointer+"/object", "there is no object %q", e.Object)}
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
		at := pointer + "/properties/" + name
		value, err := object.normal(name, e.Properties[name], at)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		e.Properties[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(e.Children)) {
		at := pointer + "/children/" + name
		p := object.Property(name)
		if p == nil || p.Type.IsValue() {
			mistakes = append(mistakes, invalid(at, "%s has no children %q", object.Name, name))
			continue
		}
		mistakes = append(mistakes, p.normalChildren(e.Children[name], objects, at)...)
	}
	return mistakes
}

// normalChildren is [Normalize] for the children of a property.
func (p *PropertyDefinition) normalChildren(children []DataEntity, objects func(name string) (*ObjectDefinition, error), pointer string) (mistakes []error) {
	if p.MaxOccurs >= 0 && len(children) > max(p.MaxOccurs, 1) {
		mistakes = append(mistakes, invalid(pointer, "at most %d; found %d", max(p.MaxOccurs, 1), len(children)))
	}
	for i := range children {
		if children[i].Object == "" {
			children[i].Object = string(p.Type)
		}
		mistakes = append(mistakes, Normalize(&children[i], objects, pointer+"/"+strconv.Itoa(i))...)
	}
	return mistakes
}

// normal returns the value of a property in its type.
func (o *ObjectDefinition) normal(name string, value any, pointer string) (any, error) {
	p := o.Property(name)
	switch {
	case p == nil:
		return nil, invalid(pointer, "%s has no property %q", o.Name, name)
	case !p.Type.IsValue():
		return nil, invalid(pointer, "%s is an entity: give it in children", name)
	case value == nil && !p.Nullable:
		return nil, invalid(pointer, "null is not allowed")
	}
	items, isList := value.([]any)
	if !isList || p.Type == TypeList {
		return Convert(value, p.Type, pointer)
	}
	if p.MaxOccurs == 0 || p.MaxOccurs == 1 {
		return nil, invalid(pointer, "expected %s, found a list", p.Type.noun())
	}
	converted := make([]any, len(items))
	for i := range items {
		var err error
		if converted[i], err = Convert(items[i], p.Type, pointer+"/"+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	return converted, nil
}
