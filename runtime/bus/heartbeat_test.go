package bus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

var errAway = errors.New("the bus is away")

// heartbeats is the nodes bucket, with a TTL and breaks.
type heartbeats struct {
	mu       sync.Mutex
	entry    bus.Entry[events.Node]
	revision uint64
	away     error
	silent   bool // requests are swallowed
}

func (h *heartbeats) set(away, silent bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away, h.silent = nil, silent
	if away {
		h.away = errAway
	}
}

func (h *heartbeats) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away = err
}

func (h *heartbeats) reach(ctx context.Context) error {
	h.mu.Lock()
	away, silent := h.away, h.silent
	h.mu.Unlock()
	if silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return away
}

// alive returns the heartbeat unless it has run out.
func (h *heartbeats) alive() *events.Node {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.entry.Time) >= topics.LeaseTTL {
		h.entry = bus.Entry[events.Node]{}
	}
	return h.entry.Value
}

func (h *heartbeats) Update(ctx context.Context, _ string, n *events.Node, revision uint64) (uint64, error) {
	if err := h.reach(ctx); err != nil {
		return 0, err
	}
	h.alive()
	h.mu.Lock()
	defer h.mu.Unlock()
	if revision != h.entry.Revision {
		return 0, bus.ErrTaken
	}
	h.revision++
	h.entry = bus.Entry[events.Node]{Value: n, Revision: h.revision, Time: time.Now()}
	return h.revision, nil
}

func (h *heartbeats) Get(ctx context.Context, _ string) (bus.Entry[events.Node], error) {
	if err := h.reach(ctx); err != nil {
		return bus.Entry[events.Node]{}, err
	}
	if h.alive() == nil {
		return bus.Entry[events.Node]{}, bus.ErrMissing
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.entry, nil
}

func (h *heartbeats) Delete(ctx context.Context, _ string) error {
	if err := h.reach(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entry = bus.Entry[events.Node]{}
	return nil
}

// workload records when it ran.
type workload struct {
	windsUp time.Duration // how long it works on after it was told to end

	mu      sync.Mutex
	running bool
	runs    int
}

func (w *workload) run(ctx context.Context) error {
	w.set(true)
	<-ctx.Done()
	<-time.After(w.windsUp)
	w.set(false)
	return context.Cause(ctx)
}

func (w *workload) set(running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = running
	if running {
		w.runs++
	}
}

func (w *workload) state() (running bool, runs int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running, w.runs
}

// TestSelfFence disconnects the node from the bus at any moment of a second: its work
// must end before its heartbeat runs out, and begin again when the bus is back.
func TestSelfFence(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		for after := 3 * time.Second; after < 5*time.Second; after += 190 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				h, w := &heartbeats{}, &workload{}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- bus.HoldHeartbeat(ctx, h, "a", "p", w.run) }()
				wait(after)
				h.set(!silent, silent)
				for range 100 {
					wait(100 * time.Millisecond)
					if running, _ := w.state(); running && h.alive() == nil {
						t.Fatalf("works without a heartbeat, cut off after %s", after)
					}
				}
				h.set(false, false)
				wait(2 * time.Second)
				if running, runs := w.state(); !running || runs != 2 || h.alive() == nil || h.alive().Instance != "p.2" {
					t.Errorf("running %v, the %d. time, %+v", running, runs, h.alive())
				}
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("ended with %v", err)
				}
				if h.alive() != nil {
					t.Error("the heartbeat is left")
				}
			})
		}
	}
}

func TestShortBreaksDoNoHarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, w := &heartbeats{}, &workload{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- bus.HoldHeartbeat(ctx, h, "a", "p", w.run) }()
		wait(500 * time.Millisecond)
		for range 20 {
			wait(2 * time.Second)
			h.set(true, false)
			wait(2 * time.Second)
			h.set(false, false)
		}
		if running, runs := w.state(); !running || runs != 1 {
			t.Errorf("running %v, the %d. time", running, runs)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestTheLaterProcessKeepsTheName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, old, young := &heartbeats{}, &workload{windsUp: 1500 * time.Millisecond}, &workload{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- bus.HoldHeartbeat(ctx, h, "a", "old", old.run) }()
		wait(10500 * time.Millisecond)
		go func() { ended <- bus.HoldHeartbeat(ctx, h, "a", "young", young.run) }()
		wait(3 * time.Second)
		if err := <-ended; !errors.Is(err, bus.ErrSuperseded) {
			t.Errorf("the old one ended with %v", err)
		}
		if running, _ := old.state(); running {
			t.Error("the old one still works")
		}
		if running, runs := young.state(); !running || runs != 1 {
			t.Error("the young one does not work")
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the young one ended with %v", err)
		}
	})
}

// wait lets time pass until everything waits again.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestAHeartbeatThatIsDenied ends at once; after other errors the node tries again.
func TestAHeartbeatThatIsDenied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &heartbeats{}
		h.fail(errAway)
		done := make(chan error, 1)
		go func() { done <- bus.HoldHeartbeat(t.Context(), h, "a", "p", (&workload{}).run) }()
		wait(10 * time.Second)
		select {
		case err := <-done:
			t.Fatalf("ended with %v", err)
		default:
		}
		h.fail(bus.ErrDenied)
		if err := <-done; !errors.Is(err, bus.ErrDenied) {
			t.Errorf("ended with %v", err)
		}
	})
}
