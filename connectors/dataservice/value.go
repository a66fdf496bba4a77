package dataservice

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Values are the named values of an entity. A value is one of nil, bool, string,
// int64, float64, [Decimal], [time.Time], [LocalTime], [Date], [Clock],
// [uuid.UUID], []byte, [jsontext.Value] for a JSON document, and []any of these.
// Nil is null; a name that is absent has no value at all.
//
// Each keeps its type and its digits in JSON. What JSON has no form for is an
// object with one member, whose name is the type: {"@time": "…"}. JSON that
// people write needs none of these: [Convert] makes the type of a property of it.
//
//nolint:recvcheck // a value that only decoding changes
type Values map[string]any

// The types of values that are text.
type (
	// Decimal is a number with exact digits: -12.50, 1e400.
	Decimal string
	// LocalTime is a date and time without a zone: 2006-01-02T15:04:05.
	LocalTime string
	// Date is a day: 2006-01-02.
	Date string
	// Clock is a time of day: 15:04:05.
	Clock string
)

// The layouts of local times, and of clocks.
const (
	localTime = "2006-01-02T15:04:05.999999999"
	clockTime = "15:04:05.999999999"
)

// MarshalJSONTo writes the values in the order of their names.
func (v Values) MarshalJSONTo(enc *jsontext.Encoder) error {
	raw := make(map[string]jsontext.Value, len(v))
	for name, value := range v {
		encoded, err := appendValue(nil, value, "/"+name)
		if err != nil {
			return err
		}
		raw[name] = encoded
	}
	return json.MarshalEncode(enc, raw, json.Deterministic(true))
}

// UnmarshalJSONFrom reads what MarshalJSONTo writes, and plain JSON.
func (v *Values) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var raw map[string]jsontext.Value
	if err := json.UnmarshalDecode(dec, &raw); err != nil {
		return err
	}
	*v = make(Values, len(raw))
	for name, encoded := range raw {
		value, err := readValue(encoded, "/"+name)
		if err != nil {
			return err
		}
		(*v)[name] = value
	}
	return nil
}

func invalid(pointer, format string, args ...any) error {
	return events.Errorf(events.CodeInvalid, pointer, format, args...)
}

// tagged returns the text of a value that JSON has no form for.
func tagged(value any) (text string, ok bool) {
	switch v := value.(type) {
	case Decimal:
		return string(v), true
	case LocalTime:
		return string(v), true
	case Date:
		return string(v), true
	case Clock:
		return string(v), true
	case time.Time:
		return v.Format(time.RFC3339Nano), true
	case uuid.UUID:
		return v.String(), true
	case []byte:
		return base64.StdEncoding.EncodeToString(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	default:
		return "", false
	}
}

func appendValue(to []byte, value any, pointer string) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(to, "null"...), nil
	case bool:
		return strconv.AppendBool(to, v), nil
	case int64:
		return strconv.AppendInt(to, v, 10), nil
	case string:
		return appendText(to, v, pointer)
	case jsontext.Value:
		if !v.IsValid() {
			return nil, invalid(pointer, "not valid JSON")
		}
		return append(append(append(to, `{"@json":`...), v...), '}'), nil
	case []any:
		return appendItems(to, v, pointer)
	}
	text, ok := tagged(value)
	if !ok {
		return nil, invalid(pointer, "a value has the Go type %T, which is none of those of Values", value)
	}
	to, err := appendText(append(to, `{"@`+string(typeOf(value))+`":`...), text, pointer)
	return append(to, '}'), err
}

func appendText(to []byte, text, pointer string) ([]byte, error) {
	to, err := jsontext.AppendQuote(to, text)
	if err != nil {
		return nil, invalid(pointer, "%s", err)
	}
	return to, nil
}

func appendItems(to []byte, items []any, pointer string) (_ []byte, err error) {
	to = append(to, '[')
	for i, item := range items {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = appendValue(to, item, pointer+"/"+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}

func readValue(raw jsontext.Value, pointer string) (any, error) {
	switch raw.Kind() {
	case 'n':
		return nil, nil //nolint:nilnil // null is a value
	case 't', 'f':
		return raw.Kind() == 't', nil
	case '"':
		return unquote(raw, pointer)
	case '0':
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return n, nil
		}
		return Decimal(raw), nil
	case '[':
		return readItems(raw, pointer)
	default:
		return readObject(raw, pointer)
	}
}

func unquote(raw jsontext.Value, pointer string) (string, error) {
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return "", invalid(pointer, "%s", err)
	}
	return string(text), nil
}

func readItems(raw jsontext.Value, pointer string) (any, error) {
	var items []jsontext.Value
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, invalid(pointer, "%s", err)
	}
	values := make([]any, len(items))
	for i, item := range items {
		value, err := readValue(item, pointer+"/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// readObject reads a tagged value; any other object is a JSON document.
func readObject(raw jsontext.Value, pointer string) (any, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, invalid(pointer, "%s", err)
	}
	for name, member := range members {
		if len(members) > 1 || !strings.HasPrefix(name, "@") {
			break
		}
		if name == "@json" {
			return member.Clone(), nil
		}
		if member.Kind() != '"' {
			return nil, invalid(pointer+"/"+name, "expected a string")
		}
		text, err := unquote(member, pointer+"/"+name)
		if err != nil {
			return nil, err
		}
		t := Type(name[1:])
		value, ok := parse(text, t)
		if !ok || t == TypeString {
			return nil, invalid(pointer+"/"+name, "no such value; an object with one member that begins with @ is a typed value, as in {\"@decimal\": \"12.50\"}")
		}
		return value, nil
	}
	return raw.Clone(), nil
}

// parse reads the text of a value of a type.
func parse(text string, t Type) (value any, ok bool) {
	switch t {
	case TypeString:
		return text, true
	case TypeDecimal:
		return Decimal(text), jsontext.Value(text).Kind() == '0' && jsontext.Value(text).IsValid()
	case TypeTime:
		v, err := time.Parse(time.RFC3339Nano, text)
		return v, err == nil
	case TypeLocalTime:
		return LocalTime(text), isTime(localTime, text)
	case TypeDate:
		return Date(text), isTime(time.DateOnly, text)
	case TypeClock:
		return Clock(text), isTime(clockTime, text)
	case TypeGUID:
		v, err := uuid.Parse(text)
		return v, err == nil && len(text) == len(uuid.Nil.String())
	case TypeBytes:
		v, err := base64.StdEncoding.DecodeString(text)
		return v, err == nil
	case TypeDouble:
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil
	default:
		return nil, false
	}
}

func isTime(layout, text string) bool {
	_, err := time.Parse(layout, text)
	return err == nil
}

// Convert makes a value of the type of a property of one that was read from JSON.
// It loses no digit: what the type cannot hold is an error at the pointer. Values
// that have the type already are returned as they are.
func Convert(value any, t Type, pointer string) (any, error) {
	if value == nil || typeOf(value) == t {
		return value, nil
	}
	switch v := value.(type) {
	case string:
		if converted, ok := parse(v, t); ok && t != TypeDecimal {
			return converted, nil
		}
	case int64:
		switch {
		case t == TypeDecimal:
			return Decimal(strconv.FormatInt(v, 10)), nil
		case t == TypeDouble && int64(float64(v)) == v && v != math.MaxInt64:
			return float64(v), nil
		}
	case Decimal:
		if f, err := strconv.ParseFloat(string(v), 64); t == TypeDouble && err == nil {
			return f, nil // the nearest double is what its digits mean
		}
	}
	if t == TypeJSON {
		raw, err := appendValue(nil, value, pointer)
		return jsontext.Value(raw), err
	}
	return nil, invalid(pointer, "expected %s, found %s", t.noun(), typeOf(value).noun())
}
