package events

import "github.com/go-json-experiment/json/jsontext"

// Operator says how a [Condition] compares the value of a property with its own.
type Operator string

// The operators. A property that is missing, or null, satisfies only OpIsNull
// and OpNotEqual.
const (
	OpEqual          Operator = "eq"
	OpNotEqual       Operator = "neq"
	OpLess           Operator = "lt"
	OpLessOrEqual    Operator = "lte"
	OpGreater        Operator = "gt"
	OpGreaterOrEqual Operator = "gte"
	// OpIn: the property equals one of the values of an array.
	OpIn Operator = "in"
	// OpContains: the property is a string that contains the text, or an array
	// with that item.
	OpContains   Operator = "contains"
	OpStartsWith Operator = "startsWith"
	OpEndsWith   Operator = "endsWith"
	// OpMatches: the property is a string in which the regular expression (RE2)
	// matches somewhere; use ^ and $ to match the whole string.
	OpMatches Operator = "matches"
	OpIsNull  Operator = "isNull"
	OpNotNull Operator = "notNull"
)

// Condition is true or false of an element, relationship or classification. It
// is one of: And, Or, Not, or the comparison of a Property.
//
// Numbers are compared exactly, whatever their size. Two strings that are both
// times (RFC 3339) are compared as times, other strings byte by byte. A value of
// another kind does not satisfy the condition.
type Condition struct {
	And []Condition `json:"and,omitempty"`
	Or  []Condition `json:"or,omitempty"`
	Not *Condition  `json:"not,omitempty"`
	// Property is the path of the compared value: the name of an attribute; with
	// dots, a path into it (additionalProperties.owner). A path that starts with
	// "header." leads into the header (header.versions.updateTime), as do guid and
	// qualifiedName. header.versions.changeTime is the updateTime, or the createTime
	// if there is no update. The repository refuses a path that no type has, unless
	// it starts with [AnyProperty].
	Property string         `json:"property,omitempty"`
	Operator Operator       `json:"operator,omitempty"`
	Value    jsontext.Value `json:"value,omitzero"`
	// IgnoreCase compares strings without regard to case.
	IgnoreCase bool `json:"ignoreCase,omitzero"`
}

// AnyProperty is the prefix of a path that is accepted whether or not a type has
// such an attribute.
const AnyProperty = "properties."

// Compare returns the condition that compares a property with a Go value. The
// error of a value that JSON cannot express shows when the condition is used.
func Compare(property string, operator Operator, value any) Condition {
	c := Condition{Property: property, Operator: operator}
	if raw, err := Marshal(value); err == nil && value != nil {
		c.Value = raw
	}
	return c
}

// SortKey is a property to sort by.
type SortKey struct {
	// Property is a path, as in a [Condition].
	Property   string `json:"property"`
	Descending bool   `json:"descending,omitzero"`
}
