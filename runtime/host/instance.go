package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// The causes of the end of an instance.
var (
	errStopped   = errors.New("the connector was stopped")
	errRestarted = errors.New("the connector was restarted")
	errFailed    = errors.New("the connector failed")
)

// instance is one value of a connector, from New to Disconnect. Its fields are
// under the runner's lock.
type instance struct {
	ctx    context.Context //nolint:containedctx // ended by end
	cancel context.CancelCauseFunc

	connector connectors.Connector
	refresher connectors.Refresher
	engager   connectors.Engager
	listener  connectors.Listener
	context   *connectors.Context // nil until Start is called

	ready      bool // Start has returned nil
	refreshing bool // a refresh runs or is queued
	engaging   bool
	queued     *run   // the refresh to run now
	next       *run   // the refresh that was asked for meanwhile
	ending     bool   // Disconnect follows when no call is left
	hung       string // the call that was abandoned
}

func newInstance() *instance {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &instance{ctx: ctx, cancel: cancel, refreshing: true}
}

// start makes the instance ready and runs its first refresh.
func (r *runner) start(i *instance, first *run) {
	r.mu.Lock()
	given := r.given
	r.mu.Unlock()
	if r.create(i, first, &given) && r.connect(i, first, &given) {
		r.refresh(i, first)
	}
}

// create calls New.
func (r *runner) create(i *instance, first *run, a *events.Assignment) bool {
	var made connectors.Connector
	err := r.call(i, "New", r.engine.set.Timing.Start, func(context.Context) (err error) {
		made, err = r.engine.make(&a.Definition)
		return err
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails(i, first, events.StatusConfigFailed, err) {
		return false
	}
	i.connector = made
	i.refresher, _ = made.(connectors.Refresher)
	i.engager, _ = made.(connectors.Engager)
	i.listener, _ = made.(connectors.Listener)
	r.set(events.StatusInitialized)
	return true
}

// make makes the connector's value.
func (e *engine) make(d *events.Definition) (connectors.Connector, error) {
	f, ok := e.set.Connectors.Factory(d.Kind)
	if !ok {
		return nil, fmt.Errorf("this node has no connectors of the kind %q", d.Kind)
	}
	c, err := f.New(d.Configuration)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fmt.Errorf("the factory of the kind %q made nothing", d.Kind)
	}
	if _, engages := c.(connectors.Engager); d.UsesBlockingCalls && !engages {
		return nil, fmt.Errorf("usesBlockingCalls is set, but connectors of the kind %q do not engage", d.Kind)
	}
	return c, nil
}

// connect calls Start.
func (r *runner) connect(i *instance, first *run, a *events.Assignment) bool {
	err := r.call(i, "Start", r.engine.set.Timing.Start, func(ctx context.Context) error { return r.startWith(ctx, i, a) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails(i, first, events.StatusInitializeFailed, err) {
		return false
	}
	i.ready = true
	// Attempts are forgotten only when a refresh or engage has succeeded.
	r.report.Error, r.report.NextAttempt = "", time.Time{}
	if r.given.Definition.UsesBlockingCalls {
		r.set(events.StatusRunning)
		r.engage(i, &run{kind: events.CycleEngage, due: time.Now()})
	}
	return true
}

// startWith starts the connector with a Context, and begins to hand changes
// over if it listens.
func (r *runner) startWith(ctx context.Context, i *instance, a *events.Assignment) error {
	set := connectors.Settings{
		Definition: a.Definition, Node: r.engine.set.Node, Generation: a.Generation,
		Logger: r.log.With(slog.String("name", a.Definition.Name)),
		Notify: func() { r.problemsChanged(i) },
	}
	r.engine.set.Connect(a.Definition.ID, &set)
	c := connectors.NewContext(set)
	r.mu.Lock()
	ending := i.ending
	if !ending {
		i.context = c
	}
	r.mu.Unlock()
	if ending {
		return errStopped
	}
	if err := i.connector.Start(ctx, c); err != nil {
		return err
	}
	if err := r.offer(i, a.Definition.Kind, a.Definition.Name); err != nil || i.listener == nil {
		return err
	}
	return c.Listen(i.listener.Interest(), func(ctx context.Context, change connectors.Change) error {
		err := protect(ctx, func(ctx context.Context) error { return i.listener.Changed(ctx, change) })
		r.logPanic(ctx, "Changed", err)
		return err
	})
}

// refresh runs one refresh.
func (r *runner) refresh(i *instance, n *run) {
	if !r.beginRefresh(i, n) {
		return
	}
	err := r.call(i, "Refresh", r.engine.set.Timing.Refresh, i.refresher.Refresh)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finish(i, n, err)
	if !r.fails(i, nil, events.StatusFailed, err) {
		r.report.LastRefresh = time.Now()
		r.recovered()
		r.armRefresh()
		r.refreshed(i)
	}
}

func (r *runner) beginRefresh(i *instance, n *run) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case i.ending:
		r.drop(n, events.OutcomeLost, errStopped)
		return false
	case i.refresher == nil:
		if n.kind == events.CycleRestart {
			r.tellOutcome(n, nil, events.OutcomeCompleted, nil)
		} else {
			r.drop(n, events.OutcomeFailed, errNoRefresh)
		}
		r.refreshed(i)
		return false
	}
	if !r.given.Definition.UsesBlockingCalls {
		r.set(events.StatusRefreshing)
	}
	n.begin(i.context)
	return true
}

// disconnect ends the instance. No call into it is left that could return.
func (r *runner) disconnect(i *instance) {
	if i.context != nil {
		t := &r.engine.set.Timing
		err := call(context.WithoutCancel(i.ctx), t.Disconnect, t.Grace/2, func(ctx context.Context) error {
			return errors.Join(i.connector.Disconnect(ctx), i.context.Close(ctx))
		})
		r.returned(i, "Disconnect", err)
		if err != nil && !errors.Is(err, errAbandoned) {
			r.log.Warn("disconnected with an error", slog.Any("error", err))
			r.closeContext(i)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instance, r.hung = nil, i.hung
	r.drop(i.queued, events.OutcomeLost, errStopped)
	r.drop(i.next, events.OutcomeLost, errStopped)
}

// call calls into the connector. A call that does not return after its ctx has
// ended is abandoned.
func (r *runner) call(i *instance, what string, timeout time.Duration, f func(context.Context) error) error {
	err := call(i.ctx, timeout, r.engine.set.Timing.Grace, f)
	r.returned(i, what, err)
	return err
}

// returned logs a panic, and makes sure that an abandoned call does no harm.
func (r *runner) returned(i *instance, what string, err error) {
	r.logPanic(i.ctx, what, err)
	if !errors.Is(err, errAbandoned) {
		return
	}
	r.log.Error("abandoned a call into a connector", slog.String("call", what))
	r.mu.Lock()
	i.hung = what + " " + errAbandoned.Error()
	r.mu.Unlock()
	r.closeContext(i)
}

// closeContext takes the metadata away from the connector, without waiting for it.
func (r *runner) closeContext(i *instance) {
	r.mu.Lock()
	c := i.context
	r.mu.Unlock()
	if c == nil {
		return
	}
	ctx, cancel := context.WithCancel(i.ctx)
	cancel()
	if err := c.Close(ctx); err != nil {
		r.log.Debug("closed the connector's context", slog.Any("error", err))
	}
}

func (r *runner) logPanic(ctx context.Context, what string, err error) {
	if p, ok := errors.AsType[*panicError](err); ok {
		r.log.ErrorContext(ctx, "a connector panicked", slog.String("call", what),
			slog.Any("panic", p.value), slog.String("stack", string(p.stack)))
	}
}
