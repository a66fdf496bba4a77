package graph

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

func (a *applier) createNew(v view, q *Request, c *events.Create) (Outcome, error) {
	typ, err := v.registry().Element(c.Element.Type, "/element/type")
	if err != nil {
		return Outcome{}, err
	}
	old, err := existing(v, &c.Element, typ.Header())
	if err != nil {
		return Outcome{}, err
	}
	if old != nil {
		return Outcome{}, events.Errorf(events.CodeConflict, "/element/qualifiedName", "%s exists already, as %s; update it instead", old.name, old.guid)
	}
	return a.upsert(v, q, &events.Upsert{Element: c.Element, UnknownProperties: c.UnknownProperties})
}

func (a *applier) upsert(v view, q *Request, c *events.Upsert) (Outcome, error) {
	spec := &c.Element
	typ, err := v.registry().Element(spec.Type, "/element/type")
	if err != nil {
		return Outcome{}, err
	}
	old, err := existing(v, spec, typ.Header())
	if err != nil {
		return Outcome{}, err
	}
	if err := expect(c.Expectation, old, spec.QualifiedName); err != nil {
		return Outcome{}, err
	}
	properties, err := mergedProperties(typ, old, spec.Properties, opentypes.CheckOptions{
		Pointer: "/element/properties", Partial: c.Merge && old != nil, Lenient: c.UnknownProperties == events.KeepUnknown,
	})
	if err != nil {
		return Outcome{}, err
	}
	if err := checkClassifications(v.registry(), typ, spec.Classifications, "/element/classifications"); err != nil {
		return Outcome{}, err
	}
	if old == nil {
		return a.create(v, q, spec, typ, properties)
	}
	if onlyProperties(spec) && !old.archived && q.inScope(old) && sameProperties(old, properties) {
		return unchanged(old), q.mayChange(old)
	}
	anchor, err := anchorOf(v, spec.Anchor, old.guid, "/element/anchor")
	if err != nil {
		return Outcome{}, err
	}
	eventType := events.TypeElementUpdated
	if old.archived {
		eventType = events.TypeElementRestored
		if err := checkAnchorNotArchived(v, old); anchor == nil && err != nil {
			return Outcome{}, err
		}
	}
	return a.revise(q, old, eventType, "", func(e *events.Element) error {
		e.Properties = properties
		setZones(e, spec.Zones)
		setClassifications(e, spec.Classifications)
		setAnchor(&e.Header, anchor)
		setEffectivity(&e.Header, spec.Effectivity)
		return nil
	})
}

// onlyProperties reports whether the spec says nothing of what is beside the
// properties.
func onlyProperties(s *events.ElementSpec) bool {
	return s.Zones == nil && s.Classifications == nil && s.Anchor == (events.ElementRef{}) && s.Effectivity == nil
}

// wanted checks properties against the type and returns those that are to be;
// partial ones are merged into those that are there.
func mergedProperties(typ *opentypes.Type, old *record, p events.Properties, o opentypes.CheckOptions) (events.Properties, error) {
	if !o.Partial {
		p, err := typ.Check(p, o)
		if err != nil {
			return p, err
		}
		return p.WithoutNulls()
	}
	have, err := old.props()
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

// checkMarks checks classifications that are wanted on elements of a type.
func checkClassifications(types *opentypes.Registry, typ *opentypes.Type, marks []events.Classification, pointer string) error {
	for i := range marks {
		if err := checkClassification(types, typ.Header(), &marks[i], false, pointer+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func checkClassification(types *opentypes.Registry, element *events.ElementType, m *events.Classification, partial bool, pointer string) error {
	typ, err := types.Classification(m.Name, pointer+"/classificationName")
	if err != nil {
		return err
	}
	if err := typ.CheckClassifies(element, pointer+"/classificationName"); err != nil {
		return err
	}
	m.Properties, err = typ.Check(m.Properties, opentypes.CheckOptions{Pointer: pointer + "/properties", Partial: partial})
	if err == nil && !partial {
		m.Properties, err = m.Properties.WithoutNulls()
	}
	m.Effectivity = inUTC(m.Effectivity)
	return err
}

func inUTC(e events.Effectivity) events.Effectivity {
	return events.Effectivity{From: utc(e.From), To: utc(e.To)}
}

// utc leaves the zero time what it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// expect refuses a command whose sender saw another version.
func expect(want events.Expectation, have *record, name string) error {
	switch {
	case want.ExpectedVersion == 0 || have != nil && have.version == want.ExpectedVersion:
		return nil
	case have == nil:
		return events.Errorf(events.CodeConflict, "/expectedVersion", "version %d of %s was expected, but it does not exist", want.ExpectedVersion, name)
	default:
		return events.Errorf(events.CodeConflict, "/expectedVersion", "version %d of %s was expected, but it has version %d; read it again",
			want.ExpectedVersion, have.name, have.version)
	}
}

// living finds the element that a command is to change, which is there, as it was
// expected, and not archived.
func liveElement(v view, ref events.ElementRef, want events.Expectation) (*record, error) {
	r, err := element(v, ref, "/element")
	if err != nil {
		return nil, err
	}
	if err := expect(want, r, ""); err != nil {
		return nil, err
	}
	if r.archived {
		return nil, events.Errorf(events.CodeConflict, "/element", "%s is archived; restore it first", r.name)
	}
	return r, nil
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
		return nil, events.Errorf(events.CodeConflict, "/element/type", "%s %s exists already and is %s; retype it first",
			spec.QualifiedName, old.guid, article(old.typ.Name))
	}
	return old, nil
}

func (a *applier) create(v view, q *Request, spec *events.ElementSpec, typ *opentypes.Type, properties events.Properties) (Outcome, error) {
	if spec.QualifiedName == "" && typ.RequiresName() {
		return Outcome{}, events.Errorf(events.CodeInvalid, "/element/qualifiedName", "missing: %s needs a qualified name, which is unique", article(typ.Name()))
	}
	id, err := q.identity(spec)
	if err != nil {
		return Outcome{}, err
	}
	if spec.GUID != "" && strings.EqualFold(spec.QualifiedName, spec.GUID) {
		return Outcome{}, events.Errorf(events.CodeInvalid, "/element/qualifiedName", "it is the guid of the element; give it another name, or none")
	}
	if other := v.get(id); other != nil {
		return Outcome{}, events.Errorf(events.CodeConflict, "/element/qualifiedName",
			"the guid that belongs to the name %q, %s, was given to another element", spec.QualifiedName, id)
	}
	anchor, err := anchorOf(v, spec.Anchor, id, "/element/anchor")
	if err != nil {
		return Outcome{}, err
	}
	e := &events.Element{
		Header:     q.header(id.String(), typ.Header()),
		Properties: properties, Classifications: spec.Classifications,
	}
	e.Header.QualifiedName, e.Header.Zones = spec.QualifiedName, distinct(spec.Zones)
	if spec.Zones == nil {
		e.Header.Zones = a.unpublished
	}
	setAnchor(&e.Header, anchor)
	setEffectivity(&e.Header, spec.Effectivity)
	o, err := a.store(typ.Header(), nil, e, events.TypeElementCreated, "")
	if err == nil {
		o.changes[0].record.derived = spec.GUID == "" || id == events.ElementKey(spec.Ref())
	}
	return o, err
}

func (q *Request) identity(spec *events.ElementSpec) (guid, error) {
	switch {
	case spec.GUID != "":
		return uuid.Parse(spec.GUID)
	case spec.QualifiedName != "":
		return events.ElementKey(spec.Ref()), nil
	default:
		return q.newGUID(), nil
	}
}

// anchorOf finds the anchor that an element is to have; nil if none is given.
func anchorOf(v view, ref events.ElementRef, of guid, pointer string) (*record, error) {
	if ref == (events.ElementRef{}) {
		return nil, nil //nolint:nilnil // no anchor is no error
	}
	anchor, err := element(v, ref, pointer)
	if err != nil {
		return nil, err
	}
	if anchor.archived {
		return nil, events.Errorf(events.CodeConflict, pointer, "%s is archived; restore it first", anchor.name)
	}
	for up := anchor; up != nil; up = v.get(up.anchor) {
		if up.guid == of {
			return nil, events.Errorf(events.CodeConflict, pointer, "%s is anchored to this element, or is it; anchors cannot go round in a circle", anchor.name)
		}
	}
	return anchor, nil
}

func setAnchor(h *events.ElementHeader, anchor *record) {
	if anchor != nil {
		h.AnchorGUID = anchor.guid.String()
	}
}

func setEffectivity(h *events.ElementHeader, want *events.Effectivity) {
	if want != nil {
		h.Effectivity = inUTC(*want)
	}
}

// revise changes an element by edit; if that changes nothing, nothing is done.
func (a *applier) revise(q *Request, old *record, eventType, mark string, edit func(*events.Element) error) (Outcome, error) {
	if err := q.mayChange(old); err != nil {
		return Outcome{}, err
	}
	e, err := old.element()
	if err != nil {
		return Outcome{}, err
	}
	if err := edit(e); err != nil {
		return Outcome{}, err
	}
	if eventType == events.TypeElementRestored {
		dropClassification(e, events.Memento)
	}
	q.adopt(&e.Header)
	same, _, _ := appendElement(nil, e)
	if bytes.Equal(same, old.state()) {
		return unchanged(old), nil
	}
	q.touch(&e.Header)
	return a.store(old.typ, old, e, eventType, mark)
}

func (a *applier) update(v view, q *Request, c *events.Update) (Outcome, error) {
	old, err := liveElement(v, c.Element, c.Expectation)
	if err != nil {
		return Outcome{}, err
	}
	typ, err := v.registry().Element(old.typ.Name, "/element")
	if err != nil {
		return Outcome{}, err
	}
	properties, err := mergedProperties(typ, old, c.Properties, opentypes.CheckOptions{
		Pointer: "/properties", Partial: !c.Replace, Lenient: c.UnknownProperties == events.KeepUnknown,
	})
	if err != nil {
		return Outcome{}, err
	}
	return a.revise(q, old, events.TypeElementUpdated, "", func(e *events.Element) error {
		e.Properties = properties
		setZones(e, c.Zones)
		setEffectivity(&e.Header, c.Effectivity)
		return nil
	})
}

// rezone makes the element a member of just these zones.
func (a *applier) rezone(v view, q *Request, ref events.ElementRef, want events.Expectation, zones []string) (Outcome, error) {
	old, err := liveElement(v, ref, want)
	if err != nil {
		return Outcome{}, err
	}
	return a.revise(q, old, events.TypeElementUpdated, "", func(e *events.Element) error {
		setZones(e, append([]string{}, zones...)) // not nil: none is a wish, too
		return nil
	})
}

// setZones leaves the zones as they are when nothing or the same set is wanted:
// another order is no change.
func setZones(e *events.Element, want []string) {
	if want != nil && !slices.Equal(sortedSet(e.Header.Zones), sortedSet(want)) {
		e.Header.Zones = distinct(want)
	}
}

// distinct returns each of a list once, where it comes first.
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
