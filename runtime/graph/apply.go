package graph

import (
	"bytes"
	"cmp"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// change is one event to be published, and what it does to the state.
type change struct {
	eventType string
	data      []byte
	id        string  // of the event
	record    *record // nil for a fence, and for a type
	// moved says that the record's element goes on under another type.
	moved  bool
	purged bool
	// unsigned says that the state does not tell who made the change.
	actorMissing bool
	typeDef      *events.TypeDef
	fence        events.Fence
}

// applier turns commands into changes. It is a pure function of command, view
// and request: a writer that does not know yet that another one has taken over
// publishes the same events, so that what either of them goes on from is what is
// stored, whichever of them stored it.
type applier struct {
	// published and unpublished are the zones of elements that are published,
	// and of new ones and those that are withdrawn.
	published, unpublished []string
	// maxState is how large the JSON of a state may be, so that an event with
	// the new and the previous state fits into a message.
	maxState int
	// scratch is where events are written before they get memory of their size.
	scratch []byte
}

// maxToken bounds names that become part of a subject: the server closes the
// connection on which a very long one comes.
const maxToken = 512

// maxChanges bounds an atomic change set: a batch of the bus.
const maxChanges = events.MaxSteps

// apply returns what the command leads to, or an [*events.Error].
func (a *applier) apply(v view, q *Request, c events.Command) (Outcome, error) {
	if q.Generation > 0 && q.Generation < v.fenced(q.Connector) {
		return Outcome{}, events.Errorf(events.CodeStale, events.ExtGeneration,
			"generation %d of connector %s is over; it runs elsewhere with generation %d", q.Generation, q.Connector, v.fenced(q.Connector))
	}
	o, err := a.applyToElement(v, q, c)
	if err != nil {
		return o, err
	}
	return a.replaceEnds(v, o), nil
}

// applyToElement applies what is about one element, which most commands are.
func (a *applier) applyToElement(v view, q *Request, c events.Command) (Outcome, error) {
	switch c := c.(type) {
	case *events.Create:
		return a.createNew(v, q, c)
	case *events.Upsert:
		return a.upsert(v, q, c)
	case *events.FromTemplate:
		return a.fromTemplate(v, q, c)
	case *events.Update:
		return a.update(v, q, c)
	case *events.Delete:
		o, err := a.delete(v, q, c)
		return purgeIdentifiers(v, q, o), err
	case *events.Restore:
		return a.restore(v, q, c)
	case *events.Classify:
		return a.classify(v, q, c)
	case *events.Declassify:
		return a.declassify(v, q, c)
	case *events.Publish:
		return a.rezone(v, q, c.Element, c.Expectation, a.published)
	case *events.Withdraw:
		return a.rezone(v, q, c.Element, c.Expectation, a.unpublished)
	case *events.Retype:
		return a.retype(v, q, c)
	default:
		return a.applyBeyond(v, q, c)
	}
}

// applyBeyond applies what is about relationships, or about more than one thing.
func (a *applier) applyBeyond(v view, q *Request, c events.Command) (Outcome, error) {
	switch c := c.(type) {
	case *events.Link:
		return a.link(v, q, c)
	case *events.UpdateRelationship:
		return a.updateLink(v, q, c)
	case *events.Unlink:
		return a.unlink(v, q, c)
	case *events.Rehome:
		return a.rehome(v, q, c)
	case *events.LinkExternalID:
		return a.linkExternalID(v, q, c)
	case *events.UnlinkExternalID:
		return a.unlinkExternalID(v, q, c)
	case *events.ConfirmSynchronization:
		return a.confirmSynchronization(v, q, c)
	case *events.DefineTypes:
		return a.defineTypes(v, c)
	case *events.ChangeSet:
		return a.changeSet(v, q, c)
	case *events.Fence:
		return fence(v, c)
	case *events.Flush:
		return Outcome{}, nil
	default:
		return Outcome{}, events.Errorf(events.CodeInvalid, events.ExtType, "%s cannot be applied here", c.EventType())
	}
}

// store makes the change that leads to e.
func (a *applier) store(typ *events.ElementType, old *record, e *events.Element, eventType, mark string) (Outcome, error) {
	b := openChange(a.scratch[:0], "element")
	begin := len(b)
	b, from, to := appendElement(b, e)
	size := len(b) - begin
	if size > a.maxState {
		return Outcome{}, a.tooLarge(e.Header.Type.Name+" "+cmp.Or(e.Header.QualifiedName, e.Header.GUID), size)
	}
	id, err := uuid.Parse(e.Header.GUID)
	if err != nil {
		return Outcome{}, err
	}
	r := &record{
		guid: id, typ: typ, name: e.Header.QualifiedName, version: e.Header.Versions.Version,
		home: homeOf(&e.Header.Origin),
	}
	if r.name == "" {
		r.name = e.Header.GUID
	}
	if e.Header.AnchorGUID != "" {
		if r.anchor, err = uuid.Parse(e.Header.AnchorGUID); err != nil {
			return Outcome{}, err
		}
	}
	r.archived = e.Archived()
	if old != nil {
		r.derived = old.derived
	}
	a.scratch = closeChange(b, old.json(), mark)
	data := bytes.Clone(a.scratch)
	r.keep(data[begin:begin+size], from-begin, to-begin)
	return changed(r, change{eventType: eventType, record: r, data: data}), nil
}

func (a *applier) tooLarge(what string, size int) error {
	return events.Errorf(events.CodeTooLarge, "", "%s takes %d bytes; at most %d fit into a message together with the previous state",
		what, size, a.maxState)
}

// messageOf is what an error says, without where.
func messageOf(err error) string {
	if e, ok := asError(err); ok {
		return e.Message
	}
	return err.Error()
}

// stage applies commands one after the other, as one.
type stage struct {
	*applier
	view *overlay
	all  Outcome
}

func (a *applier) stage(v view) *stage { return &stage{applier: a, view: newOverlay(v)} }

// do applies the next command.
func (s *stage) do(q *Request, c events.Command) (events.Result, error) {
	o, err := s.apply(s.view, q, c)
	if err != nil {
		return events.Result{}, err
	}
	s.take(o)
	return o.Result, nil
}

func (s *stage) take(o Outcome) {
	s.view.add(o.changes)
	s.all.changes = append(s.all.changes, o.changes...)
	s.all.Result.Changed = s.all.Result.Changed || o.Result.Changed
}

func (a *applier) changeSet(v view, q *Request, c *events.ChangeSet) (Outcome, error) {
	steps, err := c.Steps()
	if err != nil {
		return Outcome{}, err
	}
	s := a.stage(v)
	s.all.changes = make([]change, 0, len(steps))
	for i, step := range steps {
		before := len(s.all.changes)
		result, err := s.do(q, step)
		if err != nil {
			return Outcome{}, inStep(i, err)
		}
		result.Elements, result.Relationships = counted(s.all.changes[before:])
		s.all.Result.Steps = append(s.all.Result.Steps, result)
	}
	if len(s.all.changes) > maxChanges {
		return Outcome{}, events.Errorf(events.CodeTooLarge, "/commands", "the change set leads to %d changes; at most %d can be applied at once",
			len(s.all.changes), maxChanges)
	}
	return s.all, nil
}

func fence(v view, c *events.Fence) (Outcome, error) {
	if len(c.Connector) > maxToken {
		return Outcome{}, events.Errorf(events.CodeInvalid, "/connector", "it is %d bytes long; at most %d are allowed", len(c.Connector), maxToken)
	}
	switch have := v.fenced(c.Connector); {
	case c.Generation < have:
		return Outcome{}, events.Errorf(events.CodeStale, "/generation", "connector %s is fenced to generation %d already", c.Connector, have)
	case c.Generation == have:
		return Outcome{}, nil
	}
	data, err := events.Marshal(c)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{
		changes: []change{{eventType: events.TypeConnectorFenced, data: data, fence: *c}},
		Result:  events.Result{Changed: true},
	}, nil
}
