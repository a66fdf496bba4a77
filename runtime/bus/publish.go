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
	// A batch is large enough to be cheap, below the server's limit of 1,000
	// messages, and small enough for a small stream.
	batchMessages = 500
	batchBytes    = 512 << 10
)

// Publish stores one event and returns its sequence. It waits while the stream
// is full, NATS cannot be reached, or has no space left, until ctx is done.
func (b *Bus) Publish(ctx context.Context, subject string, e *events.Event) (uint64, error) {
	m, err := NewMessage(subject, e)
	if err != nil {
		return 0, err
	}
	return b.PublishMessage(ctx, m)
}

// PublishMessage is [Bus.Publish] for an encoded message.
func (b *Bus) PublishMessage(ctx context.Context, m *nats.Msg) (uint64, error) {
	return b.publish(ctx, m, nil)
}

// PublishFor is [Bus.Publish] for an event that is of use for a limited time.
func (b *Bus) PublishFor(ctx context.Context, subject string, e *events.Event, ttl time.Duration) error {
	m, err := NewMessage(subject, e)
	if err != nil {
		return err
	}
	m.Header.Set(jetstream.MsgTTLHeader, ttl.String())
	_, err = b.PublishMessage(ctx, m)
	return err
}

// Send is [Bus.Publish], but does not wait for space: if the server has none left,
// the error is [ErrFull] after some seconds.
func (b *Bus) Send(ctx context.Context, subject string, e *events.Event) (uint64, error) {
	m, err := NewMessage(subject, e)
	if err != nil {
		return 0, err
	}
	return b.publish(ctx, m, b.patience(subject))
}

func (b *Bus) publish(ctx context.Context, m *nats.Msg, p *patience) (uint64, error) {
	var sequence uint64
	err := store(ctx, p, func(ctx context.Context) error {
		ack, err := b.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(1))
		if err == nil {
			sequence = ack.Sequence
		}
		return err
	})
	return sequence, b.unpublished(m.Subject, err)
}

// unpublished adds the subject to an error of publishing.
func (b *Bus) unpublished(subject string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%w (%d bytes)", err, b.MaxPayload())
	default:
		return fmt.Errorf("publish to %s: %w", subject, err)
	}
}

// PublishAll stores events on one subject in their order, in batches that are stored
// whole or not at all. It waits, and gives up, as [Bus.Send] does.
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
	if len(batch) < 2 {
		return b.publishEach(ctx, batch)
	}
	err := store(ctx, b.patience(batch[0].Subject), func(ctx context.Context) error {
		_, err := jetstreamext.PublishMsgBatch(ctx, b.js, batch)
		return err
	})
	// The server does not say why it cannot store a batch; for a single message it
	// does.
	if isStored(err) || errors.Is(err, ErrFull) {
		return b.publishEach(ctx, batch)
	}
	return b.unpublished(batch[0].Subject, err)
}

// publishEach publishes the messages of a batch one by one. Some may be stored
// already: all of them if an answer was lost, some if the publisher repeats events
// together with new ones.
func (b *Bus) publishEach(ctx context.Context, batch []*nats.Msg) error {
	for _, m := range batch {
		m.Reply = ""
		for _, name := range [...]string{jetstreamext.BatchIDHeader, jetstreamext.BatchSeqHeader, jetstreamext.BatchCommitHeader} {
			m.Header.Del(name)
		}
		if _, err := b.publish(ctx, m, b.patience(m.Subject)); err != nil {
			return err
		}
	}
	return nil
}

// MaxPayload is how large a message the server accepts, in bytes.
func (b *Bus) MaxPayload() int64 { return b.conn.MaxPayload() }
