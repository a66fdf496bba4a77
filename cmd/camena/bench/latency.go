package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/camena-io/camena/runtime/bus"
)

func (b *changes) count() int { return int(b.latency.Seconds() * float64(b.rate)) }

// latencies measures the time from publishing a command to its change event
// being delivered from the out topic, and the same for the bare relay.
func (b *changes) latencies(ctx context.Context, r *rig) ([]figure, error) {
	ours, err := b.paced(ctx, r, "latency", func(conn *bus.Bus) (string, func() error, error) {
		_, stop, err := r.repository(ctx, "bench", conn)
		return conn.Topics().OutStream(), stop, err
	})
	if err != nil {
		return nil, err
	}
	bare, err := b.paced(ctx, r, "barelatency", func(conn *bus.Bus) (string, func() error, error) {
		relay, err := newRelay(ctx, conn, b.count())
		if err != nil {
			return "", nil, err
		}
		return relay.stream, background(ctx, func(ctx context.Context) error { return relay.run(ctx, b.count()) }), nil
	})
	if err != nil {
		return nil, fmt.Errorf("bare relay: %w", err)
	}
	return slices.Concat([]figure{{"rate", b.rate, "commands a second for the latency"}},
		times(ours, "", "publish to out topic", 50, 99, 100), times(bare, "bare_", "the same through the bare relay", 50, 99)), nil
}

// paced publishes commands at the rate, and returns how long each took to the
// stream that start names.
func (b *changes) paced(
	ctx context.Context, r *rig, domain string, start func(*bus.Bus) (stream string, stop func() error, err error),
) (took []time.Duration, err error) {
	conn, err := r.connect(ctx, domain)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stream, stop, err := start(conn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return b.follow(ctx, conn, stream)
}

// follow publishes the commands; a stream has what becomes of them in their order.
func (b *changes) follow(ctx context.Context, conn *bus.Bus, stream string) ([]time.Duration, error) {
	sent, took := make([]time.Time, b.count()), make([]time.Duration, 0, b.count())
	ready, followed := make(chan struct{}), make(chan error, 1)
	following := bus.FollowOptions{Stream: stream, Start: bus.FromNow, Ready: func() { close(ready) }}
	go func() {
		followed <- conn.Follow(ctx, following, func(*bus.Message) error {
			took = append(took, time.Since(sent[len(took)]))
			if len(took) == len(sent) {
				return errAll
			}
			return nil
		})
	}()
	<-ready
	if err := atRate(ctx, b.rate, len(sent), func(i int) error { return b.publish(conn, i, &sent[i]) }); err != nil {
		return nil, err
	}
	if err := <-followed; !errors.Is(err, errAll) {
		return nil, err
	}
	return took, nil
}

// publish publishes a command, and records when.
func (b *changes) publish(conn *bus.Bus, i int, sent *time.Time) error {
	e, err := command(b.command(i))
	if err != nil {
		return err
	}
	m, err := bus.NewMessage(conn.Topics().Commands("bench"), &e)
	if err != nil {
		return err
	}
	*sent = time.Now()
	_, err = conn.JetStream().PublishMsgAsync(m)
	return err
}

// atRate does something n times, so many times a second.
func atRate(ctx context.Context, rate, n int, do func(i int) error) error {
	began := time.Now()
	for i := 0; i < n; {
		if err := bus.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		for due := int(time.Since(began).Seconds() * float64(rate)); i < min(due, n); i++ {
			if err := do(i); err != nil {
				return err
			}
		}
	}
	return nil
}
