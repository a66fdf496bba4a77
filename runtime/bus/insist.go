package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// fullPatience is how long a sender waits for space on the server.
	fullPatience = 5 * time.Second
	// silencePatience is how long it waits when the server says nothing at all,
	// though it answers questions about the stream: so does one whose disk fails.
	silencePatience = 9 * time.Second
)

// insistence is what is tried to publish, and how long.
type insistence struct {
	subject string
	// payload is how large a message may be.
	payload int64
	// sender says that whoever waits is to hear of a server without space.
	sender bool
	// alive reports whether the server answers questions about the stream.
	alive func(context.Context) bool

	full, silent time.Time // since when
}

// insistence returns what waits until ctx is done.
func (b *Bus) insistence(subject string) *insistence {
	return &insistence{subject: subject, payload: b.conn.MaxPayload()}
}

// sending returns what also ends when the server has no space left.
func (b *Bus) sending(subject string) *insistence {
	i := b.insistence(subject)
	i.sender = true
	i.alive = func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		_, err := b.js.StreamNameBySubject(ctx, subject)
		return err == nil
	}
	return i
}

// insist repeats a publish until it succeeds, is refused for good, or ctx is done.
func (i *insistence) insist(ctx context.Context, publish func(context.Context) error) error {
	wait := NewBackoff(20*time.Millisecond, time.Second)
	var why error // of the last attempt that was not just cut short
	for {
		attempt, cancel := context.WithTimeout(ctx, requestTimeout)
		err := publish(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, nats.ErrMaxPayload):
			return fmt.Errorf("%w (%d bytes)", ErrTooLarge, i.payload)
		case isHopeless(err):
			return fmt.Errorf("publish to %s: %w", i.subject, err)
		case ctx.Err() == nil && i.givesUp(ctx, err):
			return fmt.Errorf("publish to %s: %w (%w)", i.subject, ErrFull, err)
		}
		if ctx.Err() == nil || why == nil {
			why = err
		}
		if wait.Wait(ctx) != nil {
			return i.cutShort(ctx, why)
		}
	}
}

// cutShort says why it did not succeed before ctx was done.
func (i *insistence) cutShort(ctx context.Context, why error) error {
	if IsFull(why) {
		return fmt.Errorf("publish to %s: %w: %w (%w)", i.subject, context.Cause(ctx), ErrFull, why)
	}
	return fmt.Errorf("publish to %s: %w (%w)", i.subject, context.Cause(ctx), why)
}

// givesUp reports whether a sender has waited long enough for space.
func (i *insistence) givesUp(ctx context.Context, err error) bool {
	if !i.sender {
		return false
	}
	full := IsFull(err) || isIncomplete(err)
	return lasting(&i.full, full, fullPatience) ||
		lasting(&i.silent, errors.Is(err, context.DeadlineExceeded), silencePatience) && i.alive(ctx)
}

// lasting reports whether something has been so for a while; since is kept from
// one time to the next.
func lasting(since *time.Time, is bool, patience time.Duration) bool {
	switch {
	case !is:
		*since = time.Time{}
	case since.IsZero():
		*since = time.Now()
	}
	return is && time.Since(*since) >= patience
}
