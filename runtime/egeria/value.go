package egeria

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// wireProperties are the properties of an instance (Egeria: InstanceProperties).
type wireProperties struct {
	From   instant                  `json:"effectiveFromTime"`
	To     instant                  `json:"effectiveToTime"`
	Values map[string]*wireProperty `json:"instanceProperties"`
}

// wireProperty is the value of a property (Egeria: InstancePropertyValue and its
// subclasses).
type wireProperty struct {
	Class     string          `json:"class"`
	Category  string          `json:"instancePropertyCategory"`
	TypeName  string          `json:"typeName"`
	Primitive string          `json:"primitiveDefCategory"`
	Value     jsontext.Value  `json:"primitiveValue"`
	Ordinal   *int64          `json:"ordinal"`
	Symbol    string          `json:"symbolicName"`
	Count     *int64          `json:"arrayCount"`
	Array     *wireProperties `json:"arrayValues"`
	Map       *wireProperties `json:"mapValues"`
	Struct    *wireProperties `json:"attributes"`
}

// The classes of property values, and what instancePropertyCategory calls them.
const (
	classPrimitive = "PrimitivePropertyValue"
	classEnum      = "EnumPropertyValue"
	classArray     = "ArrayPropertyValue"
	classMap       = "MapPropertyValue"
	classStruct    = "StructPropertyValue"
)

// values converts the properties at a pointer. Properties without a value are left out.
func (p *Plan) values(pointer string, w *wireProperties, depth int) (map[string]any, *fault) {
	out := map[string]any{}
	if w == nil {
		return out, nil
	}
	for _, name := range slices.Sorted(maps.Keys(w.Values)) {
		value := w.Values[name]
		if value == nil {
			continue
		}
		converted, f := p.value(value, depth)
		if f != nil {
			return nil, f.below(pointer + "/instanceProperties" + member(name))
		}
		if converted != nil {
			out[name] = converted
		}
	}
	return out, nil
}

// value converts one value, nil if there is none.
func (p *Plan) value(w *wireProperty, depth int) (any, *fault) {
	if depth > events.MaxDepth {
		return nil, faultf("", "nested deeper than %d levels", events.MaxDepth)
	}
	class, f := w.class()
	if f != nil {
		return nil, f
	}
	switch class {
	case classPrimitive:
		return w.primitive()
	case classEnum:
		return p.symbol(w)
	case classArray:
		return p.array(w, depth)
	case classMap:
		return p.values("/mapValues", w.Map, depth+1)
	default:
		return p.values("/attributes", w.Struct, depth+1)
	}
}

// class returns the class of the value, which has a class, a category or both.
func (p *wireProperty) class() (string, *fault) {
	classes := []string{classPrimitive, classEnum, classArray, classMap, classStruct}
	byName, byCategory := simpleName(p.Class), ""
	if c := p.Category; c != "" {
		byCategory = c[:1] + strings.ToLower(c[1:]) + "PropertyValue"
		if c != strings.ToUpper(c) || !slices.Contains(classes, byCategory) {
			return "", faultf("/instancePropertyCategory", "unknown category of property value %q: expected PRIMITIVE, ENUM, ARRAY, MAP or STRUCT", short(c))
		}
	}
	switch {
	case byName == "" && byCategory == "":
		return "", faultf("", "the property value has neither class nor instancePropertyCategory")
	case byName == "":
		return byCategory, nil
	case !slices.Contains(classes, byName):
		return "", faultf("/class", "unknown class of property value %q: expected one such as %s", short(p.Class), classPrimitive)
	case byCategory != "" && byCategory != byName:
		return "", faultf("/instancePropertyCategory", "the category is %s, but the class is %s", p.Category, byName)
	}
	return byName, nil
}

// symbol returns the name of an enum's value. The ordinal decides if the enum is
// known: releases of Egeria write the names differently.
func (p *Plan) symbol(w *wireProperty) (any, *fault) {
	if w.Ordinal != nil {
		if name, ok := p.nameOf(w.TypeName, *w.Ordinal); ok {
			return name, nil
		}
	}
	switch {
	case w.Symbol != "":
		return symbolName(w.Symbol), nil
	case w.Ordinal == nil:
		return nil, nil
	default:
		return nil, faultf("/ordinal", "the value has an ordinal, %d, but no symbolicName, and the enum %q is not known to have it", *w.Ordinal, short(w.TypeName))
	}
}

// symbolName makes the name of an enum's value from the text that Egeria shows:
// "Approved concept" becomes Approved_concept, and "<Unknown>" becomes Unknown.
func symbolName(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		isDigit := r >= '0' && r <= '9'
		return !isDigit && (r|0x20 < 'a' || r|0x20 > 'z')
	})
	return cmp.Or(strings.Join(words, "_"), text)
}

// array converts the members "0", "1", and so on.
func (p *Plan) array(w *wireProperty, depth int) (any, *fault) {
	values, f := p.values("/arrayValues", w.Array, depth+1)
	if f != nil {
		return nil, f
	}
	if w.Count != nil && *w.Count != int64(len(values)) {
		return nil, faultf("/arrayCount", "arrayCount is %d, but there are %d values", *w.Count, len(values))
	}
	out := make([]any, len(values))
	for i := range out {
		value, ok := values[strconv.Itoa(i)]
		if !ok {
			return nil, faultf("/arrayValues", "the array has %d values, but none at %d", len(values), i)
		}
		out[i] = value
	}
	return out, nil
}

// primitive converts a value by the name of its type, "int" or
// OM_PRIMITIVE_TYPE_INT.
func (p *wireProperty) primitive() (any, *fault) {
	if p.Value == nil || p.Value.Kind() == 'n' {
		return nil, nil
	}
	typeName := strings.ToLower(p.Primitive)
	if typeName = strings.TrimPrefix(typeName, "om_primitive_type_"); typeName == "" {
		typeName = p.TypeName
	}
	value, f := primitiveOf(typeName, p.Value)
	switch {
	case f == nil:
		return value, nil
	case f.pointer == pointsAtType && p.Primitive != "":
		return nil, faultf("/primitiveDefCategory", "%s", f.reason)
	case f.pointer == pointsAtType:
		return nil, faultf("/typeName", "%s", f.reason)
	}
	return nil, f.below("/primitiveValue")
}

// pointsAtType marks a fault in the type, not in the value.
const pointsAtType = "type"

func primitiveOf(typeName string, raw jsontext.Value) (any, *fault) {
	kind := raw.Kind()
	switch typeName {
	case events.ValueString, events.ValueChar:
		if kind != '"' {
			return nil, faultf("", "expected a string, found %s", kindName(kind))
		}
		text := unquote(raw)
		if typeName == events.ValueChar && utf8.RuneCountInString(text) != 1 {
			return nil, faultf("", "expected one character, found %q", short(text))
		}
		return text, nil
	case events.ValueBoolean:
		if kind != 't' && kind != 'f' {
			return nil, faultf("", "expected true or false, found %s", kindName(kind))
		}
		return kind == 't', nil
	case events.ValueDate:
		t, f := parseTime(raw)
		if f != nil {
			return nil, f
		}
		return t.Format(time.RFC3339Nano), nil
	case events.ValueByte, events.ValueShort, events.ValueInt, events.ValueLong, events.ValueBigInteger:
		return whole(typeName, raw)
	case events.ValueFloat, events.ValueDouble, events.ValueBigDecimal:
		return number(typeName, raw)
	case "unknown", "object", "":
		if kind == '{' || kind == '[' {
			return nil, faultf("", "expected a primitive, found %s", kindName(kind))
		}
		return raw.Clone(), nil
	default:
		return nil, faultf(pointsAtType, "unknown primitive type %q", short(typeName))
	}
}

// maxDigits bounds numbers: the time to parse one grows faster than its length.
const maxDigits = 1000

// whole converts an integer, or a string of one, as some archives have for big ones.
func whole(typeName string, raw jsontext.Value) (any, *fault) {
	text := string(raw)
	if raw.Kind() == '"' {
		text = unquote(raw)
	}
	n, ok := new(big.Int), len(text) <= maxDigits
	if ok {
		n, ok = n.SetString(text, 10)
	}
	if !ok {
		return nil, faultf("", "expected a whole number, found %s", short(string(raw)))
	}
	bits := map[string]int{events.ValueByte: 8, events.ValueShort: 16, events.ValueInt: 32, events.ValueLong: 64}[typeName]
	if _, err := strconv.ParseInt(text, 10, bits); err != nil && typeName != events.ValueBigInteger {
		return nil, faultf("", "%s does not fit %s", short(text), typeName)
	}
	return jsontext.Value(n.String()), nil
}

func number(typeName string, raw jsontext.Value) (any, *fault) {
	text := raw
	if raw.Kind() == '"' {
		text = jsontext.Value(unquote(raw))
	}
	if len(text) > maxDigits || text.Kind() != '0' || !text.IsValid() {
		return nil, faultf("", "expected a number, found %s", short(string(raw)))
	}
	if _, err := strconv.ParseFloat(string(text), 64); err != nil && typeName != events.ValueBigDecimal {
		return nil, faultf("", "%s does not fit %s", short(string(text)), typeName)
	}
	return text.Clone(), nil
}
