package index

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// Event is a change event as the out topic has it.
type Event struct {
	// Sequence on the out topic, and Position, the in-sequence of the command.
	Sequence, Position uint64
	// Stored is when the bus stored it, Time its own time.
	Stored, Time time.Time
	ID, Type     string
	// Actor made the change, if its state does not name one.
	Actor string
	Subject
	Data []byte
	// Damage is why the envelope cannot be read, if it cannot.
	Damage error
}

// Subject is what an event is about: an element, a relationship, a type, or the fence
// of a connector.
type Subject struct {
	Relationship   bool
	TypeName, GUID string
	Connector      string
}

// storedChange is the data of a change event with its states as JSON.
type storedChange struct {
	Element        jsontext.Value `json:"element"`
	Relationship   jsontext.Value `json:"relationship"`
	Previous       jsontext.Value `json:"previous"`
	Classification string         `json:"classificationName"`
	Purged         bool           `json:"purged"`
}

// Read decodes a change event. Of one that cannot be read it returns what identifies
// it, so that the index still knows which event it read last.
func (x *Index) Read(e *Event) (StateChange, error) {
	f, err := stateChangeOf(x.Types, e)
	if err != nil {
		_, position := x.Reached()
		return StateChange{Sequence: e.Sequence, Position: max(position, e.Position), Stored: e.Stored, ID: e.ID, unread: true}, err
	}
	return f, nil
}

// IsDeletion reports whether something was deleted.
func (f *StateChange) IsDeletion() bool { return f.Record != nil && f.Record.Deleted }

// stateChangeOf asks for the types only if it needs them: assembling the registry after
// each of many definitions would take too long.
func stateChangeOf(types func() *opentypes.Registry, e *Event) (StateChange, error) {
	f := StateChange{Sequence: e.Sequence, Position: e.Position, Stored: e.Stored, At: e.Time, ID: e.ID}
	if e.Damage != nil {
		return f, e.Damage
	}
	switch e.Type {
	case events.TypeConnectorFenced:
		fence, err := events.Unmarshal[events.Fence](e.Data)
		f.Connector, f.Generation = fence.Connector, fence.Generation
		return f, err
	case events.TypeTypeDefined:
		c, err := events.Unmarshal[events.TypeChange](e.Data)
		f.TypeDef = c.Type
		return f, err
	}
	err := f.read(types(), e)
	return f, err
}

// read decodes a change of an element or relationship.
func (f *StateChange) read(types *opentypes.Registry, e *Event) error {
	var c storedChange
	if err := json.Unmarshal(e.Data, &c, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	f.Moved, f.Purged = e.Type == events.TypeElementMoved, c.Purged
	var err error
	switch {
	case f.Moved || is(e.Type, "deleted"):
		f.Record = &Record{
			Deleted: true, Relationship: e.Relationship,
			Type: typeOf(types, events.ElementType{Name: e.TypeName}, e.Relationship),
		}
		if f.Record.GUID, err = uuid.Parse(e.GUID); err == nil && !e.Relationship {
			err = f.Record.takeName(c.Previous)
		}
	case e.Relationship:
		f.Record, err = parseState(types, c.Relationship, true)
	default:
		f.Record, err = parseState(types, c.Element, false)
	}
	return err
}

// takeName reads the name of a deleted element from its last state.
func (r *Record) takeName(previous []byte) error {
	var was struct {
		Header struct {
			QualifiedName string `json:"qualifiedName"`
		} `json:"header"`
	}
	r.Name = r.GUID.String()
	if len(previous) == 0 {
		return nil
	}
	if err := json.Unmarshal(previous, &was); err != nil {
		return err
	}
	r.Name = cmp.Or(was.Header.QualifiedName, r.Name)
	r.Derived = r.HasName() && r.GUID == events.ElementKey(events.ByName(r.Name))
	return nil
}
