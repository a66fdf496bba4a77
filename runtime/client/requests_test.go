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

// commands are so many, each named by its place.
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

// answering answers commands with their sequence as version, if the answer is
// not to be lost.
func answering(t *testing.T, b *bus.Bus, lose func(n int64) bool) *atomic.Int64 {
	t.Helper()
	seen := &atomic.Int64{}
	background(t, func(ctx context.Context) error {
		return b.Follow(ctx, bus.Following{Stream: b.Topics().InStream()}, func(m *bus.Message) error {
			e, err := m.Event()
			if err != nil {
				return err
			}
			c, err := events.Unmarshal[events.Upsert](e.Data)
			if err != nil || lose(seen.Add(1)) {
				return err
			}
			version, err := strconv.ParseInt(c.Element.QualifiedName, 10, 64)
			if err != nil {
				return err
			}
			data, err := events.Marshal(events.Result{Version: version, Sequence: m.Sequence})
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
	answering(t, b, func(int64) bool { return false })
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

// Outcomes that are lost are asked for again.
func TestRequestAllRepeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 250
	seen := answering(t, b, func(i int64) bool { return i <= n && i%5 == 0 })
	told := map[int]int{}
	err := client.New(b, "someone").RequestAllWithin(t.Context(), 200*time.Millisecond, commands(t, n), func(i int, _ events.Result) { told[i]++ })
	if err != nil || len(told) != n || seen.Load() < n+n/5 {
		t.Errorf("%d are told, %d were sent (%v)", len(told), seen.Load(), err)
	}
	for i, times := range told {
		if times != 1 {
			t.Errorf("command %d was told %d times", i, times)
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
