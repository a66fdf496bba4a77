package bus

import (
	"context"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
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

// RequestAllWithin is RequestAll with another time after which it sends again.
func (m *Metadata) RequestAllWithin(ctx context.Context, silence time.Duration, commands iter.Seq[events.Event], done func(int, events.Result)) error {
	return m.requestAll(ctx, silence, commands, done)
}

// Insist repeats a publish as a sender does, or as who waits for ever.
func Insist(ctx context.Context, sender bool, alive func(context.Context) bool, publish func(context.Context) error) error {
	i := &insistence{subject: "s", sender: sender, alive: alive}
	return i.insist(ctx, publish)
}

// Heard waits until a consumer hears requests for messages.
func (b *Bus) Heard(ctx context.Context, stream, consumer string) error {
	return b.heard(ctx, stream, consumer)
}
