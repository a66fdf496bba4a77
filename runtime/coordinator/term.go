package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/topics"
)

const (
	// batchDelay is how long events are collected before the next plan.
	batchDelay = 20 * time.Millisecond
	// firstRetry and lastRetry are the pauses after steps that failed.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 2 * time.Second
	// heartbeatTimeout is how long a node counts as alive if the watch does not
	// tell that its heartbeat ran out.
	heartbeatTimeout = 3 * topics.LeaseTTL
	// grace is how long a new coordinator waits for heartbeats: two of them, and
	// time to reconnect. It comes on top of the lease of a coordinator that died
	// together with its connectors.
	grace = topics.LeaseTTL / 2
)

// term is the work of a coordinator while it holds the lease.
type term struct {
	bus         *bus.Bus
	log         *slog.Logger
	nodes       *cache[events.Node]
	assignments *cache[events.Assignment]
	reports     *cache[events.ConnectorReport]
	wake        chan struct{}
	clock       clock

	mu   sync.Mutex
	view registration.View
	// last is the sequence from which the view is complete.
	last     uint64
	complete bool
}

func newTerm(ctx context.Context, s *Settings) (*term, error) {
	t := &term{bus: s.Bus, log: s.Logger, wake: make(chan struct{}, 1)}
	t.clock = clock{bus: s.Bus}
	names := s.Bus.Topics()
	t.nodes = newCache(s.Bus, names.NodesBucket(), t.nodeChanged)
	t.assignments = newCache(s.Bus, names.AssignmentsBucket(), func(_, _ *events.Assignment) { t.notify() })
	t.reports = newCache(s.Bus, names.StatusBucket(), t.reportChanged)
	var err error
	t.last, err = t.lastChange(ctx)
	t.complete = t.last == 0
	return t, err
}

// Serve coordinates until ctx is done or one of its sources fails.
func (t *term) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.nodes.Serve(ctx) })
	group.Go(func() error { return t.assignments.Serve(ctx) })
	group.Go(func() error { return t.reports.Serve(ctx) })
	group.Go(func() error { return t.followView(ctx) })
	group.Go(func() error { return t.followClock(ctx) })
	group.Go(func() error { return t.loop(ctx) })
	return group.Wait()
}

// notify starts a new plan soon; calls that come together start one.
func (t *term) notify() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// nodeChanged ignores heartbeats that change nothing.
func (t *term) nodeChanged(old, now *events.Node) {
	if old == nil || now == nil || old.Instance != now.Instance ||
		!slices.Equal(old.Kinds, now.Kinds) || !slices.Equal(old.Roles, now.Roles) {
		t.notify()
	}
}

// reportChanged reacts to connectors that stopped: the next node waits for it.
func (t *term) reportChanged(_, now *events.ConnectorReport) {
	if now == nil || stopped(now) {
		t.notify()
	}
}

// lastChange returns the sequence of the last change event that the view needs,
// 0 if there is none.
func (t *term) lastChange(ctx context.Context) (uint64, error) {
	var last uint64
	for _, subject := range subjects(t.bus.Topics()) {
		m, err := t.bus.LastMessage(ctx, t.bus.Topics().OutStream(), subject)
		if errors.Is(err, bus.ErrMissing) {
			continue
		}
		if err != nil {
			return 0, err
		}
		last = max(last, m.Sequence)
	}
	return last, nil
}

func (t *term) followView(ctx context.Context) error {
	following := bus.FollowOptions{
		Stream: t.bus.Topics().OutStream(), Subjects: subjects(t.bus.Topics()), Start: bus.FromLatest,
	}
	return t.bus.Follow(ctx, following, func(m *bus.Message) error {
		change, err := client.ChangeOf(m)
		if err != nil {
			t.log.ErrorContext(ctx, "a change event cannot be read", slog.Uint64("sequence", m.Sequence), slog.Any("error", err))
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if err == nil {
			apply(&t.view, &change)
		}
		t.complete = t.complete || m.Sequence >= t.last || m.Pending == 0
		if t.complete {
			t.notify()
		}
		return nil
	})
}

// subjects are those of the change events that say which connectors run.
func subjects(t topics.Topics) []string {
	var list []string
	for _, name := range registration.ElementTypes() {
		list = append(list, t.ElementsOf(name))
	}
	for _, name := range registration.RelationshipTypes() {
		list = append(list, t.RelationshipsOf(name))
	}
	return list
}

// apply applies a change to the view.
func apply(v *registration.View, c *connectors.Change) {
	if c.Element != nil && c.Element.State() != nil {
		if e := c.Element.State(); c.Type == events.TypeElementDeleted {
			v.DeleteElement(e.Header.GUID)
		} else {
			v.Element(e)
		}
	}
	if c.Relationship != nil && c.Relationship.State() != nil {
		if r := c.Relationship.State(); c.Type == events.TypeRelationshipDeleted {
			v.DeleteRelationship(r)
		} else {
			v.Relationship(r)
		}
	}
}

func (t *term) followClock(ctx context.Context) error {
	following := bus.FollowOptions{
		Stream: t.bus.Topics().CyclesStream(), Subjects: []string{t.bus.Topics().CoordinatorDue()}, Start: bus.FromNow,
	}
	if err := t.clock.tick(ctx); err != nil {
		return err
	}
	return t.bus.Follow(ctx, following, func(*bus.Message) error {
		t.notify()
		return nil
	})
}

// loop plans and acts whenever it is notified.
func (t *term) loop(ctx context.Context) error {
	var wait graceWait
	var took time.Duration
	retries := bus.NewBackoff(firstRetry, lastRetry)
	for {
		// Planning takes at most half of the time, however large the state is.
		if err := t.sleep(ctx, max(batchDelay, took)); err != nil {
			return err
		}
		if !t.ready() {
			continue
		}
		s := t.state()
		if wait.begin(&s) {
			time.AfterFunc(grace, t.notify)
		}
		err := errors.Join(t.perform(ctx, Plan(s)), t.clock.arm(ctx, &s))
		if err != nil && ctx.Err() == nil {
			t.log.WarnContext(ctx, "coordinating again", slog.Any("error", err))
			time.AfterFunc(retries.Next(), t.notify)
		} else {
			retries.Reset()
		}
		took = time.Since(s.Now)
	}
}

// sleep waits until notified, and a little longer to collect more events.
func (t *term) sleep(ctx context.Context, more time.Duration) error {
	select {
	case <-t.wake:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return bus.Sleep(ctx, more)
}

func (t *term) ready() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.complete && t.nodes.ready() && t.assignments.ready() && t.reports.ready()
}

// state returns the present state.
func (t *term) state() State {
	s := State{Now: time.Now()}
	t.mu.Lock()
	s.Desired, s.Incomplete = t.view.Definitions()
	t.mu.Unlock()
	s.Nodes, _ = t.nodes.values(s.Now.Add(-heartbeatTimeout))
	maps.DeleteFunc(s.Nodes, func(_ string, n events.Node) bool { return !slices.Contains(n.Roles, events.RoleHost) })
	s.Assignments, s.Revision = t.assignments.values(time.Time{})
	s.Reports, _ = t.reports.values(time.Time{})
	return s
}

// graceWait decides from when on a node without a heartbeat is dead: see the
// package comment.
type graceWait struct {
	began bool
	empty bool
	until time.Time
}

// begin sets Settled, and reports whether a wait of the grace begins now.
func (g *graceWait) begin(s *State) bool {
	begins := !g.began && len(s.Assignments) > 0 || g.empty && len(s.Nodes) > 0
	g.began, g.empty = true, len(s.Nodes) == 0
	if begins {
		g.until = s.Now.Add(grace)
	}
	s.Settled = !s.Now.Before(g.until)
	return begins
}
