package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
)

// retry calls f until it succeeds, returns a [backoff.Permanent] error, or ctx is
// done; then the error is the cause, with the last error of f. Each call gets
// [requestTimeout].
func retry(ctx context.Context, first, most time.Duration, f func(context.Context) error) error {
	var last error // the last error that ctx did not cause
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		attempt, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := f(attempt)
		if ctx.Err() == nil || last == nil {
			last = err
		}
		return struct{}{}, err
	}, backoff.WithBackOff(&NewBackoff(first, most).policy), backoff.WithMaxElapsedTime(0))
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("%w (%w)", context.Cause(ctx), last)
	}
	return err
}

const (
	// fullPatience is how long a sender waits for space on the server.
	fullPatience = 5 * time.Second
	// silencePatience is how long it waits when the server does not answer a publish
	// but answers questions about the stream, as one does whose disk fails.
	silencePatience = 9 * time.Second
)

// patience decides when a sender stops waiting for a server that stores nothing.
type patience struct {
	// alive reports whether the server answers questions about the stream.
	alive        func(context.Context) bool
	full, silent time.Time // since when
}

// patience returns the patience of a sender to a subject.
func (b *Bus) patience(subject string) *patience {
	return &patience{alive: func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		_, err := b.js.StreamNameBySubject(ctx, subject)
		return err == nil
	}}
}

// over reports whether the sender has waited long enough. Without patience it
// waits without end.
func (p *patience) over(ctx context.Context, err error) bool {
	if p == nil || ctx.Err() != nil {
		return false
	}
	return lasting(&p.full, IsFull(err) || isIncomplete(err), fullPatience) ||
		lasting(&p.silent, errors.Is(err, context.DeadlineExceeded), silencePatience) && p.alive(ctx)
}

// lasting reports whether a condition has held for a while; since is kept from one
// call to the next.
func lasting(since *time.Time, is bool, limit time.Duration) bool {
	switch {
	case !is:
		*since = time.Time{}
	case since.IsZero():
		*since = time.Now()
	}
	return is && time.Since(*since) >= limit
}

// store repeats a publish until it succeeds, is refused permanently, the patience is
// over, or ctx is done.
func store(ctx context.Context, p *patience, publish func(context.Context) error) error {
	err := retry(ctx, 20*time.Millisecond, time.Second, func(attempt context.Context) error {
		err := publish(attempt)
		switch {
		case errors.Is(err, nats.ErrMaxPayload):
			return backoff.Permanent(ErrTooLarge)
		case isHopeless(err):
			return backoff.Permanent(err)
		case err != nil && p.over(ctx, err):
			return backoff.Permanent(fmt.Errorf("%w (%w)", ErrFull, err))
		}
		return err
	})
	if ctx.Err() != nil && IsFull(err) && !errors.Is(err, ErrFull) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
