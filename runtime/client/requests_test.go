package client_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// commands returns n commands, each named by its place.
func commands(t *testing.T, n int) iter.Seq[events.Event] {
	t.Helper()
	return func(yield func(events.Event) bool) {
		for i := range n {
			if !yield(command(t, strconv.Itoa(i))) {
				return
			}
		}
	}
}

// answering is a repository: it answers commands with their place as version, except
// for answers to be lost, and counts them. It remembers outcomes as long as required.
func answering(t *testing.T, b *bus.Bus, lose func(n int64) bool, remembers bool) *atomic.Int64 {
	t.Helper()
	seen, outcomes := &atomic.Int64{}, map[string]events.Result{}
	outcome := func(m *bus.Message, e *events.Event) (events.Result, error) {
		c, err := events.DecodeCommand(e)
		if err != nil {
			return events.Result{}, err
		}
		switch c := c.(type) {
		case *events.Flush:
			r, known := outcomes[c.OutcomeOf]
			if !known || !remembers {
				r.Error = events.Errorf(events.CodeUnavailable, "/outcomeOf", "it is not known")
			}
			return r, nil
		case *events.Upsert:
			version, err := strconv.ParseInt(c.Element.QualifiedName, 10, 64)
			outcomes[e.ID] = events.Result{Version: version, Sequence: m.Sequence}
			return outcomes[e.ID], err
		default:
			return events.Result{}, errors.New("a command that was not sent")
		}
	}
	background(t, func(ctx context.Context) error {
		return b.Follow(ctx, bus.FollowOptions{Stream: b.Topics().InStream()}, func(m *bus.Message) error {
			e, err := m.Event()
			if err != nil {
				return err
			}
			r, err := outcome(m, &e)
			if err != nil || e.Type == events.TypeUpsertElement && lose(seen.Add(1)) {
				return err
			}
			data, err := events.Marshal(r)
			if err != nil {
				return err
			}
			return b.Conn().Publish(e.Extension(events.ExtReplyTo), data)
		})
	})
	return seen
}

func TestRequestAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answering(t, b, func(int64) bool { return false }, true)
	const n = 2500
	told, last := make([]int, n), uint64(0)
	err := client.New(b, "someone").RequestAll(t.Context(), commands(t, n), func(i int, r events.Result) {
		if r.Version != int64(i) || r.Sequence <= last {
			t.Errorf("command %d: version %d, sequence %d after %d", i, r.Version, r.Sequence, last)
		}
		last = r.Sequence
		told[i]++
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, times := range told {
		if times != 1 {
			t.Errorf("command %d was told %d times", i, times)
		}
	}
}

// The client asks for lost outcomes; it sends no command twice.
func TestRequestAllAsksForOutcomes(t *testing.T) {
	t.Parallel()
	for _, remembers := range []bool{true, false} {
		b := setup(t)
		const n = 250
		seen := answering(t, b, func(i int64) bool { return i%5 == 0 }, remembers)
		told, unknown := map[int]int{}, 0
		err := client.New(b, "someone").RequestAllWithin(t.Context(), 200*time.Millisecond, commands(t, n), func(i int, r events.Result) {
			told[i]++
			if r.Error != nil {
				unknown++
			} else if r.Version != int64(i) {
				t.Errorf("command %d has the outcome of %d", i, r.Version)
			}
		})
		if err != nil || len(told) != n || seen.Load() != n || unknown != map[bool]int{false: n / 5}[remembers] {
			t.Errorf("remembers %t: %d are told, %d of them unknown, %d were sent (%v)", remembers, len(told), unknown, seen.Load(), err)
		}
		for i, times := range told {
			if times != 1 {
				t.Errorf("command %d was told %d times", i, times)
			}
		}
	}
}

func TestRequestAllWithoutRepository(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := client.New(b, "someone").RequestAllWithin(t.Context(), 20*time.Millisecond, commands(t, 3), func(int, events.Result) { t.Error("told") })
	if events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = client.New(b, "someone").RequestAllWithin(ctx, 20*time.Millisecond, commands(t, 3), func(int, events.Result) { t.Error("told") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
