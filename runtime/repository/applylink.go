package repository

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// link creates a relationship, or makes its properties what the spec says.
func (a *applier) link(v view, q *request, c *events.Link) (outcome, error) {
	spec := &c.Relationship
	typ, err := a.types.relationship(spec.Type, "/relationship/type")
	if err != nil {
		return outcome{}, err
	}
	end1, err := endOf(v, spec.End1, typ.end1, "/relationship/end1")
	if err != nil {
		return outcome{}, err
	}
	end2, err := endOf(v, spec.End2, typ.end2, "/relationship/end2")
	if err != nil {
		return outcome{}, err
	}
	id := events.RelationshipKey(spec.Type, end1.guid, end2.guid)
	if spec.GUID != "" {
		if id, err = uuid.Parse(spec.GUID); err != nil {
			return outcome{}, events.Errorf(events.CodeInvalid, "/relationship/guid", "%s", err)
		}
	}
	properties, err := spec.Properties.WithoutNulls()
	if err != nil {
		return outcome{}, err
	}
	old := v.get(id)
	switch {
	case old == nil:
		r := &events.Relationship{Header: q.header(id.String(), typ.typ), End1: stub(end1), End2: stub(end2), Properties: properties}
		return a.storeLink(typ.typ, nil, r, events.TypeRelationshipCreated)
	case !old.relationship || old.typ != typ.typ || old.end1 != end1.guid || old.end2 != end2.guid:
		return outcome{}, events.Errorf(events.CodeConflict, "/relationship/guid", "%s is the guid of another %s", id, old.typ.Name)
	case q.inScope(old) && sameProperties(old, properties):
		return unchanged(old), q.mayChange(old)
	}
	if err := q.mayChange(old); err != nil {
		return outcome{}, err
	}
	r, err := old.link()
	if err != nil {
		return outcome{}, err
	}
	r.Properties = properties
	q.adopt(&r.Header)
	q.touch(&r.Header)
	return a.storeLink(typ.typ, old, r, events.TypeRelationshipUpdated)
}

func endOf(v view, ref events.ElementRef, typeName, pointer string) (*record, error) {
	r, err := element(v, ref, pointer)
	if err != nil {
		return nil, err
	}
	if !r.typ.Is(typeName) {
		return nil, events.Errorf(events.CodeInvalid, pointer, "%s is a %s; this relationship needs a %s at this end", r.name, r.typ.Name, typeName)
	}
	return r, nil
}

func (a *applier) storeLink(typ *events.ElementType, old *record, rel *events.Relationship, eventType string) (outcome, error) {
	b := openChange(a.scratch[:0], "relationship")
	begin := len(b)
	b, from, to := appendRelationship(b, rel)
	size := len(b) - begin
	if err := a.fits(size); err != nil {
		return outcome{}, err
	}
	r := &record{
		relationship: true, typ: typ, name: rel.Header.GUID, version: rel.Header.Versions.Version,
		source: rel.Header.Origin.Source, scope: rel.Header.Origin.Scope,
	}
	var errs [3]error
	r.guid, errs[0] = uuid.Parse(rel.Header.GUID)
	r.end1, errs[1] = uuid.Parse(rel.End1.GUID)
	r.end2, errs[2] = uuid.Parse(rel.End2.GUID)
	r.derived = r.guid == events.RelationshipKey(typ.Name, r.end1, r.end2)
	a.scratch = closeChange(b, old.json(), "")
	data := bytes.Clone(a.scratch)
	r.keep(data, begin, size, from, to, old == nil)
	return changed(r, change{eventType: eventType, record: r, data: data}), errors.Join(errs[:]...)
}

func (*applier) unlink(v view, q *request, c *events.Unlink) (outcome, error) {
	old, err := linkOf(v, c)
	if err != nil || old == nil {
		return outcome{}, err
	}
	if err := q.mayChange(old); err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{removal(old, events.TypeRelationshipDeleted)},
		result:  events.Result{GUID: old.guid.String(), Changed: true},
	}, nil
}

// linkOf finds the relationship to unlink; nil if it is not there.
func linkOf(v view, c *events.Unlink) (*record, error) {
	if c.GUID != "" {
		id, err := uuid.Parse(c.GUID)
		if err != nil {
			return nil, events.Errorf(events.CodeInvalid, "/guid", "%s", err)
		}
		r := v.get(id)
		if r != nil && !r.relationship {
			return nil, events.Errorf(events.CodeInvalid, "/guid", "%s is an element; delete it instead", id)
		}
		return r, nil
	}
	end1, err := element(v, c.End1, "/end1")
	if err != nil {
		return nil, ignoreMissing(err)
	}
	end2, err := element(v, c.End2, "/end2")
	if err != nil {
		return nil, ignoreMissing(err)
	}
	for _, r := range v.linked(end1.guid) {
		if r.typ.Name == c.Type && r.end1 == end1.guid && r.end2 == end2.guid {
			return r, nil
		}
	}
	return nil, nil //nolint:nilnil // not being there is what an unlink wants
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
		if r = v.get(id); r == nil || r.relationship {
			return nil, events.Errorf(events.CodeNotFound, pointer+"/guid", "there is no element %s", ref.GUID)
		}
		return r, nil
	}
	if r = v.named(ref.QualifiedName); r == nil {
		return nil, events.Errorf(events.CodeNotFound, pointer+"/qualifiedName", "there is no element %q", ref.QualifiedName)
	}
	return r, nil
}

// header is that of something new.
func (q *request) header(id string, typ *events.ElementType) events.ElementHeader {
	h := events.ElementHeader{
		GUID: id, Type: *typ,
		Versions: events.Versions{CreatedBy: q.actor, CreateTime: q.time, Version: 1},
		Origin:   events.Origin{Category: events.OriginLocal, Scope: q.scope},
	}
	if q.source != "" {
		h.Origin.Category, h.Origin.Source = events.OriginExternal, q.source
	}
	return h
}

func (q *request) touch(h *events.ElementHeader) {
	h.Versions.Version++
	h.Versions.UpdatedBy, h.Versions.UpdateTime = q.actor, q.time
}

// inScope reports whether the record belongs to the scope of the request, if
// that has one.
func (q *request) inScope(r *record) bool { return q.scope == "" || q.scope == r.scope }

// adopt makes what a reconciliation sees belong to its scope from now on.
func (q *request) adopt(h *events.ElementHeader) {
	if q.scope != "" {
		h.Origin.Scope = q.scope
	}
}

// mayChange refuses to change what belongs to another metadata source (Egeria:
// provenance, EXTERNAL_SOURCE).
func (q *request) mayChange(r *record) error {
	if r.source == "" || r.source == q.source {
		return nil
	}
	return events.Errorf(events.CodeRefused, events.ExtMetadataSource, "%s belongs to the metadata source %s; only that may change it", r.name, r.source)
}

func (r *record) json() []byte {
	if r == nil {
		return nil
	}
	return r.state
}

func stub(r *record) events.ElementStub {
	return events.ElementStub{GUID: r.guid.String(), Type: r.typ.Name, QualifiedName: r.qualifiedName()}
}

func changed(r *record, c change) outcome {
	return outcome{changes: []change{c}, result: events.Result{GUID: r.guid.String(), Version: r.version, Changed: true}}
}

func unchanged(r *record) outcome {
	return outcome{result: events.Result{GUID: r.guid.String(), Version: r.version}}
}

func merged(old *record, patch events.Properties) (events.Properties, error) {
	have, err := old.props()
	if err != nil {
		return have, err
	}
	return have.Merge(patch)
}

func (r *record) props() (events.Properties, error) {
	if len(r.properties) == 0 {
		return events.Properties{}, nil
	}
	return events.ParseProperties(r.properties)
}

func sameProperties(old *record, p events.Properties) bool {
	if p.IsZero() {
		return len(old.properties) == 0
	}
	return bytes.Equal(old.properties, p.Raw())
}

func inStep(i int, err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	pointer := e.Pointer
	if !strings.HasPrefix(pointer, "/") {
		pointer = "" // an attribute of the event, not a place in the step
	}
	return &events.Error{Code: e.Code, Message: e.Message, Pointer: "/commands/" + strconv.Itoa(i) + "/data" + pointer}
}
