package egeria

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Place is a place in the uncompressed archive.
type Place struct {
	// Line counts from 1.
	Line int64 `json:"line"`
	// Offset is the number of bytes before it: archives are often one line.
	Offset int64 `json:"offset"`
	// Pointer is the JSON pointer (RFC 6901); empty is the whole document.
	Pointer string `json:"pointer"`
}

// String names the line, the byte and the pointer.
func (p Place) String() string {
	text := fmt.Sprintf("line %d, byte %d", p.Line, p.Offset)
	if p.Pointer == "" {
		return text
	}
	return text + ", " + p.Pointer
}

// maxPointer bounds pointers into deeply nested data.
const maxPointer = 256

func short(pointer string) string {
	if len(pointer) <= maxPointer {
		return pointer
	}
	return strings.ToValidUTF8(pointer[:maxPointer], "") + "…"
}

// fault is what is wrong with a value, and where in the value.
type fault struct {
	pointer string
	reason  string
	// outcome is [Refused], or [Skipped] if the value need not be taken.
	outcome Outcome
}

func faultf(pointer, format string, args ...any) *fault {
	return &fault{pointer: pointer, reason: fmt.Sprintf(format, args...), outcome: Refused}
}

// skipf says why a whole item need not be taken.
func skipf(format string, args ...any) *fault {
	return &fault{reason: fmt.Sprintf(format, args...), outcome: Skipped}
}

func (f *fault) Error() string { return f.reason }

// below returns f for the value that has this one at pointer.
func (f *fault) below(pointer string) *fault {
	return &fault{pointer: pointer + f.pointer, reason: f.reason, outcome: f.outcome}
}

// member returns the pointer to a member of an object.
func member(name string) string { return string(jsontext.Pointer("").AppendToken(name)) }

// itemAt returns the pointer to an item of an array.
func itemAt(pointer string, index int) string { return pointer + "/" + strconv.Itoa(index) }

// offsetOf returns the offset of the value at a pointer in raw, which is valid JSON. If
// there is no such value, it is the offset of the value that should have it.
func offsetOf(raw jsontext.Value, pointer string) int {
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	best := 0
	for token := range jsontext.Pointer(pointer).Tokens() {
		if !enter(dec, token) {
			break
		}
		best = int(dec.InputOffset())
		for best < len(raw) && strings.IndexByte(" \t\r\n:,", raw[best]) >= 0 {
			best++
		}
	}
	return best
}

// enter moves dec to the value that a token names in the next object or array.
func enter(dec *jsontext.Decoder, token string) bool {
	open, err := dec.ReadToken()
	if err != nil {
		return false
	}
	kind := open.Kind()
	for index := 0; dec.PeekKind() != '}' && dec.PeekKind() != ']'; index++ {
		name := strconv.Itoa(index)
		switch kind {
		case '{':
			read, err := dec.ReadToken()
			if err != nil {
				return false
			}
			name = read.String()
		case '[':
		default:
			return false
		}
		if name == token {
			return true
		}
		if err := dec.SkipValue(); err != nil {
			return false
		}
	}
	return false
}

// faultOf turns an error of the JSON decoder into a fault.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		if e.GoType == nil {
			return faultf(string(e.JSONPointer), "%s", e.Err)
		}
		return faultf(string(e.JSONPointer), "expected %s, found %s", expected(e.GoType), kindName(e.JSONKind))
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		reason := e.Err.Error()
		if errors.Is(e.Err, jsontext.ErrDuplicateName) {
			reason = "the same name occurs twice in an object"
		}
		return faultf(string(e.JSONPointer), "%s", reason)
	}
	return faultf("", "%s", err)
}

// expected names the JSON that is decoded into a t.
func expected(t reflect.Type) string {
	names := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number",
		reflect.Slice: "an array",
	}
	return cmp.Or(names[t.Kind()], "an object")
}

func kindName(k jsontext.Kind) string {
	names := map[jsontext.Kind]string{
		'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "an array",
	}
	return cmp.Or(names[k], "no value")
}
