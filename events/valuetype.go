package events

import "strings"

// ValueType is the type of an attribute's value.
type ValueType struct {
	// Name is a primitive, "any", "array", "map", or the name of an enum or struct.
	Name string
	// Of is the type of the items of an array or map, otherwise nil.
	Of *ValueType
}

// The predefined names of [ValueType] (Egeria: PrimitiveDefCategory,
// CollectionDefCategory), and the form of their values in JSON.
const (
	ValueBoolean    = "boolean"    // true or false
	ValueByte       = "byte"       // a signed whole number of 8 bits; whole numbers have no fraction or exponent
	ValueChar       = "char"       // a string of one character
	ValueShort      = "short"      // a whole number of 16 bits
	ValueInt        = "int"        // a whole number of 32 bits
	ValueLong       = "long"       // a whole number of 64 bits
	ValueFloat      = "float"      // a number
	ValueDouble     = "double"     // a number
	ValueBigInteger = "biginteger" // a whole number of any size
	ValueBigDecimal = "bigdecimal" // a number of any size and precision
	ValueString     = "string"     // a string
	ValueDate       = "date"       // a string such as 2006-01-02T15:04:05Z (RFC 3339)
	ValueAny        = "any"        // any JSON value
	ValueArray      = "array"      // an array
	ValueMap        = "map"        // an object
)

// maxValueDepth bounds the nesting of arrays and maps.
const maxValueDepth = 8

// ParseValueType reads the expression of a value type: one of the
// primitives boolean, byte, char, short, int, long, float, double, biginteger,
// bigdecimal, string, date; any; array<T> and map<string,T> of a type T; or the
// name of an enum, whose values are strings that name one, or of a struct, whose
// values are objects. It contains no spaces.
func ParseValueType(expression string) (ValueType, error) {
	t, ok := parseValueType(expression, maxValueDepth)
	switch {
	case expression == "":
		return ValueType{}, Errorf(CodeInvalid, "", "missing: a value type such as string, int, date, array<string> or map<string,string>")
	case !ok:
		return ValueType{}, Errorf(CodeInvalid, "", "%s is not a value type: use boolean, byte, char, short, int, long, float, double, "+
			"biginteger, bigdecimal, string, date, any, array<T>, map<string,T>, or the name of an enum or struct", quoted(expression))
	}
	return t, nil
}

func parseValueType(expression string, depth int) (ValueType, bool) {
	for _, collection := range [2]struct{ name, opening string }{
		{ValueArray, "array<"}, {ValueMap, "map<string,"},
	} {
		inner, ok := strings.CutPrefix(expression, collection.opening)
		if !ok {
			continue
		}
		inner, closed := strings.CutSuffix(inner, ">")
		if !closed || depth == 0 {
			return ValueType{}, false
		}
		of, ok := parseValueType(inner, depth-1)
		return ValueType{Name: collection.name, Of: &of}, ok
	}
	t := ValueType{Name: expression}
	return t, t.IsPrimitive() || expression == ValueAny || t.IsNamed() && validTypeName("", expression) == nil
}

// IsPrimitive reports whether t is one of the primitives.
func (t ValueType) IsPrimitive() bool {
	switch t.Name {
	case ValueBoolean, ValueByte, ValueChar, ValueShort, ValueInt, ValueLong, ValueFloat, ValueDouble,
		ValueBigInteger, ValueBigDecimal, ValueString, ValueDate:
		return true
	default:
		return false
	}
}

// IsNamed reports whether t is the name of an enum or struct.
func (t ValueType) IsNamed() bool {
	return !t.IsPrimitive() && t.Name != ValueAny && t.Name != ValueArray && t.Name != ValueMap
}

// String returns the expression.
func (t ValueType) String() string {
	switch {
	case t.Of == nil:
		return t.Name
	case t.Name == ValueMap:
		return "map<string," + t.Of.String() + ">"
	default:
		return t.Name + "<" + t.Of.String() + ">"
	}
}
