package dataservice

import (
	"github.com/go-json-experiment/json/jsontext"
)

// Plain returns an entity as plain JSON for people and programs that know the types:
// its properties, and its children below their names.
func (e *DataEntity) Plain() map[string]any {
	plain := make(map[string]any, len(e.Properties)+len(e.Children))
	for name, value := range e.Properties {
		plain[name] = plainJSON(value)
	}
	for name, children := range e.Children {
		all := make([]map[string]any, len(children))
		for i := range children {
			all[i] = children[i].Plain()
		}
		plain[name] = all
	}
	return plain
}

// ParseText reads a value of a type as it is typed at a terminal.
func ParseText(text string, t Type, pointer string) (any, error) {
	switch t {
	case TypeBoolean, TypeInteger, TypeJSON, TypeList:
		raw := jsontext.Value(text)
		if !raw.IsValid() {
			return nil, invalid(pointer, "expected %s", t.noun())
		}
		if t == TypeJSON {
			return raw, nil
		}
		value, err := readValue(raw, pointer)
		if err != nil {
			return nil, err
		}
		return Convert(value, t, pointer)
	default: // text
	}
	value, ok := parse(text, t)
	if !ok {
		return nil, invalid(pointer, "expected %s", t.noun())
	}
	return value, nil
}
