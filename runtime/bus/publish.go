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
	// A batch is large enough to be cheap, small enough for the server's limit
	// of 1,000 messages, and to fit into a stream with little room.
	batchMessages = 500
	batchBytes    = 512 << 10
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
	err := b.insist(ctx, batch[0].Subject, func(ctx context.Context) error {
		_, err := jetstreamext.PublishMsgBatch(ctx, b.js, batch)
		return err
	})
	if isStored(err) {
		return b.publishRest(ctx, batch)
	}
	return err
}

// publishRest stores what is missing of a batch of which something is stored
// already: all of it when an answer was lost, or some of it when the publisher
// repeats events together with others.
func (b *Bus) publishRest(ctx context.Context, batch []*nats.Msg) error {
	for _, m := range batch {
		m.Reply = ""
		for _, name := range [...]string{jetstreamext.BatchIDHeader, jetstreamext.BatchSeqHeader, jetstreamext.BatchCommitHeader} {
			m.Header.Del(name)
		}
		if _, err := b.PublishMessage(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// insist repeats a publish until it succeeds, is refused for good, or ctx is done.
func (b *Bus) insist(ctx context.Context, subject string, publish func(context.Context) error) error {
	wait := pause{first: 20 * time.Millisecond, max: time.Second}
	var why error // of the last attempt that was not just cut short
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
		if ctx.Err() == nil || why == nil {
			why = err
		}
		if wait.sleep(ctx) != nil {
			return fmt.Errorf("publish to %s: %w (%w)", subject, context.Cause(ctx), why)
		}
	}
}

// MaxPayload is how large a message the server accepts, in bytes.
func (b *Bus) MaxPayload() int64 { return b.conn.MaxPayload() }
