package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// The causes of the end of a connector's value.
var (
	errStopped   = errors.New("the connector was stopped")
	errRestarted = errors.New("the connector was restarted")
	errFailed    = errors.New("the connector failed")
	errFenced    = errors.New("the node could not renew its heartbeat")
)

// capabilities are what a connector can do beyond Start and Disconnect. This is
// the one place that looks.
type capabilities struct {
	refresher connectors.Refresher
	engager   connectors.Engager
	listener  connectors.Listener
}

func capabilitiesOf(c connectors.Connector) (can capabilities) {
	can.refresher, _ = c.(connectors.Refresher)
	can.engager, _ = c.(connectors.Engager)
	can.listener, _ = c.(connectors.Listener)
	return can
}

// life is one value of a connector, from New to Disconnect. All fields but
// these of its ctx are under the runner's lock.
type life struct {
	ctx    context.Context //nolint:containedctx // the life of the value, ended by end
	cancel context.CancelCauseFunc

	connector connectors.Connector
	context   *connectors.Context
	can       capabilities

	started bool // Start was called
	ready   bool // Start has returned nil
	ending  bool
	leaving bool // Disconnect was called, or need not be

	calls int    // calls into the connector that have not returned
	hung  string // the one that was abandoned

	refreshing bool // a refresh runs, or waits for its place
	next       *run // was asked for meanwhile
	engaging   bool
}

func newLife() *life {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &life{ctx: ctx, cancel: cancel}
}

// failure is the outcome of a run that ends before its refresh.
func (l *life) failure() events.Outcome {
	if l.ending {
		return events.OutcomeLost
	}
	return events.OutcomeFailed
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

// newContext makes what the runtime offers to the connector.
func (r *runner) newContext(l *life, a *events.Assignment) (*connectors.Context, error) {
	m, err := r.engine.set.Metadata(a.Definition.ID)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return connectors.NewContext(connectors.Settings{
		Definition: a.Definition, Node: r.engine.set.Node, Generation: a.Generation,
		Logger:    r.log.With(slog.String("name", a.Definition.Name)),
		Publisher: m, Asker: m, Follower: m, Positions: m,
		Notify: func() { r.notice(l) },
	}), nil
}

// notice tells what the connector's problems are now.
func (r *runner) notice(l *life) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life == l && !l.ending {
		r.tell(Later)
	}
}

// listen begins to hand changes over, if the connector wants any.
func (r *runner) listen(l *life) error {
	listener := l.can.listener
	if listener == nil {
		return nil
	}
	return l.context.Listen(listener.Interest(), func(ctx context.Context, c connectors.Change) error {
		err := protect(ctx, func(ctx context.Context) error { return listener.Changed(ctx, c) })
		r.logPanic(ctx, "Changed", err)
		return err
	})
}

// do runs one call into the connector; then is called with the lock held, which
// must be held here too.
func (r *runner) do(l *life, what string, limit limit, f func(context.Context) error, then func(error)) {
	l.calls++
	call(l.ctx, limit.timeout, limit.grace, f, func(err error) {
		r.logPanic(l.ctx, what, err)
		r.mu.Lock()
		defer r.mu.Unlock()
		l.calls--
		if errors.Is(err, errAbandoned) {
			r.abandon(l, what)
		}
		then(err)
		r.disconnect(l)
	})
}

// abandon makes sure that a call that goes on can do no harm.
func (r *runner) abandon(l *life, what string) {
	l.hung = what + " " + errAbandoned.Error()
	r.log.Error("abandoned a call into a connector", slog.String("call", what))
	r.sever(l)
}

// sever takes the metadata away from the connector, without waiting for it.
func (r *runner) sever(l *life) {
	if l.context == nil {
		return
	}
	ctx, cancel := context.WithCancel(l.ctx)
	cancel()
	if err := l.context.Close(ctx); err != nil {
		r.log.Debug("closed the connector's context", slog.Any("error", err))
	}
}

// end ends a life: it cancels what runs, and lets disconnect follow.
func (r *runner) end(l *life, cause error) {
	if l.ending {
		return
	}
	l.ending = true
	l.cancel(cause)
	r.disconnect(l)
}

// disconnect disconnects the value once no call into it is left that could
// still return.
func (r *runner) disconnect(l *life) {
	if !l.ending || l.calls > 0 || l.leaving {
		return
	}
	l.leaving = true
	if !l.started {
		r.ended(l)
		return
	}
	t := &r.engine.set.Timing
	call(context.WithoutCancel(l.ctx), t.Disconnect, t.Grace/2, func(ctx context.Context) error {
		return errors.Join(l.connector.Disconnect(ctx), l.context.Close(ctx))
	}, func(err error) {
		r.logPanic(l.ctx, "Disconnect", err)
		r.mu.Lock()
		defer r.mu.Unlock()
		if errors.Is(err, errAbandoned) {
			r.abandon(l, "Disconnect")
		} else if err != nil {
			r.log.Warn("disconnected with an error", slog.Any("error", err))
			r.sever(l)
		}
		r.ended(l)
	})
}

func (r *runner) logPanic(ctx context.Context, what string, err error) {
	if p, ok := errors.AsType[*panicError](err); ok {
		r.log.ErrorContext(ctx, "a connector panicked", slog.String("call", what),
			slog.Any("panic", p.value), slog.String("stack", string(p.stack)))
	}
}
