package cli

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
	"github.com/camena-io/camena/runtime/repository"
)

// latencies measures the time from publishing a command to its change event
// being delivered from the out topic, and the same for the bare relay.
func (b *changesBench) latencies(ctx context.Context, r *rig) ([]figure, error) {
	ours, err := b.repositoryLatency(ctx, r)
	if err != nil {
		return nil, err
	}
	bare, err := b.relayLatency(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("bare relay: %w", err)
	}
	return []figure{
		{"rate", b.rate, "commands a second for the latency"},
		{"p50_ms", millis(percentile(ours, 50)), "publish to out topic, median"},
		{"p99_ms", millis(percentile(ours, 99)), "publish to out topic"},
		{"max_ms", millis(percentile(ours, 100)), "publish to out topic"},
		{"bare_p50_ms", millis(percentile(bare, 50)), "the same through the bare relay"},
		{"bare_p99_ms", millis(percentile(bare, 99)), "the same through the bare relay"},
	}, nil
}

func (b *changesBench) repositoryLatency(ctx context.Context, r *rig) ([]time.Duration, error) {
	conn, err := r.connect(ctx, "latency")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	repo, err := repository.New(repository.Settings{Node: "bench", Bus: conn, Logger: r.log})
	if err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	wait := background(serving, r.log, repo.Serve)
	defer func() {
		stop()
		wait()
	}()
	n := b.count()
	index := make(map[string]int, n)
	for i := range n {
		e, err := b.command(i)
		if err != nil {
			return nil, err
		}
		c, err := events.DecodeCommand(&e)
		if err != nil {
			return nil, err
		}
		if u, ok := c.(*events.Upsert); ok {
			index[events.GUIDOf(u.Element.QualifiedName)] = i
		}
	}
	return b.paced(ctx, conn, conn.Topics().OutStream(), func(subject string) (int, bool) {
		i, ok := index[subject[strings.LastIndexByte(subject, '.')+1:]]
		return i, ok
	})
}

func (b *changesBench) relayLatency(ctx context.Context, r *rig) ([]time.Duration, error) {
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
	relaying, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- relay.run(relaying, b.count()) }()
	latencies, err := b.paced(ctx, conn, relay.stream, func(subject string) (int, bool) {
		i, err := strconv.Atoi(subject[strings.LastIndexByte(subject, '-')+1:])
		return i, err == nil
	})
	stop()
	if relayErr := <-done; err != nil {
		err = errors.Join(err, relayErr)
	}
	return latencies, err
}

func (b *changesBench) count() int { return int(b.latency.Seconds() * float64(b.rate)) }

// paced publishes commands at the rate and collects how long each takes to be
// delivered from a stream.
func (b *changesBench) paced(ctx context.Context, conn *bus.Bus, stream string, which func(subject string) (int, bool)) ([]time.Duration, error) {
	n := b.count()
	sent, took := make([]time.Time, n), make([]time.Duration, 0, n)
	errAll := errors.New("all arrived")
	ready, followed := make(chan struct{}), make(chan error, 1)
	following := bus.Following{Stream: stream, Start: bus.FromNow, Ready: func() { close(ready) }}
	following.Subjects = nil
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
	if err := b.publishPaced(ctx, conn, sent); err != nil {
		return nil, err
	}
	select {
	case err := <-followed:
		if !errors.Is(err, errAll) {
			return nil, err
		}
		return took, nil
	case <-time.After(30 * time.Second):
		return nil, errors.New("not every message arrived within 30 s")
	}
}

func (b *changesBench) publishPaced(ctx context.Context, conn *bus.Bus, sent []time.Time) error {
	const tick = 5 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began := time.Now()
	for i := 0; i < len(sent); {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for due := int(time.Since(began).Seconds() * float64(b.rate)); i < min(due, len(sent)); i++ {
			e, err := b.command(i)
			if err != nil {
				return err
			}
			m, err := bus.NewMessage(conn.Topics().Commands("bench"), &e)
			if err != nil {
				return err
			}
			sent[i] = time.Now()
			if _, err := conn.JetStream().PublishMsgAsync(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func percentile(d []time.Duration, p int) time.Duration {
	s := slices.Sorted(slices.Values(d))
	if len(s) == 0 {
		return 0
	}
	return s[min(len(s)-1, len(s)*p/100)]
}
