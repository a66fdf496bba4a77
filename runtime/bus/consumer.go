package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// probe is a request that a consumer refuses at once and delivers nothing for, because
// its heartbeat is as long as its expiry (NATS ADR-37).
const probe = `{"batch":1,"expires":1000000000,"idle_heartbeat":1000000000}`

// createConsumer creates an ephemeral consumer and returns when it answers.
//
// In a cluster the reply that a consumer exists can arrive before its subscription
// has spread between the servers. Requests sent before that are lost, and nats.go
// notices only after two missed heartbeats, six seconds in which nothing is
// delivered.
func (b *Bus) createConsumer(ctx context.Context, stream string, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	config.AckPolicy, config.MemoryStorage, config.Replicas = jetstream.AckNonePolicy, true, 1
	config.InactiveThreshold = time.Minute
	consumer, err := b.js.CreateConsumer(attempt, stream, config)
	if err != nil {
		return nil, err
	}
	if err := b.awaitConsumer(attempt, stream, consumer.CachedInfo().Name); err != nil {
		b.deleteConsumer(ctx, stream, consumer)
		return nil, err
	}
	return consumer, nil
}

// awaitConsumer sends requests until the consumer answers.
func (b *Bus) awaitConsumer(ctx context.Context, stream, consumer string) error {
	subject := "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer
	err := retry(ctx, 5*time.Millisecond, 200*time.Millisecond, func(ctx context.Context) error {
		attempt, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		_, err := b.conn.RequestWithContext(attempt, subject, []byte(probe))
		if err == nil || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return err
		}
		return backoff.Permanent(err)
	})
	if err != nil {
		return fmt.Errorf("consumer %s does not answer: %w", consumer, err)
	}
	return nil
}

// deleteConsumer deletes a consumer, which otherwise the server does after a minute.
func (b *Bus) deleteConsumer(ctx context.Context, stream string, c jetstream.Consumer) {
	if !b.conn.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := b.js.DeleteConsumer(ctx, stream, c.CachedInfo().Name); err != nil {
		b.set.Logger.DebugContext(ctx, "remove consumer", slog.String("stream", stream), slog.Any("error", err))
	}
}
