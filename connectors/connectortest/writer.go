package connectortest

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// writer applies one command to the state and gathers the changes.
type writer struct {
	*state
	supers               map[string][]string
	now                  time.Time
	actor, source, scope string
	changes              []connectors.Change
}

func (w *writer) handle(e *events.Event) (events.Result, error) {
	generation, err := e.Uint(events.ExtGeneration)
	if err != nil {
		return events.Result{}, err
	}
	if fence := w.fences[e.Extension(events.ExtConnector)]; generation > 0 && generation < fence {
		return events.Result{}, events.Errorf(events.CodeStale, events.ExtGeneration, "%d is older than %d", generation, fence)
	}
	cmd, err := events.DecodeCommand(e)
	if err != nil {
		return events.Result{}, err
	}
	return w.apply(cmd)
}

// preview is the outcome of a dry run.
func (w *writer) preview(result events.Result, sequence uint64, err error) events.Result {
	if err != nil {
		return events.Result{Sequence: sequence, Error: asError(err)}
	}
	result.Sequence = sequence
	for i := range w.changes {
		c := &w.changes[i]
		result.Preview = append(result.Preview, events.Preview{Type: c.Type, Element: c.Element, Relationship: c.Relationship})
	}
	return result
}

func (w *writer) apply(cmd events.Command) (events.Result, error) {
	before := len(w.changes)
	result, err := w.dispatch(cmd)
	result.Changed = len(w.changes) > before
	return result, err
}

func (w *writer) dispatch(cmd events.Command) (events.Result, error) {
	switch c := cmd.(type) {
	case *events.Create:
		if w.find(c.Element.Ref()) != nil {
			return events.Result{}, events.Errorf(events.CodeConflict, "/element/qualifiedName", "%q exists already", c.Element.QualifiedName)
		}
		return w.create(&c.Element)
	case *events.Upsert:
		return w.upsert(&c.Element, c.Merge)
	case *events.Update:
		return w.update(c)
	case *events.Delete:
		return w.remove(c)
	case *events.Classify:
		return w.classify(c)
	case *events.Declassify:
		return w.declassify(c)
	case *events.Link:
		return w.link(&c.Relationship)
	case *events.Unlink:
		return w.unlink(c)
	case *events.ChangeSet:
		return w.changeSet(c)
	case *events.Fence:
		return w.fence(c)
	default:
		return events.Result{}, events.Errorf(events.CodeInvalid, events.ExtType, "unknown command %T", cmd)
	}
}

func (w *writer) upsert(spec *events.ElementSpec, merge bool) (events.Result, error) {
	have := w.find(spec.Ref())
	holder, taken := w.names[spec.QualifiedName]
	if taken && spec.GUID != "" && holder != spec.GUID {
		return events.Result{}, events.Errorf(events.CodeConflict, "/element/qualifiedName", "%q belongs to %s", spec.QualifiedName, holder)
	}
	if have == nil {
		return w.create(spec)
	}
	if have.Header.Type.Name != spec.Type {
		return events.Result{}, events.Errorf(events.CodeConflict, "/element/type", "%q is a %s", spec.QualifiedName, have.Header.Type.Name)
	}
	next := *have
	if spec.QualifiedName != "" {
		next.Header.QualifiedName = spec.QualifiedName
	}
	err := w.revise(have, &next, revision{spec.Properties, spec.Zones, spec.Classifications, !merge})
	return w.outcome(next.Header.GUID), err
}

func (w *writer) create(spec *events.ElementSpec) (events.Result, error) {
	guid, err := newGUID(spec)
	if err != nil {
		return events.Result{}, err
	}
	p, err := spec.Properties.WithoutNulls()
	if err != nil {
		return events.Result{}, err
	}
	e := &events.Element{
		Header:          w.header(guid, spec.Type),
		Properties:      p,
		Classifications: sorted(spec.Classifications),
	}
	e.Header.QualifiedName, e.Header.Zones = spec.QualifiedName, spec.Zones
	w.putElement(e, nil)
	w.elementChanged(events.TypeElementCreated, e, nil, "")
	return w.outcome(guid), nil
}

func newGUID(spec *events.ElementSpec) (string, error) {
	switch {
	case spec.GUID != "":
		return spec.GUID, nil
	case spec.QualifiedName != "":
		return events.GUIDOf(spec.QualifiedName), nil
	default:
		id, err := uuid.NewV7()
		return id.String(), err
	}
}

func (w *writer) header(guid, typeName string) events.ElementHeader {
	origin := events.Origin{Category: events.OriginLocal, Source: w.source, Scope: w.scope}
	if w.source != "" {
		origin.Category = events.OriginExternal
	}
	return events.ElementHeader{
		GUID: guid, Type: events.ElementType{Name: typeName, SuperTypes: w.supers[typeName]}, Origin: origin,
		Versions: events.Versions{CreatedBy: w.actor, CreateTime: w.now, Version: 1},
	}
}

type revision struct {
	properties events.Properties
	zones      []string
	marks      []events.Classification
	replace    bool
}

// revise turns next, a copy of have, into what r says, and stores it if that
// makes a difference.
func (w *writer) revise(have, next *events.Element, r revision) (err error) {
	if err := w.mayChange(&have.Header); err != nil {
		return err
	}
	next.Classifications = slices.DeleteFunc(slices.Clone(have.Classifications), func(m events.Classification) bool { return m.Name == events.Memento })
	if r.replace {
		next.Properties, err = r.properties.WithoutNulls()
	} else {
		next.Properties, err = have.Properties.Merge(r.properties)
	}
	if err != nil {
		return err
	}
	if r.zones != nil {
		next.Header.Zones = r.zones
	}
	if r.marks != nil {
		next.Classifications = sorted(r.marks)
	}
	w.adopt(&next.Header)
	if !same(next, have) {
		w.putNext(events.TypeElementUpdated, next, have, "")
	}
	return nil
}

// adopt makes what a command of a scope touches belong to that scope.
func (w *writer) adopt(h *events.ElementHeader) {
	if w.scope != "" {
		h.Origin.Scope = w.scope
	}
}

func same(a, b *events.Element) bool {
	return a.Properties.Equal(b.Properties) && a.Header.QualifiedName == b.Header.QualifiedName &&
		a.Header.Origin == b.Header.Origin &&
		events.ZonesDigest(a.Header.Zones) == events.ZonesDigest(b.Header.Zones) &&
		events.ClassificationsDigest(a.Classifications) == events.ClassificationsDigest(b.Classifications)
}

func (w *writer) update(c *events.Update) (events.Result, error) {
	have := w.find(c.Element)
	if have == nil {
		return events.Result{}, notFound("/element")
	}
	next := *have
	err := w.revise(have, &next, revision{properties: c.Properties, zones: c.Zones, replace: c.Replace})
	return w.outcome(have.Header.GUID), err
}

// remove deletes an element after its relationships, or archives it.
func (w *writer) remove(c *events.Delete) (events.Result, error) {
	have := w.find(c.Element)
	if have == nil {
		return events.Result{}, nil
	}
	if err := w.mayChange(&have.Header); err != nil {
		return events.Result{}, err
	}
	if c.Method == events.DeleteArchive {
		return w.archive(have), nil
	}
	for _, guid := range slices.Sorted(maps.Keys(w.ends[have.Header.GUID])) {
		w.removeRelationship(w.relationships[guid])
	}
	w.dropElement(have)
	w.elementChanged(events.TypeElementDeleted, nil, have, "")
	return events.Result{GUID: have.Header.GUID}, nil
}

func (w *writer) archive(have *events.Element) events.Result {
	if !have.Archived() {
		next := *have
		next.Classifications = sorted(append(slices.Clone(have.Classifications), events.Classification{Name: events.Memento}))
		w.putNext(events.TypeElementClassified, &next, have, events.Memento)
	}
	return w.outcome(have.Header.GUID)
}

func (w *writer) link(spec *events.RelationshipSpec) (events.Result, error) {
	end1, end2 := w.find(spec.End1), w.find(spec.End2)
	switch {
	case end1 == nil:
		return events.Result{}, notFound("/relationship/end1")
	case end2 == nil:
		return events.Result{}, notFound("/relationship/end2")
	}
	have := w.relation(spec.Type, end1.Header.GUID, end2.Header.GUID)
	p, err := spec.Properties.WithoutNulls()
	switch {
	case err != nil:
		return events.Result{}, err
	case have == nil:
		return w.relate(spec, end1, end2, p), nil
	case have.Properties.Equal(p) && (w.scope == "" || w.scope == have.Header.Origin.Scope):
		return w.outcome(have.Header.GUID), nil
	}
	if err := w.mayChange(&have.Header); err != nil {
		return events.Result{}, err
	}
	next := *have
	next.Properties = p
	w.adopt(&next.Header)
	w.touch(&next.Header)
	w.putRelationship(&next)
	w.relationshipChanged(events.TypeRelationshipUpdated, &next, have)
	return w.outcome(have.Header.GUID), nil
}

func (w *writer) relate(spec *events.RelationshipSpec, end1, end2 *events.Element, p events.Properties) events.Result {
	guid := spec.GUID
	if guid == "" {
		guid = events.RelationshipGUIDOf(spec.Type, end1.Header.GUID, end2.Header.GUID)
	}
	r := &events.Relationship{Header: w.header(guid, spec.Type), End1: stub(end1), End2: stub(end2), Properties: p}
	w.putRelationship(r)
	w.relationshipChanged(events.TypeRelationshipCreated, r, nil)
	return w.outcome(guid)
}

func stub(e *events.Element) events.ElementStub {
	return events.ElementStub{GUID: e.Header.GUID, Type: e.Header.Type.Name, QualifiedName: e.Header.QualifiedName}
}

// relation returns the relationship of a type between two elements, or nil.
func (w *writer) relation(typeName, end1, end2 string) *events.Relationship {
	if r := w.relationships[events.RelationshipGUIDOf(typeName, end1, end2)]; r != nil {
		return r
	}
	for guid := range w.ends[end2] {
		r := w.relationships[guid]
		if r.Header.Type.Name == typeName && r.End1.GUID == end1 && r.End2.GUID == end2 {
			return r
		}
	}
	return nil
}

func (w *writer) unlink(c *events.Unlink) (events.Result, error) {
	have := w.relationships[c.GUID]
	if c.GUID == "" {
		end1, end2 := w.find(c.End1), w.find(c.End2)
		if end1 == nil || end2 == nil {
			return events.Result{}, nil
		}
		have = w.relation(c.Type, end1.Header.GUID, end2.Header.GUID)
	}
	if have == nil {
		return events.Result{}, nil
	}
	if err := w.mayChange(&have.Header); err != nil {
		return events.Result{}, err
	}
	w.removeRelationship(have)
	return events.Result{GUID: have.Header.GUID}, nil
}

func (w *writer) removeRelationship(r *events.Relationship) {
	w.dropRelationship(r)
	w.relationshipChanged(events.TypeRelationshipDeleted, nil, r)
}

// changeSet applies all commands or, if one fails, none.
func (w *writer) changeSet(c *events.ChangeSet) (events.Result, error) {
	saved, changes := w.state.clone(), len(w.changes)
	var all events.Result
	for i := range c.Commands {
		cmd, err := c.Commands[i].Command(i)
		var step events.Result
		if err == nil {
			step, err = w.apply(cmd)
		}
		if err != nil {
			*w.state, w.changes = saved, w.changes[:changes]
			return events.Result{}, err
		}
		all.Steps = append(all.Steps, step)
	}
	return all, nil
}

func (w *writer) fence(c *events.Fence) (events.Result, error) {
	if c.Generation < w.fences[c.Connector] {
		return events.Result{}, events.Errorf(events.CodeStale, "/generation", "fenced to %d already", w.fences[c.Connector])
	}
	w.fences[c.Connector] = c.Generation
	return events.Result{}, nil
}

// mayChange keeps the provenance: what an external source owns, only it changes.
func (w *writer) mayChange(h *events.ElementHeader) error {
	if h.Origin.Source != "" && h.Origin.Source != w.source {
		return events.Errorf(events.CodeRefused, "", "%s belongs to %s", nameOf(h), h.Origin.Source)
	}
	return nil
}

func notFound(pointer string) error {
	return events.Errorf(events.CodeNotFound, pointer, "no such element")
}

func (w *writer) outcome(guid string) events.Result {
	r := events.Result{GUID: guid}
	if e := w.elements[guid]; e != nil {
		r.Version = e.Header.Versions.Version
	}
	if l := w.relationships[guid]; l != nil {
		r.Version = l.Header.Versions.Version
	}
	return r
}
