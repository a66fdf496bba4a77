package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// window is how many messages of a relay may be unacknowledged.
const window = 4096

// relay is the bare bus: it relays the in topic to another stream as simply as
// can be done well, with a pull consumer with a large buffer, publishes in an
// asynchronous window, and an ack for each message when its publish is
// acknowledged. Every message gets a subject of its own, as change events have.
type relay struct {
	js       jetstream.JetStream
	consumer jetstream.Consumer
	stream   string
	subject  string
}

func newRelay(ctx context.Context, conn *bus.Bus, pending int) (*relay, error) {
	t := conn.Topics()
	r := &relay{stream: strings.ToUpper(t.Domain()) + "_BARE", subject: t.Domain() + "-bare."}
	var err error
	if r.js, err = jetstream.New(conn.Conn(), jetstream.WithPublishAsyncMaxPending(window)); err != nil {
		return nil, err
	}
	// The same storage as the out topic has.
	config := t.Streams(topics.DefaultLimits())[1]
	config.Name, config.Subjects = r.stream, []string{r.subject + ">"}
	if _, err = r.js.CreateStream(ctx, config); err != nil {
		return nil, err
	}
	r.consumer, err = r.js.CreateConsumer(ctx, t.InStream(), jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: max(1, min(pending, 2*window)),
	})
	return r, err
}

type relayed struct {
	from jetstream.Msg
	ack  jetstream.PubAckFuture
}

func (r *relay) run(ctx context.Context, n int) (err error) {
	messages, err := r.consumer.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	published := make(chan relayed, window)
	acked := make(chan error, 1)
	go func() { acked <- acknowledge(published) }()
	defer func() {
		close(published)
		err = errors.Join(err, <-acked)
	}()
	for i := range n {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		out := &nats.Msg{Subject: fmt.Sprintf("%selement.CSVFile.00000000-0000-5000-8000-%012d", r.subject, i), Data: m.Data(), Header: m.Headers()}
		maps.DeleteFunc(out.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
		ack, err := r.js.PublishMsgAsync(out)
		if err != nil {
			return err
		}
		published <- relayed{from: m, ack: ack}
	}
	return nil
}

func acknowledge(published <-chan relayed) error {
	var failed error
	for m := range published {
		var err error
		select {
		case <-m.ack.Ok():
			err = m.from.Ack()
		case err = <-m.ack.Err():
		}
		failed = cmp.Or(failed, err)
	}
	return failed
}
