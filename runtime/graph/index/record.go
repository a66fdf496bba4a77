package index

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

// Record is the state of one element or relationship. It never changes after it is
// committed: a change makes a new record. The order of its fields leaves no gaps, as
// there is one for each element.
type Record struct {
	GUID         guid
	Relationship bool
	// Deleted marks the record of a deletion.
	Deleted bool
	// Derived means that the guid follows from the name, or that of a relationship
	// from its type and ends.
	Derived bool
	// Archived means that the element has the classification Memento.
	Archived bool
	// from and to are the place of the properties in text; both 0 if there are none.
	from, to uint32
	place    text.Place // of the text of an element
	Type     *events.ElementType
	home     unique.Handle[home] // see [Record.Source] and [Record.Scope]
	// Name is the qualified name, or the guid if there is none; usually a part of text.
	Name    string
	Version int64
	*Ends        // of a relationship; nil for an element
	Anchor  guid // none: uuid.Nil
	// text is the JSON of the Element or Relationship, see [Record.State].
	text string
}

// Ends are the elements that a relationship connects.
type Ends struct{ End1, End2 guid }

// home is shared by very many records.
type home struct{ source, scope string }

// SetOrigin sets the source and scope of a new record.
func (r *Record) SetOrigin(o *events.Origin) { r.home = homeOf(o) }

func homeOf(o *events.Origin) unique.Handle[home] {
	return unique.Make(home{source: o.Source, scope: o.Scope})
}

// Source returns the metadata source that the record belongs to, "" if none.
func (r *Record) Source() string { return r.homeOrNone().source }

// Scope returns the scope of the reconciliation that the record belongs to.
func (r *Record) Scope() string { return r.homeOrNone().scope }

func (r *Record) homeOrNone() home {
	if r.home == (unique.Handle[home]{}) {
		return home{}
	}
	return r.home.Value()
}

// State returns the JSON of the element or relationship, nil if it is deleted. The
// caller must not change it.
func (r *Record) State() []byte {
	return unsafe.Slice(unsafe.StringData(r.text), len(r.text)) //nolint:gosec // of a string, which lives as long as the slice
}

// Properties returns the properties in the state, nil if there are none. The caller
// must not change them.
func (r *Record) Properties() []byte {
	if r.from == r.to {
		return nil
	}
	return r.State()[r.from:r.to:r.to]
}

// Keep sets the state of a new record to a copy of state, whose properties are between
// the two places. Both are 0 if there are none.
func (r *Record) Keep(state []byte, from, to int) {
	r.text = string(state)
	if from < to {
		r.from, r.to = uint32(from), uint32(to) //nolint:gosec // a state fits into a message
	}
	if i := strings.Index(r.text, r.Name); i >= 0 {
		r.Name = r.text[i : i+len(r.Name)]
	}
}

// Deletion returns the record of the deletion.
func (r *Record) Deletion() *Record {
	return &Record{
		GUID: r.GUID, Relationship: r.Relationship, Deleted: true, Derived: r.Derived, Archived: r.Archived, Type: r.Type, home: r.home,
		Name: r.Name, Version: r.Version, Ends: r.Ends, Anchor: r.Anchor,
	}
}

// ParseProperties decodes the properties.
func (r *Record) ParseProperties() (events.Properties, error) {
	if len(r.Properties()) == 0 {
		return events.Properties{}, nil
	}
	return events.ParseProperties(r.Properties())
}

// Element decodes the state of an element.
func (r *Record) Element() (*events.Element, error) {
	e, err := events.Unmarshal[events.Element](r.State())
	return &e, err
}

// Link decodes the state of a relationship.
func (r *Record) Link() (*events.Relationship, error) {
	e, err := events.Unmarshal[events.Relationship](r.State())
	return &e, err
}

// QualifiedName returns the name of an element, "" if there is none.
func (r *Record) QualifiedName() string {
	if r.HasName() {
		return r.Name
	}
	return ""
}

// HasName reports whether the element has a qualified name.
func (r *Record) HasName() bool {
	const guidLength = 36
	return !r.Relationship && (len(r.Name) != guidLength || r.Name != r.GUID.String())
}

// LinkKey returns the guid that follows from a relationship's type and ends.
func (r *Record) LinkKey() uuid.UUID { return events.RelationshipKey(r.Type.Name, r.End1, r.End2) }

// stored is the decoded part of a state.
type stored struct {
	Header          events.ElementHeader `json:"header"`
	End1            events.ElementStub   `json:"end1"`
	End2            events.ElementStub   `json:"end2"`
	Properties      jsontext.Value       `json:"properties"`
	Classifications jsontext.Value       `json:"classifications"`
}

// parseState returns the record of a state from the out topic.
func parseState(types *opentypes.Registry, state []byte, relationship bool) (*Record, error) {
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
	r := &Record{
		GUID: id, Relationship: relationship, Name: s.Header.QualifiedName, Version: s.Header.Versions.Version,
		home: homeOf(&s.Header.Origin),
	}
	if r.Name == "" {
		r.Name = s.Header.GUID
	}
	from := max(0, bytes.Index(state, s.Properties))
	r.Keep(state, from, from+len(s.Properties))
	r.Type = typeOf(types, s.Header.Type, relationship)
	if r.Archived, err = isMemento(s.Classifications); err != nil {
		return nil, err
	}
	if s.Header.AnchorGUID != "" {
		if r.Anchor, err = uuid.Parse(s.Header.AnchorGUID); err != nil {
			return nil, err
		}
	}
	if !relationship {
		r.Derived = r.GUID == events.ElementKey(events.ElementRef{GUID: s.Header.GUID, QualifiedName: s.Header.QualifiedName})
		return r, nil
	}
	if r.Ends, err = connectedBy(&s.End1, &s.End2); err != nil {
		return nil, err
	}
	r.Derived = r.GUID == events.RelationshipKey(r.Type.Name, r.End1, r.End2)
	return r, err
}

// isMemento reports whether one of the classifications is Memento. Properties of others
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

func connectedBy(end1, end2 *events.ElementStub) (*Ends, error) {
	one, err := uuid.Parse(end1.GUID)
	if err != nil {
		return nil, err
	}
	two, err := uuid.Parse(end2.GUID)
	return &Ends{End1: one, End2: two}, err
}
