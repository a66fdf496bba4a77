package connectors

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// MaxAttempts is the number of failures after which a listener gives up a change.
const MaxAttempts = 10

// Deliver calls handle until it succeeds, as a [Follower] must: after an error that
// is neither [Permanent] nor a [RetryAfter] it waits, for a time that doubles from
// first to most, and gives up after [MaxAttempts]. It returns the last error when
// the listener gives up or ctx is done. Each error is passed to failed.
func Deliver(ctx context.Context, first, most time.Duration, handle func() error, failed func(error)) error {
	var last error
	attempts := 0
	attempt := func() (struct{}, error) {
		last = handle()
		if last == nil || ctx.Err() != nil {
			return struct{}{}, last
		}
		failed(last)
		if delay, told := RetryDelay(last); told && !IsPermanent(last) {
			return struct{}{}, &backoff.RetryAfterError{Duration: delay}
		}
		attempts++
		if IsPermanent(last) || attempts == MaxAttempts {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}
	// The pauses are spread, so that listeners that fail together do not come back
	// together.
	pauses := &backoff.ExponentialBackOff{InitialInterval: first, MaxInterval: most, Multiplier: 2, RandomizationFactor: 1. / 3}
	_, _ = backoff.Retry(ctx, attempt, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	return last
}
