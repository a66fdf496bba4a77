package bus

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Backoff paces attempts: the pause doubles from first to most, and each pause
// is up to half shorter at random, so that nodes that failed together do not
// come back together. It is the one policy of all retries.
type Backoff struct{ policy backoff.ExponentialBackOff }

// NewBackoff returns a Backoff that begins with its first pause.
func NewBackoff(first, most time.Duration) *Backoff {
	// Three quarters plus or minus a third of that: from half of the pause to all of it.
	return &Backoff{backoff.ExponentialBackOff{
		InitialInterval: first / 4 * 3, MaxInterval: most / 4 * 3, RandomizationFactor: 1. / 3, Multiplier: 2,
	}}
}

// Next returns the next pause.
func (b *Backoff) Next() time.Duration { return b.policy.NextBackOff() }

// Reset begins with the first pause again.
func (b *Backoff) Reset() { b.policy.Reset() }

// Wait sleeps for the next pause.
func (b *Backoff) Wait(ctx context.Context) error { return Sleep(ctx, b.Next()) }

// Sleep pauses. It returns early, with the cause, when ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
