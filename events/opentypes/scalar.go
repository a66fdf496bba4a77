package opentypes

import (
	"bytes"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// primitive is what a value is in JSON.
type primitive struct {
	kind query.Kind
	// want describes the values; is reports whether a value is one. They are zero where
	// other checks decide, or none.
	want string
	is   func(v jsontext.Value) bool
}

// primitiveOf returns the values of a built-in type.
func primitiveOf(typeName string) primitive {
	switch typeName {
	case events.ValueString:
		return primitive{query.String, "a string", isString}
	case events.ValueBoolean:
		return primitive{query.Boolean, "true or false", func(v jsontext.Value) bool { return v[0] == 't' || v[0] == 'f' }}
	case events.ValueDate:
		return primitive{query.Time, "a time such as 2006-01-02T15:04:05Z", isDate}
	case events.ValueChar:
		return primitive{query.String, "a string of one character", isChar}
	case events.ValueFloat, events.ValueDouble, events.ValueBigDecimal:
		return primitive{query.Number, "a number", isNumber}
	case events.ValueBigInteger:
		return primitive{query.Number, "a whole number, without fraction or exponent", isWhole}
	case events.ValueByte:
		return wholeOf(8)
	case events.ValueShort:
		return wholeOf(16)
	case events.ValueInt:
		return wholeOf(32)
	case events.ValueLong:
		return wholeOf(64)
	case events.ValueArray:
		return primitive{kind: query.Array}
	case events.ValueMap:
		return primitive{kind: query.Object}
	default:
		return primitive{}
	}
}

// wholeOf are the signed whole numbers of a size in bits.
func wholeOf(bits int) primitive {
	limit := int64(1)<<(bits-1) - 1
	return primitive{query.Number, fmt.Sprintf("a whole number from %d to %d", -limit-1, limit), func(v jsontext.Value) bool {
		return isWholeOf(v, uint64(limit)) //nolint:gosec // positive
	}}
}

func isString(v jsontext.Value) bool { return v[0] == '"' }

func isNumber(v jsontext.Value) bool { return v[0] == '-' || v[0] >= '0' && v[0] <= '9' }

// isWhole reports whether v is a number without fraction and exponent.
func isWhole(v jsontext.Value) bool {
	if !isNumber(v) {
		return false
	}
	if v[0] == '-' {
		v = v[1:]
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isWholeOf reports whether v is a whole number up to a limit; a negative one may be
// further from 0 by one.
func isWholeOf(v jsontext.Value, limit uint64) bool {
	const digits = 19 // of the largest signed 64-bit number; 19 digits fit into uint64
	if !isWhole(v) {
		return false
	}
	if v[0] == '-' {
		v, limit = v[1:], limit+1
	}
	if len(v) > digits {
		return false
	}
	n := uint64(0)
	for _, c := range v {
		n = n*10 + uint64(c-'0')
	}
	return n <= limit
}

func isChar(v jsontext.Value) bool {
	if v[0] != '"' {
		return false
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return utf8.RuneCount(v[1:len(v)-1]) == 1
	}
	text, err := unquoted(v)
	return err == nil && utf8.RuneCountInString(text) == 1
}

// isDate reports whether v is an RFC 3339 time.
func isDate(v jsontext.Value) bool {
	if v[0] != '"' || bytes.IndexByte(v, '\\') >= 0 {
		return false
	}
	var t time.Time
	return t.UnmarshalText(v[1:len(v)-1]) == nil
}

func unquoted(v jsontext.Value) (string, error) {
	text, err := jsontext.AppendUnquote(nil, v)
	return string(text), err
}
