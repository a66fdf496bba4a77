package opentypes

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// wanted returns "" if v is a value of the primitive k, otherwise what it expects.
func (k valueKind) wanted(v jsontext.Value) string {
	switch k {
	case kindString:
		return expect(v[0] == '"', "a string")
	case kindBoolean:
		return expect(v[0] == 't' || v[0] == 'f', "true or false")
	case kindDate:
		return expect(isDate(v), "a time such as 2006-01-02T15:04:05Z")
	case kindChar:
		return expect(isChar(v), "a string of one character")
	case kindNumber:
		return expect(isNumber(v), "a number")
	case kindWhole:
		return expect(isNumber(v) && isWhole(v), "a whole number, without fraction or exponent")
	case kindByte:
		return expect(isWholeOf(v, 8), "a whole number from -128 to 127")
	case kindShort:
		return expect(isWholeOf(v, 16), "a whole number from -32768 to 32767")
	case kindInt:
		return expect(isWholeOf(v, 32), "a whole number from -2147483648 to 2147483647")
	default: // kindLong
		return expect(isWholeOf(v, 64), "a whole number from -9223372036854775808 to 9223372036854775807")
	}
}

func expect(good bool, want string) string {
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

// isWholeOf reports whether v is a signed whole number of the given size.
func isWholeOf(v jsontext.Value, bits int) bool {
	const digits = 19 // of the largest signed 64-bit number; 19 digits fit into uint64
	if !isNumber(v) || !isWhole(v) {
		return false
	}
	limit := uint64(1)<<(bits-1) - 1
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
