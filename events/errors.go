package events

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Code tells the sender what to do about an [Error].
type Code string

// The codes of errors that travel in replies and dead letters.
const (
	// CodeInvalid: the event or its data is malformed. Correct it and send it again.
	CodeInvalid Code = "invalid"
	// CodeUnknownType: no such element, relationship or classification type.
	CodeUnknownType Code = "unknown_type"
	// CodeNotFound: the command names an element or relationship that does not exist.
	CodeNotFound Code = "not_found"
	// CodeConflict: the qualified name or guid is already taken by another element.
	CodeConflict Code = "conflict"
	// CodeRefused: the element belongs to another metadata source.
	CodeRefused Code = "refused"
	// CodeStale: the sender's assignment was given to another node. Stop.
	CodeStale Code = "stale_generation"
	// CodeTooLarge: the element does not fit into a message.
	CodeTooLarge Code = "too_large"
	// CodeUnsupported: the connector does not do that.
	CodeUnsupported Code = "unsupported"
	// CodeConnection: the third party cannot be reached, or does not let the connector in.
	CodeConnection Code = "invalid_connection"
	// CodeCanceled: the caller has canceled the request.
	CodeCanceled Code = "canceled"
	// CodeUnavailable: the request could not be handled in time. Try again.
	CodeUnavailable Code = "unavailable"
	// CodeInternal: a defect of Camena. Report it with the log of the node.
	CodeInternal Code = "internal"
)

// Error is a typed error about an event, in a form that travels.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// Pointer is the JSON pointer (RFC 6901) into the event's data, or the name of
	// the attribute; empty for the whole event.
	Pointer string `json:"pointer,omitempty"`
}

// Errorf returns an [*Error] with a formatted message.
func Errorf(code Code, pointer, format string, args ...any) *Error {
	return &Error{Code: code, Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}

// Error returns the pointer, if any, and the message.
func (e *Error) Error() string {
	if e.Pointer == "" {
		return e.Message
	}
	return e.Pointer + ": " + e.Message
}

// Is reports whether target is an [*Error] of the same code; a target without
// a code matches every Error.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && (t.Code == "" || t.Code == e.Code)
}

// CodeOf returns the code of the first [*Error] in err's chain, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// maxPointer bounds pointers into deeply nested data.
const maxPointer = 256

// AsError returns the [*Error] that err wraps; any other error becomes one of the code
// [CodeInvalid].
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(CodeInvalid, "", "%s", err)
}

// invalidJSON turns a decoder's error into an [*Error] that points at the field.
func invalidJSON(err error) *Error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return semanticError(e)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntacticError(e)
	}
	return Errorf(CodeInvalid, "", "not valid JSON: %s", err)
}

func semanticError(e *json.SemanticError) *Error {
	pointer := string(e.JSONPointer)
	if inner, ok := errors.AsType[*Error](e.Err); ok {
		return &Error{Code: inner.Code, Message: inner.Message, Pointer: pointer + inner.Pointer}
	}
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return Errorf(CodeInvalid, pointer, "unknown field; remove it or check its spelling")
	case e.GoType == nil:
		return Errorf(CodeInvalid, pointer, "wrong type: %s", e.Err)
	}
	want, readsText := expected(e.GoType)
	if readsText && e.JSONKind == '"' && e.Err != nil {
		return Errorf(CodeInvalid, pointer, "expected %s: %s", want, e.Err)
	}
	found := kindName(e.JSONKind)
	if e.JSONKind == '0' && !readsText && e.JSONValue != nil && want != textWanted {
		found = string(e.JSONValue)
	}
	return Errorf(CodeInvalid, pointer, "expected %s, found %s", want, found)
}

func syntacticError(e *jsontext.SyntacticError) *Error {
	pointer := string(e.JSONPointer)
	if len(pointer) > maxPointer {
		pointer = strings.ToValidUTF8(pointer[:maxPointer], "") + "…"
	}
	switch {
	case errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, io.EOF):
		return Errorf(CodeInvalid, pointer, "the JSON document ends too early, at byte %d", e.ByteOffset)
	case errors.Is(e.Err, jsontext.ErrDuplicateName):
		return Errorf(CodeInvalid, pointer, "the same name occurs twice")
	default:
		return Errorf(CodeInvalid, pointer, "not valid JSON at byte %d: %s", e.ByteOffset, e.Err)
	}
}
