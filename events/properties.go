package events

import (
	"bytes"
	"cmp"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays in [Properties] may stand in each
// other: less by far than JSON libraries take, since properties travel within
// commands, changes, answers and histories.
const MaxDepth = 100

// Properties are the named values of an element, relationship or
// classification: a JSON object, kept in one canonical form (names sorted, no
// white space, numbers as written), so that equal properties are equal bytes.
// The zero value is the empty object.
//
// A Properties made by [Props] from a value that JSON cannot express carries
// the error until it is encoded. They nest at most [MaxDepth] deep.
//
//nolint:recvcheck // a value that only decoding changes
type Properties struct {
	raw jsontext.Value
	err error
}

// Props makes properties from Go values: strings, numbers, booleans, times,
// slices, maps and structs. A nil value clears the property in a merge.
func Props(values map[string]any) Properties {
	raw, err := Marshal(values)
	if err != nil {
		return Properties{err: Errorf(CodeInvalid, "", "properties: %s", err)}
	}
	p, err := ParseProperties(raw)
	if err != nil {
		p.err = err
	}
	return p
}

// ParseProperties reads a JSON object; it keeps no reference to data.
func ParseProperties(data []byte) (Properties, error) { return Unmarshal[Properties](data) }

func propertiesOf(canonical jsontext.Value) Properties {
	if len(canonical) <= len("{}") {
		return Properties{}
	}
	return Properties{raw: canonical}
}

// CanonicalProperties takes over what [Properties.Raw] returned before, without
// looking at it again; the caller must not change it.
func CanonicalProperties(raw []byte) Properties { return propertiesOf(raw) }

// Raw returns the canonical JSON object. The caller must not change it.
func (p Properties) Raw() []byte {
	if len(p.raw) == 0 {
		return []byte("{}")
	}
	return p.raw
}

// IsZero reports whether there is no property at all.
func (p Properties) IsZero() bool { return len(p.raw) == 0 && p.err == nil }

// Equal reports whether p and q hold the same properties.
func (p Properties) Equal(q Properties) bool {
	return bytes.Equal(p.raw, q.raw) && (p.err == nil) == (q.err == nil)
}

// Map returns the properties as Go values: string, float64, bool, nil,
// []any, map[string]any. A number that no float64 holds is a string.
func (p Properties) Map() map[string]any {
	m := map[string]any{}
	if p.raw == nil || json.Unmarshal(p.raw, &m) == nil {
		return m
	}
	clear(m)
	hugeNumbers := json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
		if dec.PeekKind() != '0' {
			return errors.ErrUnsupported // the usual way
		}
		number, err := dec.ReadValue()
		if err != nil {
			return err
		}
		*v = string(number)
		if f, err := strconv.ParseFloat(string(number), 64); err == nil {
			*v = f
		}
		return nil
	})
	if json.Unmarshal(p.raw, &m, json.WithUnmarshalers(hugeNumbers)) != nil {
		return nil
	}
	return m
}

// String returns the named property if it is a string, else "".
func (p Properties) String(name string) string {
	s, err := Property[string](p, name)
	if err != nil {
		return ""
	}
	return s
}

// Property decodes one property into a T. A missing property is the zero T; a
// property of another type is an [*Error] that points at it.
func Property[T any](p Properties, name string) (T, error) {
	var v T
	if p.err != nil {
		return v, p.err
	}
	raw := p.field(name)
	if raw == nil {
		return v, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		var zero T
		e := invalidJSON(err)
		return zero, &Error{
			Code: e.Code, Message: e.Message,
			Pointer: string(jsontext.Pointer("").AppendToken(name)) + e.Pointer,
		}
	}
	return v, nil
}

func (p Properties) field(name string) jsontext.Value {
	for m := p.Members(); m.Next(); {
		if m.Is(name) {
			return m.Value()
		}
	}
	return nil
}

// Merge returns p with every property of patch set; a null in patch clears the
// property (Egeria: mergeUpdate, with the way to clear that it lacks).
func (p Properties) Merge(patch Properties) (Properties, error) {
	if patch.IsZero() {
		return p, nil
	}
	if err := cmp.Or(p.err, patch.err); err != nil {
		return Properties{}, err
	}
	out := newObject(len(p.raw) + len(patch.raw))
	have, want := p.Members(), patch.Members()
	inHave, inWant := have.Next(), want.Next()
	for inHave || inWant {
		order := -1
		switch {
		case !inHave:
			order = 1
		case inWant:
			order = have.current.compare(&want.current)
		}
		if order < 0 {
			out.add(&have.current)
		} else {
			out.add(&want.current)
			inWant = want.Next()
		}
		if order <= 0 {
			inHave = have.Next()
		}
	}
	return out.properties(), nil
}

// WithoutNulls returns p without the properties whose value is null, which
// only mean something in a merge.
func (p Properties) WithoutNulls() (Properties, error) {
	if !bytes.Contains(p.raw, []byte(":null")) {
		return p, p.err
	}
	out := newObject(len(p.raw))
	for m := p.Members(); m.Next(); {
		out.add(&m.current)
	}
	return out.properties(), nil
}

// object is a canonical object in the making.
type object struct{ raw jsontext.Value }

func newObject(size int) object { return object{raw: append(make(jsontext.Value, 0, size), '{')} }

// add appends a member that sorts behind all before, unless it is null.
func (o *object) add(m *member) {
	if m.value.Kind() == 'n' {
		return
	}
	if len(o.raw) > 1 {
		o.raw = append(o.raw, ',')
	}
	o.raw = append(append(append(o.raw, m.name...), ':'), m.value...)
}

func (o *object) properties() Properties { return propertiesOf(append(o.raw, '}')) }

// MarshalJSONTo writes the object, or fails with the error of [Props].
func (p Properties) MarshalJSONTo(enc *jsontext.Encoder) error {
	if p.err != nil {
		return p.err
	}
	return enc.WriteValue(p.Raw())
}

// MarshalJSON is for package encoding/json, which would not see MarshalJSONTo.
func (p Properties) MarshalJSON() ([]byte, error) { return p.Raw(), p.err }

// UnmarshalJSON is for package encoding/json.
func (p *Properties) UnmarshalJSON(data []byte) error {
	q, err := ParseProperties(data)
	if err != nil {
		return err
	}
	*p = q
	return nil
}

// UnmarshalJSONFrom reads an object and brings it into the canonical form.
func (p *Properties) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if v.Kind() != '{' {
		return Errorf(CodeInvalid, "", "expected an object, found %s", kindName(v.Kind()))
	}
	own := v.Clone()
	if !isCanonical(own) {
		if err := Canonicalize(&own); err != nil {
			return err
		}
		if _, deepest := valueEnd(own, 0); deepest > MaxDepth {
			return Errorf(CodeInvalid, "", "nested deeper than %d levels", MaxDepth)
		}
	}
	*p = propertiesOf(own)
	return nil
}
