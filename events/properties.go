package events

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Properties are the named values of an element, relationship or
// classification: a JSON object, kept in one canonical form (names sorted, no
// white space, numbers as written), so that equal properties are equal bytes.
// The zero value is the empty object.
//
// A Properties made by [Props] from a value that JSON cannot express carries
// the error until it is encoded.
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
func ParseProperties(data []byte) (Properties, error) {
	v := jsontext.Value(bytes.Clone(data))
	if err := canonicalize(&v); err != nil {
		return Properties{}, invalidJSON(err)
	}
	if v.Kind() != '{' {
		return Properties{}, Errorf(CodeInvalid, "", "expected an object, found %s", kindName(v.Kind()))
	}
	return propertiesOf(v), nil
}

func propertiesOf(canonical jsontext.Value) Properties {
	if len(canonical) <= len("{}") {
		return Properties{}
	}
	return Properties{raw: canonical}
}

func canonicalize(v *jsontext.Value) error {
	return v.Format(
		jsontext.ReorderRawObjects(true),
		jsontext.CanonicalizeRawInts(false),
		jsontext.CanonicalizeRawFloats(false),
	)
}

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
// []any, map[string]any.
func (p Properties) Map() map[string]any {
	m := map[string]any{}
	if p.raw != nil && json.Unmarshal(p.raw, &m) != nil {
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
	fields, err := p.fields()
	if err != nil {
		return v, err
	}
	raw, ok := fields[name]
	if !ok {
		return v, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		e := invalidJSON(err)
		e.Pointer = "/" + name + e.Pointer
		return v, e
	}
	return v, nil
}

// Merge returns p with every property of patch set; a null in patch clears the
// property (Egeria: mergeUpdate, with the way to clear that it lacks).
func (p Properties) Merge(patch Properties) (Properties, error) {
	if patch.IsZero() {
		return p, nil
	}
	have, err := p.fields()
	if err != nil {
		return Properties{}, err
	}
	want, err := patch.fields()
	if err != nil {
		return Properties{}, err
	}
	maps.Copy(have, want)
	return joinFields(have), nil
}

// WithoutNulls returns p without the properties whose value is null, which
// only mean something in a merge.
func (p Properties) WithoutNulls() (Properties, error) {
	if !bytes.Contains(p.raw, []byte(":null")) {
		return p, p.err
	}
	have, err := p.fields()
	if err != nil {
		return Properties{}, err
	}
	return joinFields(have), nil
}

func joinFields(fields map[string]jsontext.Value) Properties {
	out := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name].Kind() == 'n' {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, name) //nolint:errcheck // the name came out of valid JSON
		out = append(append(out, ':'), fields[name]...)
	}
	return propertiesOf(append(out, '}'))
}

func (p Properties) fields() (map[string]jsontext.Value, error) {
	if p.err != nil {
		return nil, p.err
	}
	fields := map[string]jsontext.Value{}
	if p.raw == nil {
		return fields, nil
	}
	err := json.Unmarshal(p.raw, &fields)
	return fields, err
}

// MarshalJSONTo writes the object, or fails with the error of [Props].
func (p Properties) MarshalJSONTo(enc *jsontext.Encoder) error {
	if p.err != nil {
		return p.err
	}
	return enc.WriteValue(p.Raw())
}

// UnmarshalJSONFrom reads an object and brings it into the canonical form.
func (p *Properties) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if v.Kind() == 'n' {
		return Errorf(CodeInvalid, "", "expected an object, found null")
	}
	q, err := ParseProperties(v)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return e
		}
		return err
	}
	*p = q
	return nil
}
