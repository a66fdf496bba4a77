package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/camena-io/camena/events"
)

// Publisher sends the commands of a Context.
type Publisher interface {
	// Send stores the events in order and returns when all are durable. It
	// waits while the in topic is full.
	Send(ctx context.Context, es iter.Seq[events.Event]) error
	// Request stores one command and waits for its outcome.
	Request(ctx context.Context, e events.Event) (events.Result, error)
}

// Follower delivers changes to the listeners of a Context.
type Follower interface {
	// Follow calls handle, as [Deliver] does, for every change that the filter
	// selects, in order, until ctx is done. A change that the listener gives up
	// becomes a dead letter, and the next one follows. None is given up because ctx is
	// done.
	Follow(ctx context.Context, f Filter, handle func(context.Context, Change) error) error
	// LastChange returns the sequence of the last change up to now.
	LastChange(ctx context.Context) (uint64, error)
}

// Positions stores how far a connector has read, for the generation of its assignment.
// Once a generation has loaded or saved a position, older ones are refused with
// [events.CodeStale]: their later commands were refused too, and a position must not
// pass over them. Generation 0 is not fenced.
type Positions interface {
	// LoadPosition returns nil when there is none.
	LoadPosition(ctx context.Context, key string, generation uint64) ([]byte, error)
	SavePosition(ctx context.Context, key string, generation uint64, value []byte) error
}

// Settings are what a host gives to a [Context].
type Settings struct {
	Definition events.Definition
	Node       string
	Generation uint64
	Logger     *slog.Logger
	Publisher  Publisher
	Asker      events.Asker
	Follower   Follower
	Positions  Positions
	// Notify, if set, is called when the problem of a listener appears, changes or
	// disappears, so that the host shows it.
	Notify func()
	_      struct{}
}

// Context is what the runtime offers to one connector, from Start to
// Disconnect (Egeria: IntegrationContext).
type Context struct {
	set Settings
	// closed is set with mu held, so that Go and Close do not overlap.
	closed atomic.Bool
	// wrote is the out sequence of the last write with a known outcome; reads wait for
	// it.
	wrote atomic.Uint64
	// unflushed is set while the outcome of a sent command is unknown.
	unflushed atomic.Bool

	fencing sync.Mutex
	fenced  bool

	mu         sync.Mutex
	statistics map[string]int64
	problems   map[string]string
	conflicts  map[string]conflict
	asked      uint64 // questions about conflicts
	listeners  int

	background sync.WaitGroup
	running    context.Context //nolint:containedctx // ends at Close
	end        context.CancelCauseFunc
}

// NewContext returns a context for one connector, to be closed with Close.
func NewContext(s Settings) *Context {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	running, end := context.WithCancelCause(context.Background())
	return &Context{
		set: s, statistics: map[string]int64{}, problems: map[string]string{}, conflicts: map[string]conflict{},
		running: running, end: end,
	}
}

// Close makes all further calls fail with [ErrDisconnected] and waits until the
// listeners have returned or ctx is done. Only the host calls it.
func (c *Context) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed.Store(true)
	c.mu.Unlock()
	c.end(ErrDisconnected)
	done := make(chan struct{})
	go func() {
		c.background.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a listener of the connector does not return: %w", context.Cause(ctx))
	}
}

// Definition returns the connector's definition.
func (c *Context) Definition() events.Definition { return c.set.Definition }

// Node returns the name of the node that the connector runs on.
func (c *Context) Node() string { return c.set.Node }

// Logger returns a logger that names the connector.
func (c *Context) Logger() *slog.Logger { return c.set.Logger }

// Send sends commands without waiting for their outcomes. When it returns nil they are
// durable. A command that can never be applied becomes a dead letter.
func (c *Context) Send(ctx context.Context, commands ...events.Command) error {
	return c.SendIn(ctx, "", commands...)
}

// SendIn is [Context.Send] for a scope: what the commands create belongs to it and is
// known to the next [Context.Reconcile] of that scope. Connectors that report single
// changes between reconciliations need this.
func (c *Context) SendIn(ctx context.Context, scope string, commands ...events.Command) error {
	if err := c.ready(ctx, commands...); err != nil {
		return err
	}
	return c.sendAll(ctx, slices.Values(commands), scope)
}

// sendAll sends commands after [Context.ready].
func (c *Context) sendAll(ctx context.Context, commands iter.Seq[events.Command], scope string) error {
	var bad error
	err := c.set.Publisher.Send(ctx, func(yield func(events.Event) bool) {
		for cmd := range commands {
			e, err := c.event(cmd, scope)
			if err != nil {
				bad = err
				return
			}
			c.unflushed.Store(true)
			if !yield(e) {
				return
			}
		}
	})
	return errors.Join(bad, err)
}

// Apply sends one command and waits for its outcome. A refusal is an [*events.Error].
// Later reads of this Context reflect the command.
func (c *Context) Apply(ctx context.Context, command events.Command) (events.Result, error) {
	return c.apply(ctx, command, "")
}

// apply sends one command; with dryRun "true" it only asks what would change.
func (c *Context) apply(ctx context.Context, command events.Command, dryRun string) (events.Result, error) {
	if err := c.ready(ctx, command); err != nil {
		return events.Result{}, err
	}
	e, err := c.event(command, "")
	if err != nil {
		return events.Result{}, err
	}
	e.SetExtension(events.ExtDryRun, dryRun)
	r, err := c.request(ctx, e)
	if err != nil && r.Error == nil {
		c.unflushed.Store(true)
	}
	return r, err
}

// request stores one command and waits for its outcome; a refusal is an error.
func (c *Context) request(ctx context.Context, e events.Event) (events.Result, error) {
	r, err := c.set.Publisher.Request(ctx, e)
	if err != nil {
		return events.Result{}, err
	}
	c.sawWrite(r.Sequence)
	if r.Error != nil {
		return r, r.Error
	}
	return r, nil
}

// ready checks that the commands may be sent, and fences older assignments before the
// first one, so that delayed commands of an older host cannot be applied between ours.
func (c *Context) ready(ctx context.Context, commands ...events.Command) error {
	if c.closed.Load() {
		return ErrDisconnected
	}
	if c.set.Definition.PermittedSynchronization == events.SyncTo && !anyDirection(commands) {
		return fmt.Errorf("%w: it is %s, but the connector tries to change metadata", ErrDirection, events.SyncTo)
	}
	if c.set.Generation == 0 {
		return nil
	}
	c.fencing.Lock()
	defer c.fencing.Unlock()
	if c.fenced {
		return nil
	}
	if err := c.retry(ctx, &events.Fence{Connector: c.set.Definition.ID, Generation: c.set.Generation}, ""); err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	c.fenced = true
	return nil
}

// outcomeTimeout is the time after which an outcome counts as lost.
const outcomeTimeout = 2 * time.Second

// retry sends an idempotent command until its outcome arrives. A server that fails loses
// outcomes, though no commands.
func (c *Context) retry(ctx context.Context, command events.Command, scope string) error {
	for {
		e, err := c.event(command, scope)
		if err != nil {
			return err
		}
		attempt, cancel := context.WithTimeout(ctx, outcomeTimeout)
		r, err := c.request(attempt, e)
		lost := err != nil && r.Error == nil && attempt.Err() != nil && ctx.Err() == nil
		cancel()
		if !lost {
			return err
		}
	}
}

func (c *Context) event(command events.Command, scope string) (events.Event, error) {
	d := &c.set.Definition
	e, err := events.NewCommand("/connectors/"+url.PathEscape(d.Name), command)
	if err != nil {
		return e, err
	}
	e.SetExtension(events.ExtActor, cmp.Or(d.User, d.Name))
	e.SetExtension(events.ExtMetadataSource, d.MetadataSource)
	e.SetExtension(events.ExtScope, scope)
	if c.set.Generation > 0 {
		e.SetExtension(events.ExtConnector, d.ID)
		e.SetExtension(events.ExtGeneration, strconv.FormatUint(c.set.Generation, 10))
	}
	return e, nil
}

func (c *Context) sawWrite(sequence uint64) {
	for {
		have := c.wrote.Load()
		if have >= sequence || c.wrote.CompareAndSwap(have, sequence) {
			return
		}
	}
}

// Go runs f in the background until the connector is disconnected: then the ctx of f is
// done, and the runtime waits for f. A panic in f is shown as a problem. After that Go
// does nothing.
func (c *Context) Go(f func(ctx context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return
	}
	c.background.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				c.set.Logger.Error("background work panicked", slog.Any("panic", p))
				c.Problem("panic", fmt.Sprint("panic: ", p))
			}
		}()
		f(c.running)
	})
}

// LoadPosition returns the position saved under key, nil if there is none. Positions
// survive restarts and moves to other nodes. Keys that begin with "listener" are used by
// [Context.Listen].
func (c *Context) LoadPosition(ctx context.Context, key string) ([]byte, error) {
	if c.closed.Load() {
		return nil, ErrDisconnected
	}
	return c.set.Positions.LoadPosition(ctx, key, c.set.Generation)
}

// SavePosition saves a position under key, durably. After a move to another node, the
// former node can neither save positions nor send commands.
func (c *Context) SavePosition(ctx context.Context, key string, value []byte) error {
	if c.closed.Load() {
		return ErrDisconnected
	}
	return c.set.Positions.SavePosition(ctx, key, c.set.Generation, value)
}

// Count adds delta to a statistic, which the connector's status shows.
func (c *Context) Count(name string, delta int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statistics[name] += delta
}

// Problem shows a problem in the connector's status while the connector continues; an
// empty message clears the problem of that key.
func (c *Context) Problem(key, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if message == "" {
		delete(c.problems, key)
		return
	}
	c.problems[key] = message
}

// Statistics returns a copy of the connector's statistics.
func (c *Context) Statistics() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.statistics)
}

// Problems returns a copy of the connector's problems by key, including conflicts.
func (c *Context) Problems() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	problems := maps.Clone(c.problems)
	c.showConflicts(problems)
	return problems
}
