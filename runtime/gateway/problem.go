package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/camena-io/camena/events"
)

// Problem is an error in an answer (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Code tells a program what to do about it, and Pointer where it is in the body.
	Code    events.Code `json:"code,omitempty"`
	Pointer string      `json:"pointer,omitempty"`
}

// ProblemOf returns what an answer says about an error.
func ProblemOf(err error) Problem {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = events.Errorf(events.CodeTooLarge, "", "the body is larger than %d MiB", MaxBody>>20)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = events.Errorf(events.CodeUnavailable, "", "there was no answer in time")
	}
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		e = events.Errorf(events.CodeInternal, "", "%s", err)
	}
	status := statusOf(e.Code)
	return Problem{Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code, Pointer: e.Pointer}
}

func statusOf(c events.Code) int {
	switch c {
	case events.CodeInvalid, events.CodeUnknownType:
		return http.StatusBadRequest
	case events.CodeNotFound:
		return http.StatusNotFound
	case events.CodeConflict, events.CodeStale, events.CodeCanceled:
		return http.StatusConflict
	case events.CodeRefused:
		return http.StatusForbidden
	case events.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case events.CodeUnsupported:
		return http.StatusNotImplemented
	case events.CodeConnection:
		return http.StatusBadGateway
	case events.CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// Fail answers with an error.
func Fail(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	Answer(w, "application/problem+json", p.Status, p)
}

// Answer answers with a value as JSON.
func Answer(w http.ResponseWriter, contentType string, status int, value any) {
	data, err := events.Marshal(value)
	if err != nil {
		status, data = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
