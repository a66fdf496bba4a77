package graph

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/camena-io/camena/events"
)

// Rules are what the author of an installation decides about commands.
type Rules struct {
	// PublishZones are the zones that publishing puts an element into;
	// DefaultZones are those of new elements, and of withdrawn ones. None means
	// all zones.
	PublishZones, DefaultZones []string
	// MaxState is how large the JSON of a state may be, so that an event with the
	// new and the previous state fits into a message.
	MaxState int
}

// Request is what a command's envelope says about it.
type Request struct {
	// ID of the command, its Sequence on the in topic, and the Time when it was
	// stored there, which is the time of what it changes. They are the same for
	// every writer that applies it.
	ID       string
	Sequence uint64
	Time     time.Time
	// Actor is on whose behalf it was sent, Source the metadata source.
	Actor, Source, Scope string
	Category             events.OriginCategory
	Connector            string
	Generation           uint64
	// Graves are what restorations can bring back, see [Index.Exhume].
	Deletions Deletions
	// Awaited says that somebody wants to be told the outcome.
	Awaited bool
	// DryRun asks for what would change.
	DryRun bool
	// made is how many guids the command needed so far.
	made int
}

// RequestOf returns what the envelope of a command says that has a sequence on
// the in topic and was stored there at a time.
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

// Actor returns on whose behalf a command was sent.
func Actor(e *events.Event) string { return cmp.Or(e.Extension(events.ExtActor), e.Source) }

// IsDryRun reports whether a command only asks for what would change.
func IsDryRun(e *events.Event) bool { return e.Extension(events.ExtDryRun) == "true" }

// MaxState returns how large a state may be where a message may be so large: it
// leaves room for two states, the headers and the rest of the event.
func MaxState(payload int64) int {
	const (
		largest = 1 << 20
		spare   = 32 << 10
	)
	return int(min(largest, (payload-spare)/2))
}

// Pending applies commands to an index and what is not in it yet.
type Pending struct {
	applier applier
	view    *overlay
}

// NewPending returns one that begins with what is in the index.
func NewPending(x *Index, r Rules) *Pending {
	return &Pending{
		applier: applier{published: r.PublishZones, unpublished: r.DefaultZones, maxState: r.MaxState},
		view:    newOverlay(x),
	}
}

// Apply returns what a command leads to, or an [*events.Error].
func (p *Pending) Apply(r *Request, c events.Command) (Outcome, error) {
	q := *r
	q.made = 0
	o, err := p.applier.apply(p.view, &q, c)
	if err != nil {
		return Outcome{}, err
	}
	if r.Awaited {
		o.describe(p.view)
	}
	o.dropPurgedChanges()
	if r.DryRun {
		o = o.preview()
	}
	o.at = r.Time
	for i := range o.changes {
		o.changes[i].id = r.ID + "-" + strconv.Itoa(i)
	}
	return o, nil
}

// Add makes an outcome visible to the commands after it.
func (p *Pending) Add(o *Outcome) { p.view.add(o.changes) }

// Drop forgets an outcome that has arrived in the index.
func (p *Pending) Drop(o *Outcome) { p.view.drop(o.changes) }

// Outcome is what a command leads to.
type Outcome struct {
	// Result is what its sender is told. Its sequence on the out topic is not known
	// before the changes are stored.
	Result  events.Result
	changes []change
	// at is when the command was stored.
	at time.Time
}

// Change is an event to be published.
type Change struct {
	ID   string
	Type string
	Data []byte
	Subject
	// Unsigned says that the state does not tell who made the change: that of a
	// deletion, and of a relationship that only tells another type of an end.
	ActorMissing bool
	// Purged says that nothing may stay of what the subject had before.
	Purged bool
}

// Subject is what an event is about: an element or relationship, or else, as its
// type says, the fence of a connector or a type.
type Subject struct {
	Relationship   bool
	TypeName, GUID string
	Connector      string
}

// Len returns how many changes there are.
func (o *Outcome) Len() int { return len(o.changes) }

// Change returns the one with an index.
func (o *Outcome) Change(i int) Change {
	c := &o.changes[i]
	e := Change{ID: c.id, Type: c.eventType, Data: c.data, Purged: c.purged}
	switch {
	case c.typeDef != nil:
		e.TypeName = c.typeDef.Name
	case c.record == nil:
		e.Connector = c.fence.Connector
	default:
		e.Relationship, e.TypeName, e.GUID = c.record.relationship, c.record.typ.Name, c.record.guid.String()
		e.ActorMissing = c.record.deleted || c.actorMissing
	}
	return e
}

// Stored notes the sequence of the last change on the out topic.
func (o *Outcome) Stored(last uint64) {
	o.Result.Sequence = last
	for i := range o.Result.Steps {
		o.Result.Steps[i].Sequence = last
	}
}

// Purges reports whether nothing may stay of the history of something.
func (o *Outcome) Purges() bool {
	return slices.ContainsFunc(o.changes, func(c change) bool { return c.purged })
}

// keepSilent leaves out what the command did, before it purged something, under the
// same subject: it is not told to be removed at once, and the purge is the first
// event of the subject in its batch, as the bus wants that of one that removes what
// is before it.
func (o *Outcome) dropPurgedChanges() {
	if !o.Purges() {
		return
	}
	type subject struct {
		guid     guid
		typeName string
	}
	purged, told := map[subject]bool{}, make([]change, 0, len(o.changes))
	for _, c := range slices.Backward(o.changes) {
		if c.record != nil {
			of := subject{c.record.guid, c.record.typ.Name}
			if purged[of] {
				continue
			}
			purged[of] = c.purged
		}
		told = append(told, c)
	}
	slices.Reverse(told)
	o.changes = told
}

// AppendFacts adds what an index has to take over of changes that are stored;
// position is the in-sequence of the command.
func (o *Outcome) AppendStateChanges(facts []StateChange, position uint64, stored time.Time) []StateChange {
	n := uint64(len(o.changes))
	for i := range o.changes {
		c := &o.changes[i]
		facts = append(facts, StateChange{
			sequence: o.Result.Sequence - n + 1 + uint64(i), position: position, stored: stored, at: o.at, id: c.id,
			record: c.record, moved: c.moved, purged: c.purged, typeDef: c.typeDef,
			connector: c.fence.Connector, generation: c.fence.Generation,
		})
	}
	return facts
}
