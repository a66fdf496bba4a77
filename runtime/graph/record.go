package graph

import (
	"bytes"
	"errors"
	"strings"
	"unique"
	"unsafe"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/text"
)

type guid = uuid.UUID

// record is the state of one element or relationship in the index. It never
// changes: a change makes a new record. There are as many as there are elements,
// so its fields are in an order that leaves no gaps.
type record struct {
	guid         guid
	relationship bool
	// deleted marks a record that only says that there is nothing any more.
	deleted bool
	// derived says that the guid is the one that follows from the name, or for
	// a relationship from its type and ends.
	derived bool
	// archived says that the element has the classification Memento.
	archived bool
	// from and to are where in text the properties are; both 0 if there are none.
	from, to uint32
	place    text.Place // of the text of an element
	typ      *events.ElementType
	home     unique.Handle[home] // see [record.source] and [record.scope]
	// name is the qualified name, or the guid where there is none; as a rule a
	// part of text.
	name       string
	version    int64
	sequence   uint64
	*connected      // of a relationship; nil for an element
	anchor     guid // none: uuid.Nil
	// text is the JSON of the Element or Relationship, see [record.state].
	text string
}

// connected are the elements that a relationship connects.
type connected struct{ end1, end2 guid }

// home is what very many records have in common.
type home struct{ source, scope string }

// setOrigin notes the source and scope.
func (r *record) setOrigin(o *events.Origin) { r.home = homeOf(o) }

func homeOf(o *events.Origin) unique.Handle[home] {
	return unique.Make(home{source: o.Source, scope: o.Scope})
}

// source returns the metadata source that the record belongs to, "" if none.
func (r *record) source() string { return r.homeOrNone().source }

// scope returns the scope of the reconciliation that the record belongs to.
func (r *record) scope() string { return r.homeOrNone().scope }

func (r *record) homeOrNone() home {
	if r.home == (unique.Handle[home]{}) {
		return home{}
	}
	return r.home.Value()
}

// state returns the JSON of the element or relationship, nil if it is deleted.
// It shares the record's memory: nobody may change it.
func (r *record) state() []byte {
	return unsafe.Slice(unsafe.StringData(r.text), len(r.text)) //nolint:gosec // of a string, which lives as long as the slice
}

// properties returns the part of the state that are the properties, nil if there
// are none.
func (r *record) properties() []byte {
	if r.from == r.to {
		return nil
	}
	return r.state()[r.from:r.to:r.to]
}

// keep makes a copy of state that of the record; its properties are between the
// two places, if there is something.
func (r *record) keep(state []byte, from, to int) {
	r.text = string(state)
	if from < to {
		r.from, r.to = uint32(from), uint32(to) //nolint:gosec // a state fits into a message
	}
	if i := strings.Index(r.text, r.name); i >= 0 {
		r.name = r.text[i : i+len(r.name)]
	}
}

// Deleted returns the record of the deletion.
func (r *record) deletion() *record {
	return &record{
		guid: r.guid, relationship: r.relationship, deleted: true, derived: r.derived, archived: r.archived, typ: r.typ, home: r.home,
		name: r.name, version: r.version, connected: r.connected, anchor: r.anchor,
	}
}

// element decodes the state of an element.
func (r *record) element() (*events.Element, error) {
	e, err := events.Unmarshal[events.Element](r.state())
	return &e, err
}

// link decodes the state of a relationship.
func (r *record) link() (*events.Relationship, error) {
	e, err := events.Unmarshal[events.Relationship](r.state())
	return &e, err
}

func (r *record) qualifiedName() string {
	if r.named() {
		return r.name
	}
	return ""
}

// named reports whether the element has a qualified name.
func (r *record) named() bool {
	const guidLength = 36
	return !r.relationship && (len(r.name) != guidLength || r.name != r.guid.String())
}

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
	if id == uuid.Nil {
		return nil, errors.New("it has the nil guid, which names nothing")
	}
	r := &record{
		guid: id, relationship: relationship, name: s.Header.QualifiedName, version: s.Header.Versions.Version,
		home: homeOf(&s.Header.Origin),
	}
	if r.name == "" {
		r.name = s.Header.GUID
	}
	from := max(0, bytes.Index(state, s.Properties))
	r.keep(state, from, from+len(s.Properties))
	r.typ = known(types, s.Header.Type, relationship)
	if r.archived, err = isMemento(s.Classifications); err != nil {
		return nil, err
	}
	if s.Header.AnchorGUID != "" {
		if r.anchor, err = uuid.Parse(s.Header.AnchorGUID); err != nil {
			return nil, err
		}
	}
	if !relationship {
		r.derived = r.guid == events.ElementKey(events.ElementRef{GUID: s.Header.GUID, QualifiedName: s.Header.QualifiedName})
		return r, nil
	}
	if r.connected, err = connectedBy(&s.End1, &s.End2); err != nil {
		return nil, err
	}
	r.derived = r.guid == events.RelationshipKey(r.typ.Name, r.end1, r.end2)
	return r, err
}

// isMemento reports whether one of the classifications is that. Properties of others
// may look like it.
func isMemento(classifications []byte) (bool, error) {
	if !bytes.Contains(classifications, []byte(events.Memento)) {
		return false, nil
	}
	var all []struct {
		Name string `json:"classificationName"`
	}
	if err := json.Unmarshal(classifications, &all); err != nil {
		return false, err
	}
	for i := range all {
		if all[i].Name == events.Memento {
			return true, nil
		}
	}
	return false, nil
}

func connectedBy(end1, end2 *events.ElementStub) (*connected, error) {
	one, err := uuid.Parse(end1.GUID)
	if err != nil {
		return nil, err
	}
	two, err := uuid.Parse(end2.GUID)
	return &connected{end1: one, end2: two}, err
}
