package graph

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// upsert creates or changes an element; it only creates it if that must be new.
func (t *transaction) upsert(c *events.Upsert, mustBeNew bool) error {
	spec := &c.Element
	typ, old, err := t.specified(spec)
	if err != nil {
		return err
	}
	if mustBeNew && old != nil {
		return events.Errorf(events.CodeConflict, "/element/qualifiedName", "%s exists already, as %s; update it instead", old.Name, old.GUID)
	}
	if err := expect(c.Expectation, old, spec.QualifiedName); err != nil {
		return err
	}
	properties, err := mergedProperties(typ, old, spec.Properties, opentypes.CheckOptions{
		Pointer: "/element/properties", Partial: c.Merge && old != nil, Lenient: c.UnknownProperties == events.KeepUnknown,
	})
	if err != nil {
		return err
	}
	if err := checkClassifications(t.view().Types(), typ, spec.Classifications, "/element/classifications"); err != nil {
		return err
	}
	if old == nil {
		return t.create(spec, typ, properties)
	}
	onlyProperties := spec.Zones == nil && spec.Classifications == nil && spec.Anchor == (events.ElementRef{}) && spec.Effectivity == nil
	if onlyProperties && !old.Archived && t.inScope(old) && sameProperties(old, properties) {
		t.is(old)
		return t.mayChange(old)
	}
	return t.reviseAs(old, spec, properties)
}

// reviseAs makes an element what a spec says, and takes it from the archive.
func (t *transaction) reviseAs(old *index.Record, spec *events.ElementSpec, properties events.Properties) error {
	e, err := old.Element()
	if err != nil {
		return err
	}
	if err := t.setAnchor(&e.Header, spec.Anchor); err != nil {
		return err
	}
	eventType := events.TypeElementUpdated
	if old.Archived {
		eventType = events.TypeElementRestored
		if err := checkAnchorNotArchived(t.view(), old); err != nil && spec.Anchor == (events.ElementRef{}) {
			return err
		}
	}
	e.Properties = properties
	setZones(e, spec.Zones)
	setClassifications(e, spec.Classifications)
	setEffectivity(&e.Header, spec.Effectivity)
	return t.revise(old, e, eventType, "")
}

// mergedProperties checks properties against the type and returns those to store;
// partial ones are merged into the present ones.
func mergedProperties(typ *opentypes.Type, old *index.Record, p events.Properties, o opentypes.CheckOptions) (events.Properties, error) {
	if !o.Partial {
		p, err := typ.Check(p, o)
		if err != nil {
			return p, err
		}
		return p.WithoutNulls()
	}
	have, err := old.ParseProperties()
	if err != nil {
		return have, err
	}
	if o.Lenient {
		o.Stored = have
	}
	if p, err = typ.Check(p, o); err != nil {
		return p, err
	}
	return have.Merge(p)
}

func inUTC(e events.Effectivity) events.Effectivity {
	return events.Effectivity{From: e.From.UTC(), To: e.To.UTC()}
}

// expect refuses a command whose sender saw another version.
func expect(want events.Expectation, have *index.Record, name string) error {
	switch {
	case want.ExpectedVersion == 0 || have != nil && have.Version == want.ExpectedVersion:
		return nil
	case have == nil:
		return events.Errorf(events.CodeConflict, "/expectedVersion", "version %d of %s was expected, but it does not exist", want.ExpectedVersion, name)
	default:
		return events.Errorf(events.CodeConflict, "/expectedVersion", "version %d of %s was expected, but it has version %d; read it again",
			want.ExpectedVersion, have.Name, have.Version)
	}
}

// liveElement returns the element that a command changes, if it has the expected
// version and is not archived, and its state.
func (t *transaction) liveElement(ref events.ElementRef, want events.Expectation) (*index.Record, *events.Element, error) {
	r, err := index.Element(t.view(), ref, "/element")
	if err != nil {
		return nil, nil, err
	}
	if err := expect(want, r, ""); err != nil {
		return nil, nil, err
	}
	if r.Archived {
		return nil, nil, errArchived(r, "/element")
	}
	e, err := r.Element()
	return r, e, err
}

func errArchived(r *index.Record, pointer string) error {
	return events.Errorf(events.CodeConflict, pointer, "%s is archived; restore it first", r.Name)
}

// specified returns the type of a spec and the element that the spec means, by its
// guid or otherwise by its name; nil if there is none.
func (t *transaction) specified(spec *events.ElementSpec) (*opentypes.Type, *index.Record, error) {
	typ, err := t.view().Types().Element(spec.Type, "/element/type")
	if err != nil {
		return nil, nil, err
	}
	var old *index.Record
	if spec.QualifiedName != "" {
		old = t.view().ByName(spec.QualifiedName)
	}
	if spec.GUID != "" {
		id := index.GUIDOf(events.ByGUID(spec.GUID))
		if old != nil && old.GUID != id {
			return nil, nil, events.Errorf(events.CodeConflict, "/element/qualifiedName", "%q is the name of another element, %s", spec.QualifiedName, old.GUID)
		}
		if old = t.view().ByGUID(id); old != nil && !old.Relationship && spec.QualifiedName != "" && old.QualifiedName() != spec.QualifiedName {
			return nil, nil, events.Errorf(events.CodeConflict, "/element/guid",
				"the element %s has the name %q; a qualified name cannot be changed", id, old.QualifiedName())
		}
	}
	if old != nil && (old.Relationship || old.Type.Name != typ.Name()) {
		return nil, nil, events.Errorf(events.CodeConflict, "/element/type", "%s %s exists already and is %s; retype it first",
			spec.QualifiedName, old.GUID, opentypes.Article(old.Type.Name))
	}
	return typ, old, nil
}

func (t *transaction) create(spec *events.ElementSpec, typ *opentypes.Type, properties events.Properties) error {
	if spec.QualifiedName == "" && typ.RequiresName() {
		return events.Errorf(events.CodeInvalid, "/element/qualifiedName", "missing: %s needs a qualified name, which is unique", opentypes.Article(typ.Name()))
	}
	if spec.GUID != "" && strings.EqualFold(spec.QualifiedName, spec.GUID) {
		return events.Errorf(events.CodeInvalid, "/element/qualifiedName", "it is the guid of the element; give it another name, or none")
	}
	id := index.GUIDOf(spec.Ref())
	if spec.Ref() == (events.ElementRef{}) {
		id = t.newGUID()
	}
	if other := t.view().ByGUID(id); other != nil {
		return events.Errorf(events.CodeConflict, "/element/qualifiedName",
			"the guid that belongs to the name %q, %s, was given to another element", spec.QualifiedName, id)
	}
	e := &events.Element{Header: t.header(id, typ.Header()), Properties: properties, Classifications: spec.Classifications}
	if err := t.setAnchor(&e.Header, spec.Anchor); err != nil {
		return err
	}
	e.Header.QualifiedName, e.Header.Zones = spec.QualifiedName, distinct(spec.Zones)
	if spec.Zones == nil {
		e.Header.Zones = t.rules.DefaultZones
	}
	setEffectivity(&e.Header, spec.Effectivity)
	err := t.store(typ.Header(), nil, e, events.TypeElementCreated, "")
	if err == nil && spec.GUID != "" {
		t.changes[len(t.changes)-1].Record.Derived = id == events.ElementKey(spec.Ref())
	}
	return err
}

// setAnchor anchors an element to the one that is named, if any.
func (t *transaction) setAnchor(h *events.ElementHeader, ref events.ElementRef) error {
	const pointer = "/element/anchor"
	if ref == (events.ElementRef{}) {
		return nil
	}
	anchor, err := index.Element(t.view(), ref, pointer)
	if err != nil {
		return err
	}
	if anchor.Archived {
		return errArchived(anchor, pointer)
	}
	for up := anchor; up != nil; up = t.view().ByGUID(up.Anchor) {
		if up.GUID.String() == h.GUID {
			return events.Errorf(events.CodeConflict, pointer, "%s is anchored to this element, or is it; anchors cannot form a circle", anchor.Name)
		}
	}
	h.AnchorGUID = anchor.GUID.String()
	return nil
}

func setEffectivity(h *events.ElementHeader, want *events.Effectivity) {
	if want != nil {
		h.Effectivity = inUTC(*want)
	}
}

// revise stores a changed element, if the request may change it.
func (t *transaction) revise(old *index.Record, e *events.Element, eventType, classification string) error {
	if err := t.mayChange(old); err != nil {
		return err
	}
	return t.put(old, e, eventType, classification)
}

// put stores an element if it is not the same as before. Archiving, deleting and
// restoring an anchor does so to its members, whoever owns them.
func (t *transaction) put(old *index.Record, e *events.Element, eventType, classification string) error {
	if eventType == events.TypeElementRestored {
		dropClassification(e, events.Memento)
	}
	if t.mayChange(old) == nil {
		t.adopt(&e.Header)
	}
	same, _, _ := appendElement(nil, e)
	if bytes.Equal(same, old.State()) {
		t.is(old)
		return nil
	}
	t.touch(&e.Header)
	err := t.store(old.Type, old, e, eventType, classification)
	if err == nil && eventType == events.TypeElementRestored && old.Archived {
		t.unarchived = append(t.unarchived, t.changes[len(t.changes)-1].Record)
	}
	return err
}

func (t *transaction) update(c *events.Update) error {
	old, e, err := t.liveElement(c.Element, c.Expectation)
	if err != nil {
		return err
	}
	typ, err := t.view().Types().Element(old.Type.Name, "/element")
	if err != nil {
		return err
	}
	e.Properties, err = mergedProperties(typ, old, c.Properties, opentypes.CheckOptions{
		Pointer: "/properties", Partial: !c.Replace, Lenient: c.UnknownProperties == events.KeepUnknown,
	})
	if err != nil {
		return err
	}
	setZones(e, c.Zones)
	setEffectivity(&e.Header, c.Effectivity)
	return t.revise(old, e, events.TypeElementUpdated, "")
}

// moveToZones makes the element a member of just these zones.
func (t *transaction) moveToZones(ref events.ElementRef, want events.Expectation, zones []string) error {
	old, e, err := t.liveElement(ref, want)
	if err != nil {
		return err
	}
	setZones(e, append([]string{}, zones...)) // not nil: no zones are wanted, too
	return t.revise(old, e, events.TypeElementUpdated, "")
}

// setZones leaves the zones as they are if none or the same set is wanted: another
// order is no change.
func setZones(e *events.Element, want []string) {
	if want != nil && !slices.Equal(sortedSet(e.Header.Zones), sortedSet(want)) {
		e.Header.Zones = distinct(want)
	}
}

// distinct keeps the first of equal items.
func distinct(list []string) []string {
	if len(list) < 2 || len(sortedSet(list)) == len(list) {
		return list
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

func sortedSet(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// header is that of something new. Its version does not continue that of a deleted
// predecessor: nodes forget deletions at different times, but must make the same
// events.
func (t *transaction) header(id guid, typ *events.ElementType) events.ElementHeader {
	q := t.q
	h := events.ElementHeader{
		GUID: id.String(), Type: *typ,
		Versions: events.Versions{CreatedBy: q.Actor, CreateTime: q.Time, Version: 1},
		Origin:   events.Origin{Category: events.OriginLocal, Scope: q.Scope},
	}
	if q.Source != "" {
		h.Origin.Category, h.Origin.Source = cmp.Or(q.Category, events.OriginExternal), q.Source
	}
	return h
}

func (t *transaction) touch(h *events.ElementHeader) {
	h.Versions.Version++
	h.Versions.UpdatedBy, h.Versions.UpdateTime = t.q.Actor, t.q.Time
}

// inScope reports whether the record belongs to the scope of the request, if that has
// one.
func (t *transaction) inScope(r *index.Record) bool { return t.q.Scope == "" || t.q.Scope == r.Scope() }

// adopt moves what a reconciliation sees into its scope.
func (t *transaction) adopt(h *events.ElementHeader) {
	h.Origin.Scope = cmp.Or(t.q.Scope, h.Origin.Scope)
}

// mayChange refuses to change what belongs to another metadata source (Egeria:
// provenance, EXTERNAL_SOURCE).
func (t *transaction) mayChange(r *index.Record) error {
	if r.Source() == "" || r.Source() == t.q.Source {
		return nil
	}
	return events.Errorf(events.CodeRefused, events.ExtMetadataSource, "%s belongs to the metadata source %s; only that may change it", r.Name, r.Source())
}

// newGUID returns the guid of something that has no name to derive one from.
func (t *transaction) newGUID() guid {
	t.guids++
	return freshGUID(t.q, t.guids-1)
}

func sameProperties(old *index.Record, p events.Properties) bool {
	if p.IsZero() {
		return len(old.Properties()) == 0
	}
	return bytes.Equal(old.Properties(), p.Raw())
}
