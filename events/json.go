package events

import (
	"bytes"
	"encoding"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Unmarshal decodes data strictly into a T: unknown fields, duplicate names,
// wrong types and trailing bytes are an [*Error] with a JSON pointer. A field
// that is null is as good as absent.
func Unmarshal[T any](data []byte) (T, error) {
	var v, zero T
	if err := unmarshal(data, &v); err != nil {
		return zero, err
	}
	return v, nil
}

// unmarshal is [Unmarshal] into what v points to.
func unmarshal(data []byte, v any) error {
	switch string(bytes.TrimSpace(data)) {
	case "":
		return Errorf(CodeInvalid, "", "the data is empty; JSON is expected")
	case "null":
		return Errorf(CodeInvalid, "", "the data is null; a value is expected")
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true)); err != nil {
		return invalidJSON(err)
	}
	return nil
}

// Marshal encodes v deterministically: the same value gives the same bytes.
func Marshal(v any) ([]byte, error) {
	return json.Marshal(v, json.Deterministic(true))
}

// textWanted is expected where a number is not repeated: it may be a secret.
const textWanted = "a string"

// expected says in words what is decoded into a t, and whether t reads it from
// text itself; such a t says what is wrong with the text, and what was found is
// not repeated, since it may be a secret.
func expected(t reflect.Type) (want string, readsText bool) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time such as 2006-01-02T15:04:05Z", false
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "a string", true
	}
	switch t.Kind() {
	case reflect.String:
		return textWanted, false
	case reflect.Bool:
		return "true or false", false
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number", false
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative", false
	case reflect.Float32, reflect.Float64:
		return "a number", false
	case reflect.Slice, reflect.Array:
		return "an array", false
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "an object", false
	default:
		return t.String(), false
	}
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	default:
		return "something else"
	}
}
