package repository

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

type guid = uuid.UUID

// record is the state of one element or relationship in the index. It never
// changes: a change makes a new record.
type record struct {
	guid         guid
	relationship bool
	// deleted marks a record that only says that there is nothing any more.
	deleted bool
	// derived says that the guid is the one that follows from the name, or for
	// a relationship from its type and ends.
	derived    bool
	typ        *events.ElementType
	name       string // qualified name, or the guid where there is none
	source     string
	scope      string
	version    int64
	end1, end2 guid
	anchor     guid // none: uuid.Nil
	// archived says that the element has the classification Memento.
	archived bool
	sequence uint64
	// state is the JSON of the Element or Relationship, properties a part of it.
	state      []byte
	properties []byte
}

// element decodes the state of an element.
func (r *record) element() (*events.Element, error) {
	e, err := events.Unmarshal[events.Element](r.state)
	return &e, err
}

// link decodes the state of a relationship.
func (r *record) link() (*events.Relationship, error) {
	e, err := events.Unmarshal[events.Relationship](r.state)
	return &e, err
}

func (r *record) qualifiedName() string {
	if r.named() {
		return r.name
	}
	return ""
}

// named reports whether the element has a qualified name.
func (r *record) named() bool { return !r.relationship && r.name != r.guid.String() }

// linkKey returns the guid that belongs to a relationship's type and ends.
func (r *record) linkKey() guid { return events.RelationshipKey(r.typ.Name, r.end1, r.end2) }

// stored is what the index needs of a state, the rest stays JSON.
type stored struct {
	Header          events.ElementHeader `json:"header"`
	End1            events.ElementStub   `json:"end1"`
	End2            events.ElementStub   `json:"end2"`
	Properties      jsontext.Value       `json:"properties"`
	Classifications jsontext.Value       `json:"classifications"`
}

// parseState makes the record of a state that was read from the out topic.
func parseState(types *opentypes.Registry, state []byte, relationship bool) (*record, error) {
	var s stored
	if err := json.Unmarshal(state, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	id, err := uuid.Parse(s.Header.GUID)
	if err != nil {
		return nil, err
	}
	r := &record{
		guid: id, relationship: relationship, name: s.Header.QualifiedName, version: s.Header.Versions.Version,
		source: s.Header.Origin.Source, scope: s.Header.Origin.Scope, state: state, properties: within(state, s.Properties),
	}
	if r.name == "" {
		r.name = s.Header.GUID
	}
	r.typ = known(types, s.Header.Type, relationship)
	r.archived = bytes.Contains(s.Classifications, []byte(`"classificationName":"`+events.Memento+`"`))
	if s.Header.AnchorGUID != "" {
		if r.anchor, err = uuid.Parse(s.Header.AnchorGUID); err != nil {
			return nil, err
		}
	}
	if !relationship {
		r.derived = r.guid == events.ElementKey(events.ElementRef{GUID: s.Header.GUID, QualifiedName: s.Header.QualifiedName})
		return r, nil
	}
	if r.end1, err = uuid.Parse(s.End1.GUID); err != nil {
		return nil, err
	}
	r.end2, err = uuid.Parse(s.End2.GUID)
	r.derived = r.guid == events.RelationshipKey(r.typ.Name, r.end1, r.end2)
	return r, err
}

// within finds part in whole without keeping a second copy of it.
func within(whole, part []byte) []byte {
	if i := bytes.Index(whole, part); i >= 0 && len(part) > 0 {
		return whole[i : i+len(part)]
	}
	return part
}

// appendElement writes the JSON of an element. It is the hot path of the
// writer: it gives what events.Marshal gives, several times faster.
func appendElement(b []byte, e *events.Element) ([]byte, int, int) {
	b = append(b, `{"header":`...)
	b = appendHeader(b, &e.Header)
	b, from, to := appendProperties(b, e.Properties)
	for i, c := range e.Classifications {
		if i == 0 {
			b = append(b, `,"classifications":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"classificationName":`...)
		b = quote(b, c.Name)
		b, _, _ = appendProperties(b, c.Properties)
		b = append(appendEffectivity(b, c.Effectivity), '}')
	}
	if len(e.Classifications) > 0 {
		b = append(b, ']')
	}
	return append(b, '}'), from, to
}

func appendRelationship(b []byte, r *events.Relationship) ([]byte, int, int) {
	b = append(b, `{"header":`...)
	b = appendHeader(b, &r.Header)
	b = appendStub(append(b, `,"end1":`...), &r.End1)
	b = appendStub(append(b, `,"end2":`...), &r.End2)
	b, from, to := appendProperties(b, r.Properties)
	return append(b, '}'), from, to
}

func appendStub(b []byte, s *events.ElementStub) []byte {
	b = quote(append(b, `{"guid":`...), s.GUID)
	b = quote(append(b, `,"typeName":`...), s.Type)
	if s.QualifiedName != "" {
		b = quote(append(b, `,"qualifiedName":`...), s.QualifiedName)
	}
	return append(b, '}')
}

func appendProperties(b []byte, p events.Properties) (out []byte, from, to int) {
	if p.IsZero() {
		return b, 0, 0
	}
	b = append(b, `,"properties":`...)
	from = len(b)
	b = append(b, p.Raw()...)
	return b, from, len(b)
}

func appendHeader(b []byte, h *events.ElementHeader) []byte {
	b = quote(append(b, `{"guid":`...), h.GUID)
	b = quote(append(b, `,"type":{"typeName":`...), h.Type.Name)
	b = appendStrings(b, `,"superTypeNames":`, h.Type.SuperTypes)
	b = append(b, '}')
	if h.QualifiedName != "" {
		b = quote(append(b, `,"qualifiedName":`...), h.QualifiedName)
	}
	v := &h.Versions
	b = quote(append(b, `,"versions":{"createdBy":`...), v.CreatedBy)
	b = appendTime(append(b, `,"createTime":`...), v.CreateTime)
	if v.UpdatedBy != "" {
		b = quote(append(b, `,"updatedBy":`...), v.UpdatedBy)
	}
	if !v.UpdateTime.IsZero() {
		b = appendTime(append(b, `,"updateTime":`...), v.UpdateTime)
	}
	b = appendInt(append(b, `,"version":`...), v.Version)
	b = quote(append(b, `},"origin":{"originCategory":`...), string(h.Origin.Category))
	if h.Origin.Source != "" {
		b = quote(append(b, `,"source":`...), h.Origin.Source)
	}
	if h.Origin.Scope != "" {
		b = quote(append(b, `,"scope":`...), h.Origin.Scope)
	}
	b = append(b, '}')
	b = appendStrings(b, `,"zones":`, h.Zones)
	if h.AnchorGUID != "" {
		b = quote(append(b, `,"anchorGUID":`...), h.AnchorGUID)
	}
	return append(appendEffectivity(b, h.Effectivity), '}')
}

func appendEffectivity(b []byte, e events.Effectivity) []byte {
	if !e.From.IsZero() {
		b = appendTime(append(b, `,"effectiveFrom":`...), e.From)
	}
	if !e.To.IsZero() {
		b = appendTime(append(b, `,"effectiveTo":`...), e.To)
	}
	return b
}

func appendStrings(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, name...)
	for i, s := range list {
		if i == 0 {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		b = quote(b, s)
	}
	return append(b, ']')
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
