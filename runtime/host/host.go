package host

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Host runs the connectors that are assigned to its node.
type Host struct {
	set     Settings
	started time.Time
	engine  atomic.Pointer[engine] // that of the present tenure
}

// New returns a host. It does nothing before Serve.
func New(s Settings) (*Host, error) {
	if err := s.complete(); err != nil {
		return nil, err
	}
	return &Host{set: s, started: time.Now().UTC()}, nil
}

// Serve writes the heartbeat of the node and runs what is assigned to it, until
// ctx is done. It returns within five seconds then, whatever the connectors do;
// calls that do not return are abandoned. Only if NATS cannot be reached just
// then, its client may take some seconds more to give up.
func (h *Host) Serve(ctx context.Context) error {
	heartbeat, err := h.set.Bus.NewHeartbeat(ctx, h.set.Node, h.set.Instance, h.describe)
	if err == nil {
		err = heartbeat.Hold(ctx, func(ctx context.Context) error { return h.run(ctx, heartbeat.Instance()) })
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // being told to stop is the normal end
	}
	return err
}

func (h *Host) describe() events.Node {
	n := events.Node{
		Roles: h.set.Roles, Version: h.set.Version,
		Started: h.started, Kinds: h.set.Connectors.Kinds(),
	}
	if e := h.engine.Load(); e != nil {
		n.Connectors = e.count()
	}
	return n
}

// run is one tenure of the heartbeat. It reads all that it runs from the bus.
func (h *Host) run(ctx context.Context, instance string) error {
	names := h.set.Bus.Topics()
	assignments, err := bus.OpenBucket[events.Assignment](ctx, h.set.Bus, names.AssignmentsBucket())
	if err != nil {
		return err
	}
	reports, err := bus.OpenBucket[events.ConnectorReport](ctx, h.set.Bus, names.StatusBucket())
	if err != nil {
		return err
	}
	out := newStatusQueue(h.set.Bus, h.set.Logger, h.set.Node, reports)
	e := newEngine(h.set, instance, out)
	h.engine.Store(e)

	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()
	following, failed := context.WithCancel(ctx)
	var tasks errgroup.Group
	tasks.Go(func() error { return out.Serve(writing) })
	tasks.Go(func() error {
		defer failed()
		return h.follow(ctx, e, out, assignments)
	})
	// The connectors do not wait for the bus, which may be why they have to end.
	<-following.Done()
	fenced := errors.Is(context.Cause(ctx), bus.ErrLeaseLost)
	e.stop(fenced) //nolint:contextcheck // connectors end in a time of their own
	if fenced {
		h.set.Logger.WarnContext(ctx, "all connectors were stopped", slog.Any("error", context.Cause(ctx)))
	}
	stopWriting()
	return tasks.Wait()
}

// follow takes due cycles and assignments until ctx is done. Nothing is started
// before due cycles arrive, so that none is missed.
func (h *Host) follow(ctx context.Context, e *engine, out *statusQueue, assignments *bus.Bucket[events.Assignment]) error {
	ready := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		take := func(c *events.Cycle, due time.Time) { //nolint:contextcheck // a connector outlives the cycle
			if !e.due(c, due) {
				out.Forward(c, assignments)
			}
		}
		return h.followCycles(ctx, func() { close(ready) }, take)
	})
	group.Go(func() error {
		select {
		case <-ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return assignments.Watch(ctx, func(entry *bus.Entry[events.Assignment]) { //nolint:contextcheck // as above
			if entry != nil {
				e.assigned(entry.Key, entry.Value)
			}
		})
	})
	return group.Wait()
}

func (h *Host) followCycles(ctx context.Context, ready func(), take func(*events.Cycle, time.Time)) error {
	names := h.set.Bus.Topics()
	following := bus.FollowOptions{
		Stream: names.CyclesStream(), Subjects: []string{names.DueOf(h.set.Node)}, Start: bus.FromNow, Ready: ready,
	}
	return h.set.Bus.Follow(ctx, following, func(m *bus.Message) error {
		c, err := cycleOf(m)
		if err != nil {
			h.set.Logger.WarnContext(ctx, "a due cycle cannot be read", slog.String("subject", m.Subject), slog.Any("error", err))
			return nil
		}
		take(&c, dueTime(m, &c))
		return nil
	})
}

func cycleOf(m *bus.Message) (events.Cycle, error) {
	e, err := m.Event()
	if err != nil {
		return events.Cycle{}, err
	}
	return events.Unmarshal[events.Cycle](e.Data)
}

// dueTime returns when a cycle was due. Of a cron expression the bus tells only
// when it fires next; there the time of the message must do.
func dueTime(m *bus.Message, c *events.Cycle) time.Time {
	if !c.Due.IsZero() {
		return c.Due
	}
	if next, ok := m.Next(); ok && c.Interval > 0 {
		return next.Add(-time.Duration(c.Interval))
	}
	return m.Time
}
