package spec

import (
	"maps"
	"slices"

	"github.com/camena-io/camena/connectors/dataservice"
)

// maxAllOf bounds how deep schemas are put together.
const maxAllOf = 16

// flat returns the properties of a schema, and of those that it is put together of.
func (t *tree) flat(schema map[string]any, depth int) (properties map[string]any, required []any) {
	properties = map[string]any{}
	if depth > maxAllOf {
		return properties, nil
	}
	for _, of := range list(schema["allOf"]) {
		part, _, err := t.resolve(of, "")
		if err != nil {
			continue // the properties of the others are still true
		}
		more, needed := t.flat(part, depth+1)
		maps.Copy(properties, more)
		required = append(required, needed...)
	}
	maps.Copy(properties, object(schema["properties"]))
	return properties, append(required, list(schema["required"])...)
}

// fields returns the properties of an object as definitions, in the order of their
// names.
func (t *tree) fields(schema map[string]any) []dataservice.PropertyDefinition {
	properties, required := t.flat(schema, 0)
	fields := make([]dataservice.PropertyDefinition, 0, len(properties))
	for _, name := range sortedKeys(properties) {
		field := t.property(name, properties[name])
		field.Required = slices.Contains(required, any(name)) && !field.NoInput
		fields = append(fields, field)
	}
	return fields
}

// property returns the definition of a property. One whose schema cannot be read is
// any JSON.
func (t *tree) property(name string, of any) dataservice.PropertyDefinition {
	schema, _, err := t.resolve(of, "")
	if err != nil {
		return dataservice.PropertyDefinition{Name: name, Type: dataservice.TypeJSON, Nullable: true}
	}
	p := dataservice.PropertyDefinition{
		Name: name, Description: text(schema["description"]), Type: t.typeOf(schema, 0),
		Nullable: schema["nullable"] == true, NoInput: schema["readOnly"] == true, NoOutput: schema["writeOnly"] == true,
	}
	if schema["type"] != "array" {
		return p
	}
	if items, _, err := t.resolve(schema["items"], ""); err == nil && t.typeOf(items, 0) != dataservice.TypeJSON {
		p.Type, p.MaxOccurs = t.typeOf(items, 0), -1
	}
	return p
}

// typeOf returns the type of the values of a schema: JSON for objects, lists, and
// what has several forms.
func (t *tree) typeOf(schema map[string]any, depth int) dataservice.Type {
	format := text(schema["format"])
	switch schema["type"] {
	case "boolean":
		return dataservice.TypeBoolean
	case "integer":
		return dataservice.TypeInteger
	case "number":
		if format == "double" || format == "float" {
			return dataservice.TypeDouble
		}
		return dataservice.TypeDecimal
	case "string":
		is, ok := map[string]dataservice.Type{
			"date-time": dataservice.TypeTime, "date": dataservice.TypeDate, "uuid": dataservice.TypeGUID,
			"byte": dataservice.TypeBytes, "binary": dataservice.TypeBytes,
		}[format]
		if !ok {
			return dataservice.TypeString
		}
		return is
	}
	for _, of := range list(schema["allOf"]) {
		part, _, err := t.resolve(of, "")
		if err != nil || depth > maxAllOf {
			continue
		}
		if found := t.typeOf(part, depth+1); found != dataservice.TypeJSON {
			return found
		}
	}
	return dataservice.TypeJSON
}

// result returns what the schema of a response says of the JSON. What cannot be read
// is left out: the JSON can be read without it.
func (t *tree) result(of any, pointer string) (r Result) {
	schema, ref, err := t.resolve(of, pointer)
	if r.List = err == nil && schema["type"] == "array"; r.List {
		schema, ref, err = t.resolve(schema["items"], ref+"/items")
	}
	if err == nil {
		r.Ref, r.Fields = ref, t.fields(schema)
	}
	return r
}
