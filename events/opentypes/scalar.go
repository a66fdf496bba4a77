package opentypes

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// wanted returns "" if v is a value of the primitive t, else what is wanted.
func (t *value) wanted(v jsontext.Value) string {
	switch t.name {
	case events.ValueString:
		return unless(v[0] == '"', "a string")
	case events.ValueBoolean:
		return unless(v[0] == 't' || v[0] == 'f', "true or false")
	case events.ValueDate:
		return unless(isDate(v), "a time such as 2006-01-02T15:04:05Z")
	case events.ValueChar:
		return unless(isChar(v), "a string of one character")
	case events.ValueFloat, events.ValueDouble, events.ValueBigDecimal:
		return unless(isNumber(v), "a number")
	case events.ValueBigInteger:
		return unless(isWhole(v), "a whole number, without fraction or exponent")
	case events.ValueByte:
		return unless(isWholeOf(v, 8), "a whole number from -128 to 127")
	case events.ValueShort:
		return unless(isWholeOf(v, 16), "a whole number from -32768 to 32767")
	case events.ValueInt:
		return unless(isWholeOf(v, 32), "a whole number from -2147483648 to 2147483647")
	default: // long
		return unless(isWholeOf(v, 64), "a whole number from -9223372036854775808 to 9223372036854775807")
	}
}

func unless(good bool, want string) string {
	if good {
		return ""
	}
	return want
}

func isNumber(v jsontext.Value) bool { return v[0] == '-' || v[0] >= '0' && v[0] <= '9' }

// isWhole reports whether v is a number without fraction and exponent.
func isWhole(v jsontext.Value) bool {
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

// isWholeOf reports whether v is a whole number of so many bits, signed.
func isWholeOf(v jsontext.Value, bits int) bool {
	const digits = 20 // of the smallest number of 64 bits, with its sign
	if !isNumber(v) || !isWhole(v) || len(v) > digits {
		return false
	}
	limit := uint64(1)<<(bits-1) - 1
	if v[0] == '-' {
		v, limit = v[1:], limit+1
	}
	n := uint64(0)
	for _, c := range v {
		n = n*10 + uint64(c-'0') // 20 digits at most: what overflows was too large before
		if n > limit {
			return false
		}
	}
	return true
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

// isDate reports whether v is a time as RFC 3339 has it.
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

// described says what a value is. Strings are not repeated: they may be secret.
func described(v jsontext.Value) string {
	const enough = 32
	switch v[0] {
	case 'n', 't', 'f':
		return string(v)
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	if len(v) > enough {
		return "a number of " + strconv.Itoa(len(v)) + " digits"
	}
	return string(v)
}
