package host

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"
)

var (
	// errTimeout is the cause of the end of a call that took too long.
	errTimeout = errors.New("timed out")
	// errAbandoned is the outcome of a call that goes on after its ctx has ended.
	errAbandoned = errors.New("does not return after cancel")
	errExited    = errors.New("the goroutine was ended (runtime.Goexit)")
)

// panicError is a panic of a connector as an error.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }

// call runs f in a goroutine of its own. It returns what f returned or panicked
// with, or errAbandoned if f does not return within grace after its ctx has
// ended. Without a timeout only ctx ends it.
func call(ctx context.Context, timeout, grace time.Duration, f func(context.Context) error) error {
	if timeout == 0 {
		timeout = math.MaxInt64
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	returned := make(chan error, 1)
	go func() {
		err := errExited
		defer func() { returned <- err }()
		if err = protect(ctx, f); err != nil && errors.Is(context.Cause(ctx), errTimeout) {
			err = fmt.Errorf("%w after %s: %w", errTimeout, timeout, err)
		}
	}()
	select {
	case err := <-returned:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case err := <-returned:
		return err
	case <-patience.C:
		return fmt.Errorf("%w: %w", context.Cause(ctx), errAbandoned)
	}
}

// protect turns a panic of f into an error.
func protect(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return f(ctx)
}
