package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// Exported for tests.
var (
	Attempt   = attempt
	Older     = older
	RedactURL = redactURL
)

// Next waits for a message as following does.
func Next(ctx context.Context, c jetstream.Consumer, messages jetstream.MessagesContext) (*Message, error) {
	f := &Following{}
	return f.next(ctx, c, messages, f.wait(ctx), 0)
}
