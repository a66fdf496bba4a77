package graph

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// Rules are settings of an installation about commands.
type Rules struct {
	// PublishZones are the zones of published elements, DefaultZones those of new and
	// of withdrawn ones. None means all zones.
	PublishZones, DefaultZones []string
	// MaxState is how large the JSON of a state may be, so that an event with the
	// new and the previous state fits into a message.
	MaxState int
}

// Request is what the envelope of a command says, and when it was stored.
type Request struct {
	// ID of the command, its Sequence on the in topic, and the Time when it was stored
	// there, which becomes the time of its changes. They are the same for every writer
	// that applies it.
	ID       string
	Sequence uint64
	Time     time.Time
	// Actor sent the command, for the metadata source Source.
	Actor, Source, Scope string
	Category             events.OriginCategory
	Connector            string
	Generation           uint64
	// Deletions are what the command may restore, see [Index.LoadDeleted].
	Deletions index.Deletions
	// Awaited means that the sender waits for the outcome.
	Awaited bool
	// DryRun asks what would change.
	DryRun bool
}

// RequestOf reads the envelope of a command that was stored on the in topic.
func RequestOf(e *events.Event, sequence uint64, stored time.Time) (*Request, error) {
	generation, err := e.Uint(events.ExtGeneration)
	if err != nil {
		return nil, err
	}
	return &Request{
		ID: e.ID, Sequence: sequence, Time: stored,
		Actor: Actor(e), Source: e.Extension(events.ExtMetadataSource), Scope: e.Extension(events.ExtScope),
		Category:  events.OriginCategory(e.Extension(events.ExtOriginCategory)),
		Connector: e.Extension(events.ExtConnector), Generation: generation,
		Awaited: e.Extension(events.ExtReplyTo) != "", DryRun: IsDryRun(e),
	}, nil
}

// Actor returns the actor of a command, or else its source.
func Actor(e *events.Event) string { return cmp.Or(e.Extension(events.ExtActor), e.Source) }

// IsDryRun reports whether a command only asks what would change.
func IsDryRun(e *events.Event) bool { return e.Extension(events.ExtDryRun) == "true" }

// MaxState returns the largest size of a state for the largest payload of a message:
// an event holds two states and its headers.
func MaxState(payload int64) int {
	const (
		largest = 1 << 20
		spare   = 32 << 10
	)
	return int(min(largest, (payload-spare)/2))
}

// Pending applies commands one after the other to the state of an index, and holds
// what they lead to until the index has it. Nothing is stored: to try commands without
// a bus, call Apply and then Add for each. It is not safe for concurrent use.
type Pending struct {
	rules Rules
	view  *overlay
	// scratch is where events are written before they get memory of their size.
	scratch []byte
}

// NewPending returns a Pending that begins with the state of the index.
func NewPending(x *index.Index, r Rules) *Pending { return &Pending{rules: r, view: newOverlay(x)} }

// Apply returns what a command leads to, or an [*events.Error]. Later commands see
// that only after [Pending.Add].
func (p *Pending) Apply(q *Request, c events.Command) (Outcome, error) {
	t := &transaction{Pending: p, q: q, base: p.view}
	result, err := t.do(c)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Result: result, changes: t.changes}
	if q.Awaited {
		o.describe(p.view)
	}
	o.dropPurgedChanges()
	if q.DryRun {
		return o.preview(), nil
	}
	for i := range o.changes {
		o.changes[i].ID, o.changes[i].At = q.ID+"-"+strconv.Itoa(i), q.Time
	}
	return o, nil
}

// Add makes an outcome visible to the commands after it.
func (p *Pending) Add(o *Outcome) { p.view.add(o.changes) }

// Drop forgets an outcome that has arrived in the index.
func (p *Pending) Drop(o *Outcome) { p.view.drop(o.changes) }

// Outcome is what a command leads to.
type Outcome struct {
	// Result is the answer to the sender. Its sequence is set by [Outcome.Stored].
	Result  events.Result
	changes []change
}

// Change is an event to publish.
type Change struct {
	ID   string
	Type string
	Data []byte
	index.Subject
	// ActorMissing means that the state does not name who made the change: it is a
	// deletion, or a relationship of which only the type of an end changed.
	ActorMissing bool
	// Purged means that all earlier events of the subject have to go.
	Purged bool
}

// Len returns the number of changes.
func (o *Outcome) Len() int { return len(o.changes) }

// Change returns the change with an index.
func (o *Outcome) Change(i int) Change {
	c := &o.changes[i]
	e := Change{ID: c.ID, Type: c.eventType, Data: c.data, Purged: c.Purged}
	switch {
	case c.TypeDef != nil:
		e.TypeName = c.TypeDef.Name
	case c.Record == nil:
		e.Connector = c.Connector
	default:
		e.Relationship, e.TypeName, e.GUID = c.Record.Relationship, c.Record.Type.Name, c.Record.GUID.String()
		e.ActorMissing = c.Record.Deleted || c.actorMissing
	}
	return e
}

// Stored sets the sequence of the last change on the out topic.
func (o *Outcome) Stored(last uint64) {
	o.Result.Sequence = last
	for i := range o.Result.Steps {
		o.Result.Steps[i].Sequence = last
	}
}

// Purges reports whether the history of something has to go.
func (o *Outcome) Purges() bool {
	return slices.ContainsFunc(o.changes, func(c change) bool { return c.Purged })
}

// dropPurgedChanges leaves out the changes of a subject before its purge: they would
// be removed at once, and the bus requires that an event which removes those before it
// is the first of its subject in a batch.
func (o *Outcome) dropPurgedChanges() {
	if !o.Purges() {
		return
	}
	purged, kept := map[string]bool{}, make([]change, 0, len(o.changes))
	for _, c := range slices.Backward(o.changes) {
		if c.Record != nil {
			of := c.Record.GUID.String() + c.Record.Type.Name
			if purged[of] {
				continue
			}
			purged[of] = c.Purged
		}
		kept = append(kept, c)
	}
	slices.Reverse(kept)
	o.changes = kept
}

// AppendStateChanges adds what an index has to commit of stored changes; position is
// the in-sequence of the command.
func (o *Outcome) AppendStateChanges(list []index.StateChange, position uint64, stored time.Time) []index.StateChange {
	n := uint64(len(o.changes))
	for i := range o.changes {
		c := o.changes[i].StateChange
		c.Sequence, c.Position, c.Stored = o.Result.Sequence-n+1+uint64(i), position, stored
		list = append(list, c)
	}
	return list
}

// AppendEvents appends the events of the outcome to a log in memory. The position is
// the in-sequence of the command, the time that of all its events.
func (o *Outcome) AppendEvents(l index.Events, position uint64, at time.Time) index.Events {
	for i := range o.Len() {
		c := o.Change(i)
		l = append(l, index.Event{
			Sequence: uint64(len(l)) + 1, Position: position, Stored: at, Time: at, ID: c.ID, Type: c.Type, Subject: c.Subject, Data: c.Data,
		})
	}
	return l
}
