package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/camena-io/camena/events"
)

const (
	// A batch is large enough to be cheap and small enough for the server's
	// limit of 1,000 messages.
	batchMessages = 500
	batchBytes    = 2 << 20
)

// Publish stores one event and returns its sequence. It waits while the stream
// is full or NATS cannot be reached, until ctx is done.
func (b *Bus) Publish(ctx context.Context, subject string, e *events.Event) (uint64, error) {
	m, err := NewMessage(subject, e)
	if err != nil {
		return 0, err
	}
	return b.PublishMessage(ctx, m)
}

// PublishMessage is [Bus.Publish] for a message that was made already.
func (b *Bus) PublishMessage(ctx context.Context, m *nats.Msg) (uint64, error) {
	var sequence uint64
	err := b.insist(ctx, m.Subject, func(ctx context.Context) error {
		ack, err := b.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(1))
		if err == nil {
			sequence = ack.Sequence
		}
		return err
	})
	return sequence, err
}

// PublishAll stores events on one subject in their order, in batches each of
// which is stored whole or not at all.
func (b *Bus) PublishAll(ctx context.Context, subject string, es iter.Seq[events.Event]) error {
	var batch []*nats.Msg
	size := 0
	for e := range es {
		m, err := NewMessage(subject, &e)
		if err != nil {
			return err
		}
		if len(batch) > 0 && (len(batch) == batchMessages || size+m.Size() > batchBytes) {
			if err := b.publishBatch(ctx, batch); err != nil {
				return err
			}
			batch, size = batch[:0], 0
		}
		batch = append(batch, m)
		size += m.Size()
	}
	return b.publishBatch(ctx, batch)
}

func (b *Bus) publishBatch(ctx context.Context, batch []*nats.Msg) error {
	switch len(batch) {
	case 0:
		return nil
	case 1:
		_, err := b.PublishMessage(ctx, batch[0])
		return err
	}
	return b.insist(ctx, batch[0].Subject, func(ctx context.Context) error {
		_, err := jetstreamext.PublishMsgBatch(ctx, b.js, batch)
		if isStored(err) {
			return nil
		}
		return err
	})
}

// insist repeats a publish until it succeeds, is refused for good, or ctx is done.
func (b *Bus) insist(ctx context.Context, subject string, publish func(context.Context) error) error {
	wait := pause{first: 20 * time.Millisecond, max: time.Second}
	for {
		attempt, cancel := context.WithTimeout(ctx, requestTimeout)
		err := publish(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, nats.ErrMaxPayload):
			return fmt.Errorf("%w (%d bytes)", ErrTooLarge, b.conn.MaxPayload())
		case isHopeless(err):
			return fmt.Errorf("publish to %s: %w", subject, err)
		}
		if wait.sleep(ctx) != nil {
			return fmt.Errorf("publish to %s: %w", subject, errors.Join(context.Cause(ctx), err))
		}
	}
}

// MaxPayload is how large a message the server accepts, in bytes.
func (b *Bus) MaxPayload() int64 { return b.conn.MaxPayload() }
