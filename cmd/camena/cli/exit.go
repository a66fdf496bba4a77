package cli

import "errors"

// The codes with which the program ends, beside 0.
const (
	exitFailed = 1
	// exitNothing says that nothing was done at all.
	exitNothing = 2
)

// exitError is an error that says with which code the program ends.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// exitCode returns the code for an error that ends the program.
func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitFailed
}
