package graph

import (
	"bytes"
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// link creates a relationship, or makes its properties what the spec says.
func (a *applier) link(v view, q *Request, c *events.Link) (Outcome, error) {
	spec := &c.Relationship
	typ, err := v.registry().Relationship(spec.Type, "/relationship/type")
	if err != nil {
		return Outcome{}, err
	}
	end1, err := element(v, spec.End1, "/relationship/end1")
	if err != nil {
		return Outcome{}, err
	}
	end2, err := element(v, spec.End2, "/relationship/end2")
	if err != nil {
		return Outcome{}, err
	}
	if err := typ.CheckEnds(end1.typ, end2.typ, "/relationship"); err != nil {
		return Outcome{}, err
	}
	old, id, err := linked(v, typ, spec, end1, end2)
	if err != nil {
		return Outcome{}, err
	}
	if err := expect(c.Expectation, old, "this "+typ.Name()); err != nil {
		return Outcome{}, err
	}
	properties, err := mergedProperties(typ, old, spec.Properties, opentypes.CheckOptions{Pointer: "/relationship/properties", Partial: c.Merge && old != nil})
	if err != nil {
		return Outcome{}, err
	}
	if old != nil {
		return a.reviseLink(q, old, properties, spec.Effectivity)
	}
	if err := checkPresent(typ, end1, end2); err != nil {
		return Outcome{}, err
	}
	s := a.stage(v)
	if err := s.replaceEnd(q, typ, end1, end2); err != nil {
		return Outcome{}, err
	}
	r := &events.Relationship{Header: q.header(id.String(), typ.Header()), End1: stub(end1), End2: stub(end2), Properties: properties}
	setEffectivity(&r.Header, spec.Effectivity)
	o, err := a.storeLink(typ.Header(), nil, r, events.TypeRelationshipCreated)
	if err != nil || len(s.all.changes) == 0 {
		return o, err
	}
	o.changes = append(s.all.changes, o.changes...)
	return o, nil
}

// linked finds the relationship that a spec means, and the guid that it has or
// is to have.
func linked(v view, typ *opentypes.Type, spec *events.RelationshipSpec, end1, end2 *record) (*record, guid, error) {
	id := events.RelationshipKey(spec.Type, end1.guid, end2.guid)
	if spec.GUID != "" {
		var err error
		if id, err = uuid.Parse(spec.GUID); err != nil {
			return nil, id, events.Errorf(events.CodeInvalid, "/relationship/guid", "%s", err)
		}
	}
	old := v.get(id)
	switch {
	case old == nil && !typ.MultiLink():
		old = onlyBetween(v, typ, end1.guid, end2.guid)
		if old == nil {
			return nil, id, nil
		}
		if spec.GUID != "" || old.typ.Name != typ.Name() {
			return nil, id, events.Errorf(events.CodeConflict, conflictPointer(spec), "%s and %s are related by the %s %s already; there can be only one",
				end1.name, end2.name, old.typ.Name, old.guid)
		}
	case old == nil:
		return nil, id, nil
	case !old.relationship || old.typ.Name != typ.Name() || old.end1 != end1.guid || old.end2 != end2.guid:
		return nil, id, events.Errorf(events.CodeConflict, "/relationship/guid", "%s is the guid of another %s", id, old.typ.Name)
	}
	return old, old.guid, nil
}

// oneOf points at what would have to be another to mean the one that is there.
func conflictPointer(spec *events.RelationshipSpec) string {
	if spec.GUID != "" {
		return "/relationship/guid"
	}
	return "/relationship/type"
}

// between returns the relationships of a type from one element to another, sorted
// by guid but for the one whose guid belongs to its type and ends, which is first.
// It does not look through all that one of them has: that may be a hundred
// thousand.
func between(v view, typeName string, end1, end2 guid) []*record {
	key := events.RelationshipKey(typeName, end1, end2)
	others := v.aliased(key)
	if r := v.get(key); r != nil && r.derived && r.relationship && r.linkKey() == key {
		return append([]*record{r}, others...)
	}
	return others
}

// onlyBetween returns the relationship that there is from one element to another,
// where there can be only one of a type and its super and subtypes.
func onlyBetween(v view, typ *opentypes.Type, end1, end2 guid) *record {
	if all := between(v, typ.Name(), end1, end2); len(all) > 0 {
		return all[0]
	}
	for _, name := range v.registry().Subtypes(typ.Root()) {
		if all := between(v, name, end1, end2); len(all) > 0 {
			return all[0]
		}
	}
	return nil
}

// reviseLink makes the properties of a relationship what they are to be.
func (a *applier) reviseLink(q *Request, old *record, properties events.Properties, effectivity *events.Effectivity) (Outcome, error) {
	if err := q.mayChange(old); err != nil {
		return Outcome{}, err
	}
	if q.inScope(old) && effectivity == nil && sameProperties(old, properties) {
		return unchanged(old), nil
	}
	r, err := old.link()
	if err != nil {
		return Outcome{}, err
	}
	r.Properties = properties
	setEffectivity(&r.Header, effectivity)
	q.adopt(&r.Header)
	same, _, _ := appendRelationship(nil, r)
	if bytes.Equal(same, old.state()) {
		return unchanged(old), nil
	}
	q.touch(&r.Header)
	return a.storeLink(old.typ, old, r, events.TypeRelationshipUpdated)
}

func (a *applier) updateLink(v view, q *Request, c *events.UpdateRelationship) (Outcome, error) {
	old, err := linkOf(v, &c.Relationship, "/relationship")
	if err != nil {
		return Outcome{}, err
	}
	if old == nil {
		return Outcome{}, events.Errorf(events.CodeNotFound, "/relationship", "there is no such relationship")
	}
	if err := expect(c.Expectation, old, ""); err != nil {
		return Outcome{}, err
	}
	typ, err := v.registry().Relationship(old.typ.Name, "/relationship")
	if err != nil {
		return Outcome{}, err
	}
	properties, err := mergedProperties(typ, old, c.Properties, opentypes.CheckOptions{Pointer: "/properties", Partial: !c.Replace})
	if err != nil {
		return Outcome{}, err
	}
	return a.reviseLink(q, old, properties, c.Effectivity)
}

func (a *applier) storeLink(typ *events.ElementType, old *record, rel *events.Relationship, eventType string) (Outcome, error) {
	b := openChange(a.scratch[:0], "relationship")
	begin := len(b)
	b, from, to := appendRelationship(b, rel)
	size := len(b) - begin
	if size > a.maxState {
		return Outcome{}, a.tooLarge(typ.Name+" "+nameOfStub(rel.End1)+arrow+nameOfStub(rel.End2), size)
	}
	r := &record{
		relationship: true, typ: typ, name: rel.Header.GUID, version: rel.Header.Versions.Version,
		home: homeOf(&rel.Header.Origin),
	}
	var err error
	if r.guid, err = uuid.Parse(rel.Header.GUID); err != nil {
		return Outcome{}, err
	}
	if r.connected, err = connectedBy(&rel.End1, &rel.End2); err != nil {
		return Outcome{}, err
	}
	r.derived = r.guid == events.RelationshipKey(typ.Name, r.end1, r.end2)
	a.scratch = closeChange(b, old.json(), "")
	data := bytes.Clone(a.scratch)
	r.keep(data[begin:begin+size], from-begin, to-begin)
	return changed(r, change{eventType: eventType, record: r, data: data}), nil
}

func (*applier) unlink(v view, q *Request, c *events.Unlink) (Outcome, error) {
	old, err := linkOf(v, c.Ref(), "")
	if err := cmp.Or(ignoreMissing(err), expect(c.Expectation, old, "the relationship")); err != nil || old == nil {
		return Outcome{}, err
	}
	if err := q.mayChange(old); err != nil {
		return Outcome{}, err
	}
	return Outcome{
		changes: []change{removal(old, events.TypeRelationshipDeleted)},
		Result:  events.Result{GUID: old.guid.String(), Changed: true},
	}, nil
}

// linkOf finds a relationship; nil if it is not there.
func linkOf(v view, ref *events.RelationshipRef, pointer string) (*record, error) {
	if ref.GUID != "" {
		id, err := uuid.Parse(ref.GUID)
		if err != nil {
			return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s", err)
		}
		r := v.get(id)
		if r != nil && !r.relationship {
			return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s is an element, not a relationship", id)
		}
		return r, nil
	}
	if _, err := v.registry().Relationship(ref.Type, pointer+"/type"); err != nil {
		return nil, err
	}
	end1, err := element(v, ref.End1, pointer+"/end1")
	if err != nil {
		return nil, err
	}
	end2, err := element(v, ref.End2, pointer+"/end2")
	if err != nil {
		return nil, err
	}
	all := between(v, ref.Type, end1.guid, end2.guid)
	switch len(all) {
	case 0:
		return nil, nil //nolint:nilnil // it is not there, which is no error
	case 1:
		return all[0], nil
	default:
		return nil, events.Errorf(events.CodeConflict, pointer+"/guid", "several %s lead from %s to %s, %s; name it by guid",
			ref.Type, end1.name, end2.name, firstGUIDs(all))
	}
}

// someOf names the first few of many by their guids.
func firstGUIDs(all []*record) string {
	const enough = 3
	var names []string
	for _, r := range all[:min(enough, len(all))] {
		names = append(names, r.guid.String())
	}
	if len(all) > enough {
		names = append(names, strconv.Itoa(len(all)-enough)+" more")
	}
	return strings.Join(names, ", ")
}

func ignoreMissing(err error) error {
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	return err
}

// element finds the element that a reference names.
func element(v view, ref events.ElementRef, pointer string) (*record, error) {
	var r *record
	if ref.GUID != "" {
		id, err := uuid.Parse(ref.GUID)
		if err != nil {
			return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s", err)
		}
		r = v.get(id)
		if r != nil && r.relationship {
			return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s is a relationship, %s, not an element; to remove it, unlink it", id, article(r.typ.Name))
		}
		if r == nil {
			return nil, errNotFound(v, ref, pointer+"/guid")
		}
		return r, nil
	}
	if r = v.named(ref.QualifiedName); r == nil {
		return nil, errNotFound(v, ref, pointer+"/qualifiedName")
	}
	return r, nil
}

// header is that of something new. Its version does not go on from one that was
// deleted: nodes sweep at different times, and must come to the same events.
func (q *Request) header(id string, typ *events.ElementType) events.ElementHeader {
	h := events.ElementHeader{
		GUID: id, Type: *typ,
		Versions: events.Versions{CreatedBy: q.Actor, CreateTime: q.Time, Version: 1},
		Origin:   events.Origin{Category: events.OriginLocal, Scope: q.Scope},
	}
	if q.Source != "" {
		h.Origin.Category, h.Origin.Source = cmp.Or(q.Category, events.OriginExternal), q.Source
	}
	return h
}

func (q *Request) touch(h *events.ElementHeader) {
	h.Versions.Version++
	h.Versions.UpdatedBy, h.Versions.UpdateTime = q.Actor, q.Time
}

// inScope reports whether the record belongs to the scope of the request, if
// that has one.
func (q *Request) inScope(r *record) bool { return q.Scope == "" || q.Scope == r.scope() }

// adopt makes what a reconciliation sees belong to its scope from now on.
func (q *Request) adopt(h *events.ElementHeader) {
	if q.Scope != "" {
		h.Origin.Scope = q.Scope
	}
}

// mayChange refuses to change what belongs to another metadata source (Egeria:
// provenance, EXTERNAL_SOURCE).
func (q *Request) mayChange(r *record) error {
	if r.source() == "" || r.source() == q.Source {
		return nil
	}
	return events.Errorf(events.CodeRefused, events.ExtMetadataSource, "%s belongs to the metadata source %s; only that may change it", r.name, r.source())
}

func (r *record) json() []byte {
	if r == nil {
		return nil
	}
	return r.state()
}

func stub(r *record) events.ElementStub {
	return events.ElementStub{GUID: r.guid.String(), Type: r.typ.Name, QualifiedName: r.qualifiedName()}
}

func changed(r *record, c change) Outcome {
	return Outcome{changes: []change{c}, Result: events.Result{GUID: r.guid.String(), Version: r.version, Changed: true}}
}

func unchanged(r *record) Outcome {
	return Outcome{Result: events.Result{GUID: r.guid.String(), Version: r.version}}
}

func (r *record) props() (events.Properties, error) {
	if r.from == r.to {
		return events.Properties{}, nil
	}
	return events.ParseProperties(r.properties())
}

func sameProperties(old *record, p events.Properties) bool {
	if p.IsZero() {
		return old.from == old.to
	}
	return bytes.Equal(old.properties(), p.Raw())
}

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

func asError(err error) (*events.Error, bool) { return errors.AsType[*events.Error](err) }

// cutPointer returns what a JSON pointer has behind another one, if it leads
// there or below.
func cutPointer(pointer, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(pointer, prefix)
	return rest, ok && (rest == "" || rest[0] == '/')
}
