package opentypes

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// What comparisons want.
const (
	wantString  = "a string"
	wantNumber  = "a number"
	wantBoolean = "true or false"
	wantTime    = "a time such as 2006-01-02T15:04:05Z"
	wantArray   = "an array"
	wantObject  = "an object"
)

// noun says what the value is, as what it is compared with.
func (t *value) noun() string {
	switch t.kind {
	case kindAny:
		return "anything"
	case kindBoolean:
		return wantBoolean
	case kindDate:
		return "a time"
	case kindArray:
		return wantArray
	case kindMap, kindStruct:
		return wantObject
	case kindEnum:
		return "a value of " + t.typ.def.Name
	case kindString, kindChar:
		return wantString
	default:
		return wantNumber
	}
}

// takes reports whether a value of that type can satisfy the operator.
func (t *value) takes(o events.Operator) bool {
	switch o {
	case events.OpEqual, events.OpNotEqual, events.OpIn:
		return true
	case events.OpContains:
		return t.kind == kindAny || t.kind == kindArray || t.isText()
	case events.OpStartsWith, events.OpEndsWith, events.OpMatches:
		return t.kind == kindAny || t.isText()
	default:
		return t.kind == kindAny || t.isText() || t.noun() == wantNumber
	}
}

// isText reports whether the value is a string in JSON.
func (t *value) isText() bool {
	switch t.kind {
	case kindString, kindChar, kindDate, kindEnum:
		return true
	default:
		return false
	}
}

// wants returns "" if the value can be compared so with the literal, else what
// is wanted.
func (t *value) wants(c *events.Condition, literal jsontext.Value) string {
	switch kind := literal.Kind(); {
	case t.kind == kindAny:
		return ""
	case t.kind == kindArray && c.Operator == events.OpContains:
		return t.of.wants(&events.Condition{Operator: events.OpEqual, IgnoreCase: c.IgnoreCase}, literal)
	case t.kind == kindArray:
		return expect(kind == '[', wantArray)
	case t.kind == kindMap || t.kind == kindStruct:
		return expect(kind == '{', wantObject)
	case t.kind == kindBoolean:
		return expect(kind == 't' || kind == 'f', wantBoolean)
	case !t.isText():
		return expect(kind == '0', wantNumber)
	case kind != '"':
		return t.noun()
	default:
		return t.wantsText(c, literal)
	}
}

// wantsText is about a literal that is a string. Parts of a value may be
// anything.
func (t *value) wantsText(c *events.Condition, literal jsontext.Value) string {
	text, err := unquoted(literal)
	if err != nil {
		return wantString
	}
	switch c.Operator {
	case events.OpContains, events.OpStartsWith, events.OpEndsWith, events.OpMatches:
		return ""
	case events.OpEqual, events.OpNotEqual, events.OpIn:
		if t.kind == kindEnum {
			return t.wantsName(text, c.IgnoreCase)
		}
		return expect(t.kind != kindDate || isDate(literal), wantTime)
	default:
		return expect(t.kind != kindDate || beginsTime(text), wantTime)
	}
}

func (t *value) wantsName(text string, ignoreCase bool) string {
	known := slices.ContainsFunc(t.typ.values, func(name string) bool {
		return name == text || ignoreCase && strings.EqualFold(name, text)
	})
	return expect(known, "the name of a value of "+t.typ.def.Name+": "+enumerate(t.typ.values)+suggest(text, t.typ.values))
}

// beginsTime reports whether the text is a time, or what one begins with, which
// stands before all times of that day, month or year.
func beginsTime(text string) bool {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}
