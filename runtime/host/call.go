package host

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

var (
	// errTimeout is the cause of the end of a call that took too long.
	errTimeout = errors.New("timed out")
	// errAbandoned is the outcome of a call that goes on after its ctx.
	errAbandoned = errors.New("does not return after cancel")
	errExited    = errors.New("the goroutine was ended (runtime.Goexit)")
)

// panicError is a panic of a connector as an error.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }

// call runs f in a goroutine and calls done once: with what f returned or
// panicked with, or with errAbandoned if f does not return within grace after
// its ctx has ended. Without a timeout only ctx ends it.
func call(ctx context.Context, timeout, grace time.Duration, f func(context.Context) error, done func(error)) {
	ctx, cancel := limited(ctx, timeout)
	var once sync.Once
	finish := func(err error) {
		once.Do(func() {
			cancel()
			done(err)
		})
	}
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { finish(fmt.Errorf("%w: %w", context.Cause(ctx), errAbandoned)) })
	})
	go func() {
		err := errExited
		defer func() {
			stop()
			finish(err)
		}()
		if err = protect(ctx, f); err != nil && errors.Is(context.Cause(ctx), errTimeout) {
			err = fmt.Errorf("%w after %s: %w", errTimeout, timeout, err)
		}
	}()
}

func limited(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, timeout, errTimeout)
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
