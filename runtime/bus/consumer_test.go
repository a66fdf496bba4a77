package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestAConsumerIsHeardOnceItStands delays the answers of a consumer: while requests for
// messages are lost, following must not begin; nats.go would wait for six seconds.
func TestAConsumerIsHeardOnceItStands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	publish(t, b, element(b, "a"), "a")
	early, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	stream := b.Topics().OutStream()
	if err := b.Heard(early, stream, "late"); err == nil {
		t.Error("a consumer is heard that is not there")
	}
	heard := make(chan error, 1)
	go func() { heard <- b.Heard(t.Context(), stream, "late") }()
	c, err := b.JetStream().CreateConsumer(t.Context(), stream, jetstream.ConsumerConfig{Name: "late", AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-heard; err != nil {
		t.Error(err)
	}
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.NumPending != 1 || info.NumWaiting != 0 || info.Delivered.Consumer != 0 {
		t.Errorf("asking has left %+v", info)
	}
}
