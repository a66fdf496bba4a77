package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/camena-io/camena/events"
)

// Error is a mistake in a file.
type Error struct {
	File string
	Line int
	// About names the resource, type or command, if it is known, and Field the value
	// in it that is wrong.
	About, Field string
	Err          error
}

func (e *Error) Error() string {
	message := e.Err.Error()
	if cause, ok := errors.AsType[*events.Error](e.Err); ok {
		message = cause.Message
	}
	parts := []string{fmt.Sprintf("%s:%d", e.File, e.Line), e.About, e.Field, message}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// document is one YAML document of a file, as JSON.
type document struct {
	file   string
	json   jsontext.Value
	nodes  map[string]source // by JSON pointer
	faults []fault
}

// source is what the file has for a value.
type source struct {
	line int
	// text is that of a scalar. It is plain if it is neither quoted nor a block.
	text  string
	plain bool
}

// fault is a mistake in the value that a pointer names, by which it has no JSON.
type fault struct {
	pointer string
	err     error
}

// parse returns the documents of a file that are not empty.
func parse(file string, content []byte) ([]*document, error) {
	parsed, err := parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey())
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return nil, &Error{File: file, Line: e.GetToken().Position.Line, Err: fmt.Errorf("not YAML: %s", e.GetMessage())}
	}
	if err != nil {
		return nil, &Error{File: file, Line: 1, Err: fmt.Errorf("not YAML: %w", err)}
	}
	var all []*document
	for _, doc := range parsed.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentType {
			all = append(all, convert(file, doc.Body))
		}
	}
	return all, nil
}

// place is a value in a document, and the name of what it describes.
type place struct {
	*document
	pointer, about string
}

// invalid returns what is wrong with the value, or with a value in it.
func (p place) invalid(pointer, format string, args ...any) error {
	return p.located(pointer, events.Errorf(events.CodeInvalid, pointer, format, args...))
}

// located names the line of a value in the value that err is about.
func (p place) located(pointer string, err error) *Error {
	return &Error{File: p.file, Line: p.line(p.pointer + pointer), About: p.about, Field: strings.TrimPrefix(pointer, "/"), Err: err}
}

// pointerOf returns where in a value an error points.
func pointerOf(err error) string {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" {
		return "/" + strings.TrimPrefix(e.Pointer, "/")
	}
	return ""
}

// line returns the line of the value that a pointer names, or of the innermost
// one there is around it.
func (d *document) line(pointer string) int {
	for {
		if n, ok := d.nodes[pointer]; ok || pointer == "" {
			return n.line
		}
		pointer = string(jsontext.Pointer(pointer).Parent())
	}
}

// faultsIn returns the mistakes in the value that a pointer names, or in what is in
// it.
func (p place) faultsIn(pointer string, inner bool) (errs []error) {
	for _, f := range p.faults {
		rest, ok := strings.CutPrefix(f.pointer, p.pointer+pointer)
		if ok && (rest == "" || inner && rest[0] == '/') {
			errs = append(errs, f.err)
		}
	}
	return errs
}
