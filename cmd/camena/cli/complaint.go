package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// explained is a refusal in words that say where on the command line or in a file
// the mistake is.
type explained struct {
	text    string
	refusal *events.Error
}

func explainedAs(e *events.Error, format string, args ...any) error {
	return &explained{text: fmt.Sprintf(format, args...), refusal: e}
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.refusal }

// isExplained reports whether nothing is to be said any more about an error.
func isExplained(err error) bool {
	_, ok := errors.AsType[*explained](err)
	return ok
}

// plain leaves out where in a question its mistake is: the user has written
// flags and arguments, not JSON.
func plain(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" && !isExplained(err) {
		return explainedAs(e, "%s", e.Message)
	}
	return err
}

// shapedError is an error that is to be told as a document.
type shapedError struct {
	error
	form string
}

func (e *shapedError) Unwrap() error { return e.error }

// shaped has the error of a command told in the form of its output.
func shaped(cmd *cobra.Command, err error) error {
	if err == nil || cmd == nil {
		return err
	}
	if flag := cmd.Flags().Lookup("output"); flag != nil && (flag.Value.String() == outputJSON || flag.Value.String() == outputYAML) {
		return &shapedError{error: err, form: flag.Value.String()}
	}
	return err
}

// The codes of errors that no repository knows.
const codeFailed events.Code = "failed"

// complain tells the error that ends the program.
func complain(w io.Writer, err error) {
	s, ok := errors.AsType[*shapedError](err)
	if !ok {
		fmt.Fprintln(w, "camena:", err)
		return
	}
	told := events.Error{Code: cmp.Or(events.CodeOf(err), codeFailed), Message: err.Error()}
	if e, ok := errors.AsType[*events.Error](err); ok {
		told.Pointer = e.Pointer
	}
	if errors.Is(err, bus.ErrUnreachable) {
		told.Code = events.CodeUnavailable
	}
	o := output{form: s.form}
	if err := o.print(w, &told); err != nil {
		fmt.Fprintln(w, "camena:", s.error)
	}
}
