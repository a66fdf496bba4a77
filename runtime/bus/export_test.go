package bus

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
)

// Exported for tests.
var (
	Older     = older
	RedactURL = redactURL
)

// Next waits for a message as following does.
func Next(ctx context.Context, c jetstream.Consumer, messages jetstream.MessagesContext) (*Message, error) {
	f := &FollowOptions{}
	return f.next(ctx, c, messages, f.wait(ctx), 0)
}

// Store repeats a publish, with the patience of a sender or without limit.
func Store(ctx context.Context, sender bool, alive func(context.Context) bool, publish func(context.Context) error) error {
	if !sender {
		return store(ctx, nil, publish)
	}
	return store(ctx, &patience{alive: alive}, publish)
}

// Heard waits until a consumer answers requests for messages.
func (b *Bus) Heard(ctx context.Context, stream, consumer string) error {
	return b.awaitConsumer(ctx, stream, consumer)
}

// HoldHeartbeat runs work under a heartbeat in a bucket of the test's own.
func HoldHeartbeat(ctx context.Context, nodes leaseBucket[events.Node], name, process string, work func(context.Context) error) error {
	return newHeartbeat(nodes, slog.New(slog.DiscardHandler), name, process, func() events.Node { return events.Node{} }).Hold(ctx, work)
}
