package connectortest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// maxMessage is how large a message may be on the bus by default.
const maxMessage = 1 << 20

// Repository is a metadata repository in memory that keeps the contract of the
// real one: what commands do is as [events.Upsert] and its neighbours say,
// digests, references and sequence numbers included. It records what it is
// sent, and fails on demand. It implements all that [connectors.Settings]
// asks for.
//
// It knows no type system: every name is a type, without super types but for
// those that [Repository.Subtype] declares.
type Repository struct {
	mu        sync.Mutex
	state     state
	sequence  uint64
	log       []connectors.Change
	sent      []events.Event
	ids       map[string]struct{}
	queue     []events.Event
	dead      []DeadLetter
	buried    []Buried
	positions map[string][]byte
	supers    map[string][]string
	views     views
	faults    faults
	// grown is closed and replaced at every change.
	grown chan struct{}
}

// DeadLetter is a command that can never be applied, and why.
type DeadLetter struct {
	Event  events.Event
	Reason error
}

var (
	_ connectors.Publisher = (*Repository)(nil)
	_ connectors.Reader    = (*Repository)(nil)
	_ connectors.Explorer  = (*Repository)(nil)
	_ connectors.Follower  = (*Repository)(nil)
	_ connectors.Latest    = (*Repository)(nil)
	_ connectors.Positions = (*Repository)(nil)
)

// NewRepository returns an empty repository.
func NewRepository() *Repository {
	return &Repository{
		state: newState(), ids: map[string]struct{}{}, positions: map[string][]byte{},
		supers: map[string][]string{}, grown: make(chan struct{}),
	}
}

// Settings returns what a Context needs to work on the repository; the caller
// may change them.
func (r *Repository) Settings(d events.Definition) connectors.Settings {
	return connectors.Settings{
		Definition: d, Node: "node-1", Generation: 1,
		Publisher: r, Reader: r, Follower: r, Positions: r,
	}
}

// Subtype declares the super types of a type, nearest first.
func (r *Repository) Subtype(name string, superTypes ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.supers[name] = superTypes
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
	if r.faults.isLagging() {
		return nil
	}
	r.Settle()
	return nil
}

// Request implements [connectors.Publisher].
func (r *Repository) Request(ctx context.Context, e events.Event) (events.Result, error) {
	if err := errors.Join(r.faults.call(ctx), r.faults.event(ctx)); err != nil {
		return events.Result{}, err
	}
	r.Settle()
	if err := r.store(&e); err != nil {
		return events.Result{}, err
	}
	result := r.settle()
	return result, r.faults.reply()
}

// store makes a command durable. The same id is stored once.
func (r *Repository) store(e *events.Event) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if len(e.Data) > maxMessage {
		return events.Errorf(events.CodeTooLarge, "", "%d bytes do not fit into a message", len(e.Data))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.ids[e.ID]; again {
		return nil
	}
	r.ids[e.ID] = struct{}{}
	if e.Type != events.TypeFenceConnector {
		r.sent = append(r.sent, *e)
	}
	r.queue = append(r.queue, *e)
	return nil
}

// Settle applies what is stored and not yet applied; see [Repository.Lag].
func (r *Repository) Settle() { r.settle() }

func (r *Repository) settle() events.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := events.Result{Sequence: r.sequence}
	for i := range r.queue {
		last = r.apply(&r.queue[i])
	}
	r.queue = nil
	return last
}

func (r *Repository) apply(e *events.Event) events.Result {
	w := &writer{
		state: &r.state, supers: r.supers, now: time.Now().UTC(), actor: e.Extension(events.ExtActor),
		source: e.Extension(events.ExtMetadataSource), scope: e.Extension(events.ExtScope),
	}
	dry := e.Extension(events.ExtDryRun) == "true"
	saved := r.state
	if dry {
		saved = r.state.clone()
	}
	result, err := w.handle(e)
	if dry {
		r.state = saved
		return w.preview(result, r.sequence, err)
	}
	if err != nil {
		r.dead = append(r.dead, DeadLetter{Event: *e, Reason: err})
		return events.Result{Sequence: r.sequence, Error: asError(err)}
	}
	r.publish(w.changes, w.now)
	result.Sequence = r.sequence
	return result
}

func (r *Repository) publish(changes []connectors.Change, now time.Time) {
	for _, c := range changes {
		r.sequence++
		c.Sequence, c.Time = r.sequence, now
		r.log = append(r.log, c)
	}
	if len(changes) > 0 {
		r.wake()
	}
}

// look has those who wait for a condition ask for it again.
func (r *Repository) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wake()
}

// wake has those who wait for a change look again.
func (r *Repository) wake() {
	close(r.grown)
	r.grown = make(chan struct{})
}

func asError(err error) *events.Error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return e
	}
	return events.Errorf(events.CodeInvalid, "", "%s", err)
}

// Sent returns how many commands were stored so far, fences not counted.
func (r *Repository) Sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

// SentSince returns the commands stored after [Repository.Sent] returned n.
func (r *Repository) SentSince(n int) []events.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent[n:])
}

// Changes returns the change events so far, as listeners see them.
func (r *Repository) Changes() []connectors.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// DeadLetters returns the commands that could not be applied.
func (r *Repository) DeadLetters() []DeadLetter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dead)
}

// Element returns the element with that qualified name, nil if there is none.
func (r *Repository) Element(qualifiedName string) *events.Element {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.elements[r.state.names[qualifiedName]]
}

// Elements returns all elements in the order of their qualified names.
func (r *Repository) Elements() []*events.Element {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.state.elements), func(a, b *events.Element) int {
		return strings.Compare(findKey(a), findKey(b))
	})
}

// State describes all elements and relationships without what differs from run
// to run (guids, versions, times): two repositories that hold the same metadata
// have equal states.
func (r *Repository) State() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := map[string]string{}
	put := func(name, content string) {
		unique := name
		for n := 2; lines[unique] != ""; n++ {
			unique = fmt.Sprintf("%s #%d", name, n)
		}
		lines[unique] = content
	}
	for _, e := range r.state.elements {
		put(label(e), fmt.Sprintf("%s %s zones=%q classifications=%s source=%q scope=%q",
			e.Header.Type.Name, e.Properties.Raw(), e.Header.Zones, marks(e), e.Header.Origin.Source, e.Header.Origin.Scope))
	}
	for _, l := range r.state.relationships {
		put(fmt.Sprintf("%s: %s -> %s", l.Header.Type.Name, r.label(l.End1), r.label(l.End2)),
			fmt.Sprintf("%s source=%q scope=%q", l.Properties.Raw(), l.Header.Origin.Source, l.Header.Origin.Scope))
	}
	return lines
}

func (r *Repository) label(stub events.ElementStub) string { return label(r.state.elements[stub.GUID]) }

// label names an element by its qualified name, or else by what it holds, since
// its guid would be another one the next time.
func label(e *events.Element) string {
	if e.Header.QualifiedName != "" {
		return e.Header.QualifiedName
	}
	return fmt.Sprintf("unnamed %s %s", e.Header.Type.Name, e.Properties.Raw())
}

func marks(e *events.Element) string {
	var b strings.Builder
	for _, m := range e.Classifications {
		fmt.Fprintf(&b, "%s%s", m.Name, m.Properties.Raw())
	}
	return b.String()
}

func nameOf(h *events.ElementHeader) string {
	if h.QualifiedName != "" {
		return h.QualifiedName
	}
	return h.GUID
}

// Await waits until condition is true; it is asked again after every change, and
// after every one that a listener gives up.
func (r *Repository) Await(ctx context.Context, condition func() bool) error {
	for {
		r.mu.Lock()
		grown := r.grown
		r.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("the repository does not come to show it: %w", context.Cause(ctx))
		}
	}
}

// LoadPosition implements [connectors.Positions].
func (r *Repository) LoadPosition(_ context.Context, key string, _ uint64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.positions[key]), nil
}

// SavePosition implements [connectors.Positions].
func (r *Repository) SavePosition(_ context.Context, key string, _ uint64, value []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.positions[key] = slices.Clone(value)
	return nil
}
