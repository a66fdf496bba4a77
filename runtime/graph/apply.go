package graph

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// change is one event to publish and its effect on the state.
type change struct {
	index.StateChange

	eventType string
	data      []byte
	// actorMissing means that the new state does not name who made the change.
	actorMissing bool
}

// transaction applies one command, or the steps of a change set, all or nothing. It
// depends only on the command, the request and the base state, so that two writers
// that apply the same command publish the same events.
type transaction struct {
	*Pending

	q    *Request
	base view
	// own shows the changes so far above the base; visible is how many it has.
	own     *overlay
	visible int
	changes []change
	result  events.Result // of the present command
	// unarchived are the elements that the present command took from the archive.
	unarchived []*index.Record
	// guids is how many guids the command made so far.
	guids int
}

// maxToken bounds names that become part of a subject: the server closes the
// connection when a subject is very long.
const maxToken = 512

// maxChanges bounds an atomic change set: a batch of the bus.
const maxChanges = events.MaxSteps

// view returns the state as the changes so far leave it.
func (t *transaction) view() view {
	if t.visible < len(t.changes) {
		if t.own == nil {
			t.own = newOverlay(t.base)
		}
		t.own.add(t.changes[t.visible:])
		t.visible = len(t.changes)
	}
	if t.own == nil {
		return t.base
	}
	return t.own
}

func (t *transaction) emit(c change) { t.changes = append(t.changes, c) }

// is makes a record the subject of the result.
func (t *transaction) is(r *index.Record) {
	t.result.GUID, t.result.Version = r.GUID.String(), r.Version
}

// do applies a command after those before it.
func (t *transaction) do(c events.Command) (events.Result, error) {
	if have := t.view().Generation(t.q.Connector); t.q.Generation > 0 && t.q.Generation < have {
		return events.Result{}, events.Errorf(events.CodeStale, events.ExtGeneration,
			"generation %d of connector %s is over; it runs elsewhere with generation %d", t.q.Generation, t.q.Connector, have)
	}
	outer, begin := t.result, len(t.changes)
	t.result = events.Result{}
	err := t.apply(c)
	if err == nil {
		t.replaceEnds(begin)
	}
	r := t.result
	t.result = outer
	r.Changed = len(t.changes) > begin
	return r, err
}

// apply applies a command about one element, or passes it on.
func (t *transaction) apply(c events.Command) error {
	switch c := c.(type) {
	case *events.Create:
		return t.upsert(&events.Upsert{Element: c.Element, UnknownProperties: c.UnknownProperties}, true)
	case *events.Upsert:
		return t.upsert(c, false)
	case *events.FromTemplate:
		return t.fromTemplate(c)
	case *events.Update:
		return t.update(c)
	case *events.Delete:
		return t.delete(c)
	case *events.Restore:
		return t.restore(c)
	case *events.Classify:
		return t.classify(c)
	case *events.Declassify:
		return t.declassify(c)
	case *events.Publish:
		return t.moveToZones(c.Element, c.Expectation, t.rules.PublishZones)
	case *events.Withdraw:
		return t.moveToZones(c.Element, c.Expectation, t.rules.DefaultZones)
	case *events.Retype:
		return t.retype(c)
	default:
		return t.applyOther(c)
	}
}

// applyOther applies a command about relationships, types, fences or several things.
func (t *transaction) applyOther(c events.Command) error {
	switch c := c.(type) {
	case *events.Link:
		return t.link(c)
	case *events.UpdateRelationship:
		return t.updateLink(c)
	case *events.Unlink:
		return t.unlink(c)
	case *events.Rehome:
		return t.rehome(c)
	case *events.LinkExternalID:
		return t.linkExternalID(c)
	case *events.UnlinkExternalID:
		return t.unlinkExternalID(c)
	case *events.ConfirmSynchronization:
		return t.confirmSynchronization(c)
	case *events.DefineTypes:
		return t.defineTypes(c)
	case *events.ChangeSet:
		return t.changeSet(c)
	case *events.Fence:
		return t.fence(c)
	case *events.Flush:
		return nil
	default:
		return events.Errorf(events.CodeInvalid, events.ExtType, "%s cannot be applied here", c.EventType())
	}
}

// store emits the change that leads to e; it may be about a classification.
func (t *transaction) store(typ *events.ElementType, old *index.Record, e *events.Element, eventType, classification string) error {
	r := &index.Record{
		Name: cmp.Or(e.Header.QualifiedName, e.Header.GUID), Archived: e.Archived(), Derived: old == nil || old.Derived,
		Anchor: index.GUIDOf(events.ByGUID(e.Header.AnchorGUID)),
	}
	return t.storeState(r, typ, old, &e.Header, change{eventType: eventType}, classification, func(b []byte) ([]byte, int, int) {
		return appendElement(b, e)
	})
}

// storeLink emits the change that leads to l.
func (t *transaction) storeLink(typ *events.ElementType, old *index.Record, l *events.Relationship, c change) error {
	r := &index.Record{
		Relationship: true, Name: l.Header.GUID,
		Ends: &index.Ends{End1: index.GUIDOf(events.ByGUID(l.End1.GUID)), End2: index.GUIDOf(events.ByGUID(l.End2.GUID))},
	}
	return t.storeState(r, typ, old, &l.Header, c, "", func(b []byte) ([]byte, int, int) { return appendRelationship(b, l) })
}

func (t *transaction) storeState(
	r *index.Record, typ *events.ElementType, old *index.Record, h *events.ElementHeader, c change, classification string,
	appendState func([]byte) (b []byte, from, to int),
) error {
	r.GUID, r.Type, r.Version = index.GUIDOf(events.ByGUID(h.GUID)), typ, h.Versions.Version
	r.SetOrigin(&h.Origin)
	kind, name := "element", r.Name
	if r.Relationship {
		r.Derived = r.GUID == r.LinkKey()
		kind = "relationship"
	}
	b := openChange(t.scratch[:0], kind)
	begin := len(b)
	b, from, to := appendState(b)
	size := len(b) - begin
	if size > t.rules.MaxState {
		if r.Relationship {
			name = nameAt(t.view(), r.End1) + arrow + nameAt(t.view(), r.End2)
		}
		return t.tooLarge(typ.Name+" "+name, size)
	}
	var previous []byte
	if old != nil {
		previous = old.State()
	}
	t.scratch = closeChange(b, previous, classification)
	c.data, c.Record = bytes.Clone(t.scratch), r
	r.Keep(c.data[begin:begin+size], from-begin, to-begin)
	t.emit(c)
	t.is(r)
	return nil
}

func (t *transaction) tooLarge(what string, size int) error {
	return events.Errorf(events.CodeTooLarge, "", "%s takes %d bytes; at most %d fit into a message together with the previous state",
		what, size, t.rules.MaxState)
}

func (t *transaction) changeSet(c *events.ChangeSet) error {
	steps, err := c.Steps()
	if err != nil {
		return err
	}
	begin := len(t.changes)
	for i, step := range steps {
		before := len(t.changes)
		result, err := t.do(step)
		if err != nil {
			return inStep(i, err)
		}
		result.Elements, result.Relationships = counted(t.changes[before:])
		t.result.Steps = append(t.result.Steps, result)
	}
	return t.checkSize(begin, "/commands", "the change set")
}

// checkSize refuses more changes since begin than can be applied at once.
func (t *transaction) checkSize(begin int, pointer, what string) error {
	if n := len(t.changes) - begin; n > maxChanges {
		return events.Errorf(events.CodeTooLarge, pointer, "%s leads to %d changes; at most %d can be applied at once", what, n, maxChanges)
	}
	return nil
}

func (t *transaction) fence(c *events.Fence) error {
	if len(c.Connector) > maxToken {
		return events.Errorf(events.CodeInvalid, "/connector", "it is %d bytes long; at most %d are allowed", len(c.Connector), maxToken)
	}
	have := t.view().Generation(c.Connector)
	if c.Generation < have {
		return events.Errorf(events.CodeStale, "/generation", "connector %s is fenced to generation %d already", c.Connector, have)
	}
	if c.Generation == have {
		return nil
	}
	data, err := events.Marshal(c)
	t.emit(change{
		eventType: events.TypeConnectorFenced, data: data, StateChange: index.StateChange{Connector: c.Connector, Generation: c.Generation},
	})
	return err
}

// defineTypes adds or changes types, all together.
func (t *transaction) defineTypes(c *events.DefineTypes) error {
	begin, types := len(t.changes), t.view().Types()
	_, changed, err := types.Apply(c.Types...)
	if err != nil {
		return err
	}
	for i := range changed {
		typeChange := events.TypeChange{Type: &changed[i]}
		if old, ok := types.Type(changed[i].Name); ok {
			def := old.Def()
			typeChange.Previous = &def
		}
		data, err := events.Marshal(&typeChange)
		if err != nil {
			return err
		}
		if size := len(data) / 2; size > t.rules.MaxState {
			return t.tooLarge("the type "+changed[i].Name, size)
		}
		t.emit(change{eventType: events.TypeTypeDefined, data: data, StateChange: index.StateChange{TypeDef: &changed[i]}})
	}
	return t.checkSize(begin, "/types", "this")
}

// messageOf returns the message of an error without its pointer.
func messageOf(err error) string {
	if e, ok := asError(err); ok {
		return e.Message
	}
	return err.Error()
}

func asError(err error) (*events.Error, bool) { return errors.AsType[*events.Error](err) }

// inStep makes an error point into the step of a change set.
func inStep(i int, err error) error {
	e, ok := asError(err)
	if !ok {
		return err
	}
	pointer := e.Pointer
	if !strings.HasPrefix(pointer, "/") {
		pointer = "" // an attribute of the event, not a place in the step
	}
	return &events.Error{Code: e.Code, Message: e.Message, Pointer: "/commands/" + strconv.Itoa(i) + "/data" + pointer}
}

// repoint makes an error point into the command that was sent instead of the one
// that was made of it.
func repoint(err error, from, to string) error {
	e, ok := asError(err)
	if !ok {
		return err
	}
	moved := *e
	if rest, ok := cutPointer(e.Pointer, from); ok {
		moved.Pointer = to + rest
	}
	return &moved
}

// cutPointer returns what a JSON pointer has after a prefix, if it leads there or
// below.
func cutPointer(pointer, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(pointer, prefix)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// sortByGUID sorts records and drops duplicates.
func sortByGUID(records []*index.Record) []*index.Record {
	slices.SortFunc(records, byGUID)
	return slices.CompactFunc(records, func(a, b *index.Record) bool { return a.GUID == b.GUID })
}

func byGUID(a, b *index.Record) int { return bytes.Compare(a.GUID[:], b.GUID[:]) }
