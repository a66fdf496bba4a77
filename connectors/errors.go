package connectors

import (
	"errors"
	"time"
)

// Errors of [Context].
var (
	// ErrDisconnected is returned by all calls after Disconnect, or after another node
	// has taken over the connector. The connector must stop.
	ErrDisconnected = errors.New("the connector is disconnected")
	// ErrDirection is returned for commands that the connector's permitted
	// synchronization does not allow.
	ErrDirection = errors.New("the permitted synchronization of the connector does not allow this")
)

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as one that another attempt cannot fix. The connector stays failed
// until its definition changes or somebody restarts it.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err: err}
}

// IsPermanent reports whether err was marked by [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

type retryError struct {
	err   error
	delay time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// RetryAfter marks err as one to be tried again after d, because the third party says
// so.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryError{err: err, delay: d}
}

// RetryDelay returns the delay given to [RetryAfter], if err was marked by it.
func RetryDelay(err error) (time.Duration, bool) {
	e, ok := errors.AsType[*retryError](err)
	if !ok {
		return 0, false
	}
	return e.delay, true
}
