package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// Types tells what values rows hold.
type Types interface {
	// Values returns the kinds of values that rows may hold at a path; none if that
	// is not known. A path that no row has is an error at the pointer.
	Values(path, pointer string) ([]Value, error)
}

// Value is a kind of value that a row may hold.
type Value struct {
	Kind Kind
	// Item is the kind of the items of an array.
	Item *Value
	// Enum is the type of a string that has one of few values. CheckName returns
	// "" for one of them, otherwise what is expected.
	Enum      string
	CheckName func(name string, ignoreCase bool) (expected string)
}

// Kind is what a value is in JSON.
type Kind int

// The kinds.
const (
	Any Kind = iota
	Boolean
	Number
	String
	Time // a string with an RFC 3339 time
	Array
	Object
)

// The expectations in errors.
const (
	wantString = "a string"
	wantTime   = "a time such as 2006-01-02T15:04:05Z"
	wantArray  = "an array"
	wantObject = "an object"
)

func (v *Value) noun() string {
	if v.Enum != "" {
		return "a value of " + v.Enum
	}
	return [...]string{
		Any: "anything", Boolean: "true or false", Number: "a number", String: wantString, Time: "a time", Array: wantArray, Object: wantObject,
	}[v.Kind]
}

func (v *Value) isText() bool { return v.Kind == String || v.Kind == Time }

// takes reports whether a value of that kind can satisfy the operator.
func (v *Value) takes(o events.Operator) bool {
	switch o {
	case events.OpEqual, events.OpNotEqual, events.OpIn:
		return true
	case events.OpContains:
		return v.Kind == Any || v.Kind == Array || v.isText()
	case events.OpStartsWith, events.OpEndsWith, events.OpMatches:
		return v.Kind == Any || v.isText()
	default:
		return v.Kind == Any || v.Kind == Number || v.isText()
	}
}

// expects returns "" if the value can be compared with the literal, otherwise what
// is expected instead.
func (v *Value) expects(c *events.Condition, literal jsontext.Value) string {
	kinds := [...]string{Boolean: "tf", Number: "0", String: `"`, Time: `"`, Array: "[", Object: "{"}[v.Kind]
	switch {
	case v.Kind == Any:
		return ""
	case v.Kind == Array && c.Operator == events.OpContains:
		return v.Item.expects(&events.Condition{Operator: events.OpEqual, IgnoreCase: c.IgnoreCase}, literal)
	case strings.IndexByte(kinds, byte(literal.Kind())) < 0:
		return v.noun()
	case v.isText():
		return v.expectsText(c, textOf(literal, false))
	default:
		return ""
	}
}

// expectsText is [Value.expects] for a string. Operators that look at a part of the
// value take any text.
func (v *Value) expectsText(c *events.Condition, text string) string {
	switch c.Operator {
	case events.OpContains, events.OpStartsWith, events.OpEndsWith, events.OpMatches:
		return ""
	case events.OpEqual, events.OpNotEqual, events.OpIn:
		if v.CheckName != nil {
			return v.CheckName(text, c.IgnoreCase)
		}
		_, isTime := timeOf(text)
		return unless(v.Kind != Time || isTime, wantTime)
	default:
		return unless(v.Kind != Time || beginsTime(text), wantTime)
	}
}

func unless(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

// beginsTime reports whether the text is a time, or the beginning of one, which
// sorts before all times of that day, month or year.
func beginsTime(text string) bool {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// checkTypes refuses a comparison that no row can satisfy.
func (n *comparison) checkTypes(types Types, c *events.Condition, pointer string) error {
	values, err := types.Values(c.Property, pointer+"/property")
	if err != nil || len(values) == 0 || c.Operator == events.OpIsNull || c.Operator == events.OpNotNull {
		return err
	}
	if !slices.ContainsFunc(values, func(v Value) bool { return v.takes(c.Operator) }) {
		return invalid(pointer+"/operator", "%s does not suit %s, which holds %s", string(c.Operator), c.Property, values[0].noun())
	}
	pointer += "/value"
	for i := range n.values {
		at := pointer
		if c.Operator == events.OpIn {
			at += "/" + strconv.Itoa(i)
		}
		if err := checkLiteral(values, c, n.values[i].raw, at); err != nil {
			return err
		}
	}
	return nil
}

func checkLiteral(values []Value, c *events.Condition, literal jsontext.Value, pointer string) error {
	want := ""
	for i := range values {
		if !values[i].takes(c.Operator) {
			continue
		}
		if want = values[i].expects(c, literal); want == "" {
			return nil
		}
	}
	hint := ""
	if literal.Kind() != '"' && values[0].isText() {
		hint = ": put quotes around it"
	}
	return invalid(pointer, "%s is compared with %s; found %s%s", c.Property, want, Describe(literal), hint)
}

// Describe describes a value for an error. It repeats no string, which may be a
// secret.
func Describe(v jsontext.Value) string {
	const enough = 32
	switch v.Kind() {
	case '"':
		return wantString
	case '{':
		return wantObject
	case '[':
		return wantArray
	default:
		if len(v) > enough {
			return "a number of " + strconv.Itoa(len(v)) + " digits"
		}
		return string(v)
	}
}
