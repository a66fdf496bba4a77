package bus_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// candidate tries to hold a lease, and reports on its work.
type candidate struct {
	bus   *bus.Bus
	lease *bus.Lease[bus.Holder]
	// working is closed when work begins, cause is why it ended.
	working chan struct{}
	cause   chan error
	stop    func() error
}

func newCandidate(t *testing.T, b *bus.Bus, name string) *candidate {
	t.Helper()
	lease, err := b.NewLease(t.Context(), "role", name, name)
	if err != nil {
		t.Fatal(err)
	}
	c := &candidate{bus: b, lease: lease, working: make(chan struct{}, 1), cause: make(chan error, 1)}
	c.stop = background(t, func(ctx context.Context) error {
		return lease.Hold(ctx, func(ctx context.Context) error {
			c.working <- struct{}{}
			<-ctx.Done()
			c.cause <- context.Cause(ctx)
			return context.Cause(ctx)
		})
	})
	return c
}

func TestALeaseHasOneHolderAtATime(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	var holders, tenures atomic.Int64
	var stops []func() error
	for i := range 3 {
		b := runtimetest.NewBus(t, server)
		lease, err := b.NewLease(t.Context(), "role", "n"+strconv.Itoa(i), "i"+strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		stops = append(stops, background(t, func(ctx context.Context) error {
			return lease.Hold(ctx, func(context.Context) error {
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lease", n)
				}
				if who, err := lease.Holder(ctx); err != nil || who != "n"+strconv.Itoa(i) {
					t.Errorf("the holder is %q, %v", who, err)
				}
				tenures.Add(1)
				holders.Add(-1)
				return nil
			})
		}))
	}
	eventually(t, "many tenures", func() bool { return tenures.Load() >= 12 })
	for _, stop := range stops {
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestAReleasedLeaseIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	first := newCandidate(t, runtimetest.NewBus(t, server), "first")
	<-first.working
	second := newCandidate(t, runtimetest.NewBus(t, server), "second")
	within(t, 1500*time.Millisecond, "taking over", func() {
		if err := first.stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		<-second.working
	})
	if who, err := first.lease.Holder(t.Context()); err != nil || who != "second" {
		t.Errorf("the holder is %q, %v", who, err)
	}
}

func TestTheLeaseOfACrashedNodeIsTakenWhenItRunsOut(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	first := newCandidate(t, runtimetest.NewBus(t, server), "first")
	<-first.working
	second := newCandidate(t, runtimetest.NewBus(t, server), "second")
	first.bus.Close()
	within(t, topics.LeaseTTL+2*time.Second, "taking over", func() { <-second.working })
	if err := <-first.cause; !errors.Is(err, bus.ErrLeaseLost) {
		t.Errorf("the work of the first ended by %v", err)
	}
	if err := first.stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWorkEndsBeforeItsLeaseRunsOut(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	c := newCandidate(t, o.bus(), "node")
	<-c.working
	o.stop()
	within(t, topics.LeaseTTL-500*time.Millisecond, "ending", func() {
		if err := <-c.cause; !errors.Is(err, bus.ErrLeaseLost) {
			t.Errorf("the work ended by %v", err)
		}
	})
	o.start()
	within(t, topics.LeaseTTL+5*time.Second, "having it again", func() { <-c.working })
}

// A node that is stopping still works: no other may have its role yet.
func TestALeaseIsKeptWhileWorkWindsUp(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	b := runtimetest.NewBus(t, server)
	lease, err := b.NewLease(t.Context(), "role", "slow", "slow")
	if err != nil {
		t.Fatal(err)
	}
	working, wound := make(chan struct{}), make(chan struct{})
	ended := make(chan struct{})
	stop := background(t, func(ctx context.Context) error {
		return lease.Hold(ctx, func(ctx context.Context) error {
			close(working)
			<-ctx.Done()
			<-wound
			return context.Cause(ctx)
		})
	})
	<-working
	go func() {
		defer close(ended)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	second := newCandidate(t, runtimetest.NewBus(t, server), "second")
	select {
	case <-second.working:
		t.Error("the role was taken while the first still winds up")
	case <-time.After(topics.LeaseTTL + time.Second):
	}
	close(wound)
	<-ended
	<-second.working
}

func TestWorkThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lease, err := b.NewLease(t.Context(), "role", "node", "node")
	if err != nil {
		t.Fatal(err)
	}
	var attempts atomic.Int64
	background(t, func(ctx context.Context) error {
		return lease.Hold(ctx, func(context.Context) error {
			attempts.Add(1)
			return errors.New("broken")
		})
	})
	eventually(t, "three attempts", func() bool { return attempts.Load() >= 3 })
}

func TestNobodyHoldsALeaseThatNobodyTook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lease, err := b.NewLease(t.Context(), "role", "node", "node")
	if err != nil {
		t.Fatal(err)
	}
	if who, err := lease.Holder(t.Context()); err != nil || who != "" {
		t.Errorf("the holder is %q, %v", who, err)
	}
	b.Close()
	if _, err := lease.Holder(t.Context()); err == nil || strings.Contains(err.Error(), "no such key") {
		t.Errorf("without NATS: %v", err)
	}
}
