package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// latencies measures the time from publishing a command to its change event
// being delivered from the out topic, and the same for the bare relay.
func (b *changes) latencies(ctx context.Context, r *rig) ([]figure, error) {
	ours, err := b.repositoryLatency(ctx, r)
	if err != nil {
		return nil, err
	}
	bare, err := b.relayLatency(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("bare relay: %w", err)
	}
	return slices.Concat([]figure{{"rate", b.rate, "commands a second for the latency"}},
		times(ours, "", "publish to out topic", 50, 99, 100), times(bare, "bare_", "the same through the bare relay", 50, 99)), nil
}

func (b *changes) count() int { return int(b.latency.Seconds() * float64(b.rate)) }

func (b *changes) repositoryLatency(ctx context.Context, r *rig) (took []time.Duration, err error) {
	conn, err := r.connect(ctx, "latency")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_, stop, err := r.repository(ctx, "bench", conn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	index := make(map[string]int, b.count())
	for i := range b.count() {
		index[events.GUIDOf(b.name(i))] = i
	}
	return b.paced(ctx, conn, conn.Topics().OutStream(), func(subject string) (int, bool) {
		i, ok := index[subject[strings.LastIndexByte(subject, '.')+1:]]
		return i, ok
	})
}

func (b *changes) relayLatency(ctx context.Context, r *rig) (took []time.Duration, err error) {
	conn, err := r.connect(ctx, "barelatency")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	relay, err := newRelay(ctx, conn, b.count())
	if err != nil {
		return nil, err
	}
	defer relay.close(ctx)
	stop := background(ctx, func(ctx context.Context) error { return relay.run(ctx, b.count()) })
	took, err = b.paced(ctx, conn, relay.stream, func(subject string) (int, bool) {
		i, err := strconv.Atoi(subject[strings.LastIndexByte(subject, '-')+1:])
		return i, err == nil
	})
	return took, errors.Join(err, stop())
}

// paced publishes commands at the rate and collects how long each takes to be
// delivered from a stream.
func (b *changes) paced(ctx context.Context, conn *bus.Bus, stream string, which func(subject string) (int, bool)) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, b.latency+30*time.Second)
	defer cancel()
	n := b.count()
	sent, took := make([]time.Time, n), make([]time.Duration, 0, n)
	errAll := errors.New("all arrived")
	ready, followed := make(chan struct{}), make(chan error, 1)
	following := bus.FollowOptions{Stream: stream, Start: bus.FromNow, Ready: func() { close(ready) }}
	go func() {
		followed <- conn.Follow(ctx, following, func(m *bus.Message) error {
			if i, ok := which(m.Subject); ok {
				took = append(took, time.Since(sent[i]))
			}
			if len(took) == n {
				return errAll
			}
			return nil
		})
	}()
	<-ready
	if err := atRate(ctx, b.rate, n, func(i int) error { return b.publish(conn, i, &sent[i]) }); err != nil {
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
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for i := 0; i < n; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for due := int(time.Since(began).Seconds() * float64(rate)); i < min(due, n); i++ {
			if err := do(i); err != nil {
				return err
			}
		}
	}
	return nil
}
