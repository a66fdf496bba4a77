package repository

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// storedChange is the data of a change event, its states left as JSON.
type storedChange struct {
	Element        jsontext.Value `json:"element"`
	Relationship   jsontext.Value `json:"relationship"`
	Previous       jsontext.Value `json:"previous"`
	Classification string         `json:"classificationName"`
	Purged         bool           `json:"purged"`
}

// factOf reads a message of the out topic.
func factOf(types *opentypes.Registry, names topics.Topics, m *bus.Message) (fact, error) {
	f := fact{sequence: m.Sequence, stored: m.Time, id: events.DecodeAttribute(m.Header.Get("ce-id"))}
	var err error
	if f.position, err = strconv.ParseUint(m.Header.Get("ce-"+events.ExtInSequence), 10, 64); err != nil {
		return f, events.Errorf(events.CodeInvalid, events.ExtInSequence, "%s", err)
	}
	switch m.Header.Get("ce-type") {
	case events.TypeConnectorFenced:
		fence, err := events.Unmarshal[events.Fence](m.Data)
		f.connector, f.generation = fence.Connector, fence.Generation
		return f, err
	case events.TypeTypeDefined:
		c, err := events.Unmarshal[events.TypeChange](m.Data)
		f.typeDef = c.Type
		return f, err
	}
	err = f.read(types, names, m)
	return f, err
}

// read takes what a change event says of an element or relationship.
func (f *fact) read(types *opentypes.Registry, names topics.Topics, m *bus.Message) error {
	subject, err := names.ParseChange(m.Subject)
	if err != nil {
		return err
	}
	var c storedChange
	if err := json.Unmarshal(m.Data, &c, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	f.moved, f.purged = m.Header.Get("ce-type") == events.TypeElementMoved, c.Purged
	switch {
	case f.moved || strings.HasSuffix(m.Header.Get("ce-type"), ".deleted.v1"):
		f.record = &record{
			deleted: true, relationship: subject.Relationship,
			typ: known(types, events.ElementType{Name: subject.Type}, subject.Relationship),
		}
		f.record.guid, err = uuid.Parse(subject.GUID)
	case subject.Relationship:
		f.record, err = parseState(types, c.Relationship, true)
	default:
		f.record, err = parseState(types, c.Element, false)
	}
	return err
}
