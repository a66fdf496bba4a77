package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/manifest"
)

// The codes with which the program ends, besides 0.
const (
	exitFailed = 1
	// exitNothing says that nothing was done at all.
	exitNothing = 2
)

// exitError is an error with the code with which the program ends.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitFailed
}

// messageError is an error with another message, which names what is wrong as the
// user wrote it: a flag, a setting, a place in a file.
type messageError struct {
	text string
	err  error
}

func withMessage(err error, format string, args ...any) error {
	return &messageError{text: fmt.Sprintf(format, args...), err: err}
}

func (e *messageError) Error() string { return e.text }
func (e *messageError) Unwrap() error { return e.err }

func hasMessage(err error) bool {
	_, ok := errors.AsType[*messageError](err)
	_, inFile := errors.AsType[*manifest.Error](err)
	return ok || inFile
}

// codeFailed is the code of errors that have no other.
const codeFailed events.Code = "failed"

// formOf returns the form in which a command prints, also its error.
func formOf(cmd *cobra.Command) string {
	if flag := cmd.Flags().Lookup("output"); flag != nil {
		return flag.Value.String()
	}
	return outputTable
}

// printError prints the error that ends the program: as a document, if the
// command prints documents.
func printError(w io.Writer, err error, form string) {
	o := output{form: form}
	document := events.Error{Code: cmp.Or(events.CodeOf(err), codeFailed), Message: err.Error()}
	if e, ok := errors.AsType[*events.Error](err); ok {
		document.Pointer = e.Pointer
	}
	if errors.Is(err, bus.ErrUnreachable) {
		document.Code = events.CodeUnavailable
	}
	if !o.json() || o.print(w, &document) != nil {
		fmt.Fprintln(w, "camena:", err)
	}
}
