package repository

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// request is what a command's envelope says about it.
type request struct {
	actor      string
	source     string // metadata source on whose behalf
	scope      string
	connector  string
	generation uint64
	time       time.Time
}

// change is one event to be published, and what it does to the state.
type change struct {
	eventType string
	data      []byte
	id        string  // of the event
	record    *record // nil for a fence
	fence     events.Fence
}

// outcome is what a command leads to.
type outcome struct {
	changes []change
	result  events.Result
}

// applier turns commands into changes. It is a pure function of command, view
// and request but for fresh guids.
type applier struct {
	types *Types
	// maxState is how large the JSON of a state may be, so that an event with
	// the new and the previous state fits into a message.
	maxState int
	// scratch is where events are written before they get memory of their size.
	scratch []byte
}

// maxChanges bounds an atomic change set: a batch of the bus.
const maxChanges = 1000

// apply returns what the command leads to, or an [*events.Error].
func (a *applier) apply(v view, q *request, c events.Command) (outcome, error) {
	if q.generation > 0 && q.generation < v.fenced(q.connector) {
		return outcome{}, events.Errorf(events.CodeStale, events.ExtGeneration,
			"generation %d of connector %s is over; it runs elsewhere with generation %d", q.generation, q.connector, v.fenced(q.connector))
	}
	switch c := c.(type) {
	case *events.Upsert:
		return a.upsert(v, q, c)
	case *events.Update:
		return a.update(v, q, c)
	case *events.Delete:
		return a.delete(v, q, c)
	case *events.Classify:
		return a.classify(v, q, c)
	case *events.Declassify:
		return a.declassify(v, q, c)
	case *events.Link:
		return a.link(v, q, c)
	case *events.Unlink:
		return a.unlink(v, q, c)
	case *events.ChangeSet:
		return a.changeSet(v, q, c)
	case *events.Fence:
		return fence(v, c)
	default:
		return outcome{}, events.Errorf(events.CodeInvalid, events.ExtType, "%s cannot be applied here", c.EventType())
	}
}

func (a *applier) upsert(v view, q *request, c *events.Upsert) (outcome, error) {
	spec := &c.Element
	typ, err := a.types.element(spec.Type, "/element/type")
	if err != nil {
		return outcome{}, err
	}
	if err := a.types.classified(spec.Classifications, "/element/classifications"); err != nil {
		return outcome{}, err
	}
	old, err := existing(v, spec, typ)
	if err != nil {
		return outcome{}, err
	}
	properties, err := spec.Properties.WithoutNulls()
	if err != nil {
		return outcome{}, err
	}
	if old == nil {
		return a.create(v, q, spec, typ, properties)
	}
	if c.Merge {
		if properties, err = merged(old, spec.Properties); err != nil {
			return outcome{}, err
		}
	}
	if spec.Zones == nil && spec.Classifications == nil && q.inScope(old) && sameProperties(old, properties) {
		return unchanged(old), q.mayChange(old)
	}
	return a.revise(q, old, events.TypeElementUpdated, "", func(e *events.Element) error {
		e.Properties = properties
		setZones(e, spec.Zones)
		if spec.Classifications != nil && !sameMarks(e.Classifications, spec.Classifications) {
			e.Classifications = spec.Classifications
		}
		return nil
	})
}

// existing finds the element that a spec means: by its guid, else by its name.
func existing(v view, spec *events.ElementSpec, typ *events.ElementType) (*record, error) {
	var old *record
	if spec.QualifiedName != "" {
		old = v.named(spec.QualifiedName)
	}
	if spec.GUID != "" {
		id, err := uuid.Parse(spec.GUID)
		if err != nil {
			return nil, events.Errorf(events.CodeInvalid, "/element/guid", "%s", err)
		}
		if old != nil && old.guid != id {
			return nil, events.Errorf(events.CodeConflict, "/element/qualifiedName",
				"%q is the name of another element, %s", spec.QualifiedName, old.guid)
		}
		if old = v.get(id); old != nil && !old.relationship && spec.QualifiedName != "" && old.qualifiedName() != spec.QualifiedName {
			return nil, events.Errorf(events.CodeConflict, "/element/guid",
				"the element %s has the name %q; a qualified name cannot be changed", id, old.qualifiedName())
		}
	}
	if old != nil && (old.relationship || old.typ.Name != typ.Name) {
		return nil, events.Errorf(events.CodeConflict, "/element/type", "%s %s exists already and is a %s", spec.QualifiedName, old.guid, old.typ.Name)
	}
	return old, nil
}

func (a *applier) create(v view, q *request, spec *events.ElementSpec, typ *events.ElementType, properties events.Properties) (outcome, error) {
	id, err := identity(spec)
	if err != nil {
		return outcome{}, err
	}
	if other := v.get(id); other != nil {
		return outcome{}, events.Errorf(events.CodeConflict, "/element/qualifiedName",
			"the guid that belongs to the name %q, %s, was given to another element", spec.QualifiedName, id)
	}
	e := &events.Element{
		Header:     q.header(id.String(), typ),
		Properties: properties, Classifications: spec.Classifications,
	}
	e.Header.QualifiedName, e.Header.Zones = spec.QualifiedName, spec.Zones
	o, err := a.store(typ, nil, e, events.TypeElementCreated, "")
	if err == nil {
		o.changes[0].record.derived = spec.GUID == "" || id == events.ElementKey(spec.Ref())
	}
	return o, err
}

func identity(spec *events.ElementSpec) (guid, error) {
	switch {
	case spec.GUID != "":
		return uuid.Parse(spec.GUID)
	case spec.QualifiedName != "":
		return events.ElementKey(spec.Ref()), nil
	default:
		return uuid.NewV7()
	}
}

// revise changes an element by edit; if that changes nothing, nothing is done.
func (a *applier) revise(q *request, old *record, eventType, mark string, edit func(*events.Element) error) (outcome, error) {
	if err := q.mayChange(old); err != nil {
		return outcome{}, err
	}
	e, err := old.element()
	if err != nil {
		return outcome{}, err
	}
	if err := edit(e); err != nil {
		return outcome{}, err
	}
	q.adopt(&e.Header)
	same, _, _ := appendElement(nil, e)
	if bytes.Equal(same, old.state) {
		return unchanged(old), nil
	}
	q.touch(&e.Header)
	return a.store(old.typ, old, e, eventType, mark)
}

// store makes the change that leads to e.
func (a *applier) store(typ *events.ElementType, old *record, e *events.Element, eventType, mark string) (outcome, error) {
	b := openChange(a.scratch[:0], "element")
	begin := len(b)
	b, from, to := appendElement(b, e)
	size := len(b) - begin
	if err := a.fits(size); err != nil {
		return outcome{}, err
	}
	id, err := uuid.Parse(e.Header.GUID)
	if err != nil {
		return outcome{}, err
	}
	r := &record{
		guid: id, typ: typ, name: e.Header.QualifiedName, version: e.Header.Versions.Version,
		source: e.Header.Origin.Source, scope: e.Header.Origin.Scope,
	}
	if r.name == "" {
		r.name = e.Header.GUID
	}
	if old != nil {
		r.derived = old.derived
	}
	a.scratch = closeChange(b, old.json(), mark)
	data := bytes.Clone(a.scratch)
	r.keep(data, begin, size, from, to, old == nil)
	return changed(r, change{eventType: eventType, record: r, data: data}), nil
}

func (a *applier) fits(size int) error {
	if size > a.maxState {
		return events.Errorf(events.CodeTooLarge, "", "it takes %d bytes; at most %d fit into a message together with the previous state",
			size, a.maxState)
	}
	return nil
}

func (a *applier) update(v view, q *request, c *events.Update) (outcome, error) {
	old, err := element(v, c.Element, "/element")
	if err != nil {
		return outcome{}, err
	}
	return a.revise(q, old, events.TypeElementUpdated, "", func(e *events.Element) (err error) {
		if c.Replace {
			e.Properties, err = c.Properties.WithoutNulls()
		} else {
			e.Properties, err = e.Properties.Merge(c.Properties)
		}
		setZones(e, c.Zones)
		return err
	})
}

// setZones leaves the zones as they are when nothing or the same set is wanted:
// another order is no change.
func setZones(e *events.Element, want []string) {
	if want != nil && !slices.Equal(sortedSet(e.Header.Zones), sortedSet(want)) {
		e.Header.Zones = want
	}
}

func sortedSet(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// sameMarks reports whether two sets of classifications are the same.
func sameMarks(a, b []events.Classification) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(m events.Classification) bool {
		return !slices.ContainsFunc(b, func(n events.Classification) bool {
			return m.Name == n.Name && m.Properties.Equal(n.Properties)
		})
	})
}

func (a *applier) classify(v view, q *request, c *events.Classify) (outcome, error) {
	if err := a.types.classification(c.Classification.Name, "/classification/classificationName"); err != nil {
		return outcome{}, err
	}
	old, err := element(v, c.Element, "/element")
	if err != nil {
		return outcome{}, err
	}
	e, err := old.element()
	if err != nil {
		return outcome{}, err
	}
	at := slices.IndexFunc(e.Classifications, func(m events.Classification) bool { return m.Name == c.Classification.Name })
	eventType := events.TypeElementReclassified
	if at < 0 {
		eventType = events.TypeElementClassified
	}
	return a.revise(q, old, eventType, c.Classification.Name, func(e *events.Element) error {
		if at < 0 {
			e.Classifications = append(e.Classifications, c.Classification)
		} else {
			e.Classifications[at] = c.Classification
		}
		return nil
	})
}

func (a *applier) declassify(v view, q *request, c *events.Declassify) (outcome, error) {
	old, err := element(v, c.Element, "/element")
	if err != nil {
		return outcome{}, err
	}
	return a.revise(q, old, events.TypeElementDeclassified, c.ClassificationName, func(e *events.Element) error {
		e.Classifications = slices.DeleteFunc(e.Classifications, func(m events.Classification) bool { return m.Name == c.ClassificationName })
		return nil
	})
}

// delete removes an element: first its relationships, so that nobody ever sees
// one that leads nowhere.
func (*applier) delete(v view, q *request, c *events.Delete) (outcome, error) {
	old, err := element(v, c.Element, "/element")
	if events.CodeOf(err) == events.CodeNotFound {
		return outcome{}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	if err := q.mayChange(old); err != nil {
		return outcome{}, err
	}
	links := v.linked(old.guid)
	slices.SortFunc(links, func(a, b *record) int { return bytes.Compare(a.guid[:], b.guid[:]) })
	links = slices.CompactFunc(links, func(a, b *record) bool { return a.guid == b.guid })
	var changes []change
	for _, l := range links {
		changes = append(changes, removal(l, events.TypeRelationshipDeleted))
	}
	changes = append(changes, removal(old, events.TypeElementDeleted))
	return outcome{changes: changes, result: events.Result{GUID: old.guid.String(), Changed: true}}, nil
}

func removal(old *record, eventType string) change {
	gone := *old
	gone.deleted, gone.state, gone.properties = true, nil, nil
	return change{eventType: eventType, record: &gone, data: removed(old.state)}
}

func (a *applier) changeSet(v view, q *request, c *events.ChangeSet) (outcome, error) {
	stage := newOverlay(v)
	var all outcome
	for i := range c.Commands {
		step, err := c.Commands[i].Command(i)
		if err != nil {
			return outcome{}, err
		}
		o, err := a.apply(stage, q, step)
		if err != nil {
			return outcome{}, inStep(i, err)
		}
		stage.add(o.changes)
		all.changes = append(all.changes, o.changes...)
		all.result.Steps = append(all.result.Steps, o.result)
		all.result.Changed = all.result.Changed || o.result.Changed
	}
	if len(all.changes) > maxChanges {
		return outcome{}, events.Errorf(events.CodeTooLarge, "/commands", "the change set leads to %d changes; at most %d can be applied at once",
			len(all.changes), maxChanges)
	}
	return all, nil
}

func fence(v view, c *events.Fence) (outcome, error) {
	if len(c.Connector) > maxToken {
		return outcome{}, events.Errorf(events.CodeInvalid, "/connector", "it is %d bytes long; at most %d are allowed", len(c.Connector), maxToken)
	}
	switch have := v.fenced(c.Connector); {
	case c.Generation < have:
		return outcome{}, events.Errorf(events.CodeStale, "/generation", "connector %s is fenced to generation %d already", c.Connector, have)
	case c.Generation == have:
		return outcome{}, nil
	}
	data, err := events.Marshal(c)
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{eventType: events.TypeConnectorFenced, data: data, fence: *c}},
		result:  events.Result{Changed: true},
	}, nil
}
