package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

const (
	// gather is how long it lets events pile up before it looks again.
	gather = 20 * time.Millisecond
	// retry is how long it waits after a step that did not work.
	retry = 250 * time.Millisecond
	// silence is how long a node may be unheard of: its heartbeat has run out
	// long since, but the watch did not tell.
	silence = 3 * topics.LeaseTTL
	// settle is how long nodes have to be heard of again: two heartbeats, and
	// time to reconnect. It comes on top of the lease of a coordinator that died
	// with its connectors, and both have to fit into ten seconds.
	settle = topics.LeaseTTL / 2
)

// term is what a coordinator knows and does while it holds the lease.
type term struct {
	bus         *bus.Bus
	log         *slog.Logger
	nodes       *mirror[events.Node]
	assignments *mirror[events.Assignment]
	reports     *mirror[events.ConnectorReport]
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
	nodes, err := bus.OpenBucket[events.Node](ctx, s.Bus, names.NodesBucket())
	if err != nil {
		return nil, err
	}
	assignments, err := bus.OpenBucket[events.Assignment](ctx, s.Bus, names.AssignmentsBucket())
	if err != nil {
		return nil, err
	}
	reports, err := bus.OpenBucket[events.ConnectorReport](ctx, s.Bus, names.StatusBucket())
	if err != nil {
		return nil, err
	}
	t.nodes = newMirror(nodes, t.nodeChanged)
	t.assignments = newMirror(assignments, func(_, _ *events.Assignment) { t.rouse() })
	t.reports = newMirror(reports, t.reportChanged)
	if t.last, err = t.lastChange(ctx); err != nil {
		return nil, err
	}
	t.complete = t.last == 0
	return t, nil
}

// Serve coordinates until ctx is done or something that it needs fails.
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

// rouse makes the loop look; many calls are as good as one.
func (t *term) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// nodeChanged tells heartbeats from changes.
func (t *term) nodeChanged(old, now *events.Node) {
	if old == nil || now == nil || old.Instance != now.Instance ||
		!slices.Equal(old.Kinds, now.Kinds) || !slices.Equal(old.Roles, now.Roles) {
		t.rouse()
	}
}

// reportChanged wakes for what others wait for: a connector that stopped.
func (t *term) reportChanged(_, now *events.ConnectorReport) {
	if now == nil || stopped(now) {
		t.rouse()
	}
}

// lastChange returns the sequence of the last change event that the view needs,
// 0 if there is none.
func (t *term) lastChange(ctx context.Context) (uint64, error) {
	stream, err := t.bus.JetStream().Stream(ctx, t.bus.Topics().OutStream())
	if err != nil {
		return 0, err
	}
	var last uint64
	for _, subject := range subjects(t.bus.Topics()) {
		m, err := stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
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
	following := bus.Following{
		Stream: t.bus.Topics().OutStream(), Subjects: subjects(t.bus.Topics()), Start: bus.FromLatest,
	}
	return t.bus.Follow(ctx, following, func(m *bus.Message) error {
		change, err := bus.ChangeOf(m)
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
			t.rouse()
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
	following := bus.Following{
		Stream: t.bus.Topics().CyclesStream(), Subjects: []string{t.bus.Topics().CoordinatorDue()}, Start: bus.FromNow,
	}
	if err := t.clock.tick(ctx); err != nil {
		return err
	}
	return t.bus.Follow(ctx, following, func(*bus.Message) error {
		t.rouse()
		return nil
	})
}

// loop looks whenever it is woken.
func (t *term) loop(ctx context.Context) error {
	var settling settling
	var took time.Duration
	for {
		// Looking takes at most half of the time, however much there is to see.
		if err := t.sleep(ctx, max(gather, took)); err != nil {
			return err
		}
		if !t.ready() {
			continue
		}
		s := t.state()
		if wait := settling.look(&s); wait > 0 {
			time.AfterFunc(wait, t.rouse)
		}
		err := errors.Join(t.perform(ctx, Plan(s)), t.clock.arm(ctx, &s))
		if err != nil && ctx.Err() == nil {
			t.log.WarnContext(ctx, "coordinating again", slog.Any("error", err))
			time.AfterFunc(retry, t.rouse)
		}
		took = time.Since(s.Now)
	}
}

// sleep waits until woken, and a little longer for what comes along.
func (t *term) sleep(ctx context.Context, more time.Duration) error {
	select {
	case <-t.wake:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	timer := time.NewTimer(more)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *term) ready() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.complete && t.nodes.ready() && t.assignments.ready() && t.reports.ready()
}

// state gathers what is known.
func (t *term) state() State {
	s := State{
		Now: time.Now(), Nodes: map[string]events.Node{},
		Assignments: map[string]events.Assignment{}, Reports: map[string]events.ConnectorReport{},
	}
	t.mu.Lock()
	s.Desired, s.Incomplete = t.view.Definitions()
	t.mu.Unlock()
	nodes, _ := t.nodes.snapshot()
	for name, h := range nodes {
		if slices.Contains(h.value.Roles, events.RoleHost) && s.Now.Sub(h.seen) < silence {
			s.Nodes[name] = *h.value
		}
	}
	assignments, revision := t.assignments.snapshot()
	s.Revision = revision
	for id, h := range assignments {
		s.Assignments[id] = *h.value
	}
	reports, _ := t.reports.snapshot()
	for id, h := range reports {
		s.Reports[id] = *h.value
	}
	return s
}

// settling says from when on silence means death: see the package comment.
type settling struct {
	began bool
	empty bool
	until time.Time
}

// look sets Settled, and returns for how long it is to be waited if a wait
// begins now.
func (g *settling) look(s *State) time.Duration {
	begin := !g.began && len(s.Assignments) > 0 || g.empty && len(s.Nodes) > 0
	g.began, g.empty = true, len(s.Nodes) == 0
	if begin {
		g.until = s.Now.Add(settle)
	}
	s.Settled = !s.Now.Before(g.until)
	if begin {
		return settle
	}
	return 0
}
