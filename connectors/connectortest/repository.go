package connectortest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

// maxMessage is the default size limit of messages on the bus.
const maxMessage = 1 << 20

// Repository is a metadata repository in memory. It applies commands and answers
// questions by the code of the real one, without a bus. It records what it is sent, and
// fails on demand. It implements all interfaces in [connectors.Settings].
type Repository struct {
	mu      sync.Mutex
	index   *index.Index
	pending *graph.Pending
	// log has the events of all changes; handled is the number of commands so far.
	log     history
	handled uint64
	// invalidTypes is the error of the types that the test gives.
	invalidTypes error
	sent         []events.Event
	ids          map[string]struct{}
	queue        []events.Event
	dead         []DeadLetter
	positions    map[string]position
	faults       faults
	// grown is closed and replaced at every change.
	grown chan struct{}
}

// DeadLetter is a command that can never be applied, or a change that a listener gave
// up, with the reason.
type DeadLetter struct {
	Event  events.Event
	Change connectors.Change
	Reason error
}

// NewRepository returns an empty repository with the types that Camena ships and those
// given. If these are invalid, every command fails with the reason.
func NewRepository(types ...events.TypeDef) *Repository {
	registry, err := typesWith(types)
	r := newRepository(cmp.Or(registry, new(opentypes.Registry)))
	r.invalidTypes = err
	return r
}

// typesWith returns the types that Camena ships and those given.
func typesWith(more []events.TypeDef) (*opentypes.Registry, error) {
	shipped, err := opentypes.Builtin()
	if err != nil {
		return nil, err
	}
	all, _, err := shipped.Apply(more...)
	if err != nil {
		return nil, fmt.Errorf("the types that the test gives: %w", err)
	}
	return all, nil
}

func newRepository(types *opentypes.Registry) *Repository {
	r := &Repository{
		index: index.New(types, slog.New(slog.DiscardHandler)),
		ids:   map[string]struct{}{}, positions: map[string]position{}, grown: make(chan struct{}),
	}
	r.SetZones(nil, nil)
	return r
}

// SetZones sets the zones of published elements, and those of new and withdrawn ones, as
// the settings of a node do. By default they have none, which means all.
func (r *Repository) SetZones(published, others []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = graph.NewPending(r.index, graph.Rules{PublishZones: published, DefaultZones: others, MaxState: graph.MaxState(maxMessage)})
}

// Settings returns what a Context needs to work on the repository; the caller
// may change them.
func (r *Repository) Settings(d events.Definition) connectors.Settings {
	return connectors.Settings{
		Definition: d, Node: "node-1", Generation: 1,
		Publisher: r, Asker: r, Follower: r, Positions: r,
	}
}

// Send implements [connectors.Publisher].
func (r *Repository) Send(ctx context.Context, es iter.Seq[events.Event]) error {
	if err := r.faults.call(ctx); err != nil {
		return err
	}
	for e := range es {
		if err := r.faults.event(ctx); err != nil {
			return err
		}
		if err := r.store(&e); err != nil {
			return err
		}
	}
	if !r.faults.isLagging() {
		r.settle(ctx)
	}
	return nil
}

// Request implements [connectors.Publisher].
func (r *Repository) Request(ctx context.Context, e events.Event) (events.Result, error) {
	if err := errors.Join(r.faults.call(ctx), r.faults.event(ctx)); err != nil {
		return events.Result{}, err
	}
	r.settle(ctx)
	if err := r.store(&e); err != nil {
		return events.Result{}, err
	}
	result := r.settle(ctx)
	return result, r.faults.reply()
}

// store makes a command durable. It stores an id once.
func (r *Repository) store(e *events.Event) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if len(e.Data) > maxMessage {
		return events.Errorf(events.CodeTooLarge, "", "%d bytes do not fit into a message", len(e.Data))
	}
	if r.invalidTypes != nil {
		return r.invalidTypes
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.ids[e.ID]; again {
		return nil
	}
	r.ids[e.ID] = struct{}{}
	if e.Type != events.TypeFenceConnector && e.Type != events.TypeFlushCommands {
		r.sent = append(r.sent, *e)
	}
	r.queue = append(r.queue, *e)
	return nil
}

// Settle applies all stored commands; see [Repository.Lag].
func (r *Repository) Settle() { r.settle(context.Background()) }

func (r *Repository) settle(ctx context.Context) events.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := events.Result{Sequence: r.last()}
	for i := range r.queue {
		last = r.handle(ctx, &r.queue[i])
	}
	r.queue = nil
	return last
}

// last returns the sequence of the last event.
func (r *Repository) last() uint64 { return uint64(len(r.log.Events)) }

// handle applies a command and stores its changes.
func (r *Repository) handle(ctx context.Context, e *events.Event) events.Result {
	r.handled++
	o, q, err := r.apply(ctx, e)
	if err != nil {
		if !graph.IsDryRun(e) {
			r.dead = append(r.dead, DeadLetter{Event: *e, Reason: err})
		}
		return events.Result{Sequence: r.last(), Error: events.AsError(err)}
	}
	if o.Len() > 0 {
		r.commit(&o, q)
	}
	o.Stored(r.last())
	return o.Result
}

func (r *Repository) apply(ctx context.Context, e *events.Event) (o graph.Outcome, q *graph.Request, err error) {
	command, err := events.DecodeCommand(e)
	if err != nil {
		return o, nil, err
	}
	if err := graph.CheckEnvelope(e); err != nil {
		return o, nil, err
	}
	if q, err = graph.RequestOf(e, r.handled, time.Now().UTC().Round(0)); err != nil {
		return o, nil, err
	}
	q.Awaited = true
	if q.Deletions, err = r.index.LoadDeleted(ctx, r.log, command); err != nil {
		return o, nil, err
	}
	o, err = r.pending.Apply(q, command)
	return o, q, err
}

func (r *Repository) commit(o *graph.Outcome, q *graph.Request) {
	r.log.add(o, q)
	o.Stored(r.last())
	r.index.Commit(o.AppendStateChanges(nil, q.Sequence, q.Time)...)
	for _, t := range r.index.PendingPurges() {
		r.log.Erase(t)
		r.index.PurgeDone(t)
	}
	r.wake()
}

// wake makes [Repository.Await] check its condition again.
func (r *Repository) wake() {
	close(r.grown)
	r.grown = make(chan struct{})
}

func locked[T any](r *Repository, get func() T) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return get()
}

// Sent returns the stored commands, without those by which a Context fences and flushes.
func (r *Repository) Sent() []events.Event {
	return locked(r, func() []events.Event { return slices.Clip(r.sent) })
}

// Changes returns the change events so far, as listeners see them.
func (r *Repository) Changes() []connectors.Change {
	return locked(r, func() []connectors.Change { return r.log.changes(0) })
}

// DeadLetters returns the commands that could not be applied and the changes that
// listeners gave up.
func (r *Repository) DeadLetters() []DeadLetter {
	return locked(r, func() []DeadLetter { return slices.Clone(r.dead) })
}

func (r *Repository) addDeadLetter(d DeadLetter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = append(r.dead, d)
	r.wake()
}

// Await waits until condition is true. It is checked after every change and every dead
// letter.
func (r *Repository) Await(ctx context.Context, condition func() bool) error {
	for {
		grown := locked(r, func() chan struct{} { return r.grown })
		if condition() {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("the condition does not hold in the repository: %w", context.Cause(ctx))
		}
	}
}
