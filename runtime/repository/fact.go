package repository

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// storedChange is the data of a change event, its states left as JSON.
type storedChange struct {
	Element        jsontext.Value `json:"element"`
	Relationship   jsontext.Value `json:"relationship"`
	Previous       jsontext.Value `json:"previous"`
	Classification string         `json:"classificationName"`
}

// factOf reads a message of the out topic.
func (t *Types) factOf(names topics.Topics, m *bus.Message) (fact, error) {
	f := fact{sequence: m.Sequence, stored: m.Time, id: events.DecodeAttribute(m.Header.Get("ce-id"))}
	var err error
	if f.position, err = strconv.ParseUint(m.Header.Get("ce-"+events.ExtInSequence), 10, 64); err != nil {
		return f, events.Errorf(events.CodeInvalid, events.ExtInSequence, "%s", err)
	}
	if m.Header.Get("ce-type") == events.TypeConnectorFenced {
		fence, err := events.Unmarshal[events.Fence](m.Data)
		f.connector, f.generation = fence.Connector, fence.Generation
		return f, err
	}
	subject, err := names.ParseChange(m.Subject)
	if err != nil {
		return f, err
	}
	var c storedChange
	if err := json.Unmarshal(m.Data, &c, json.RejectUnknownMembers(true)); err != nil {
		return f, err
	}
	switch {
	case strings.HasSuffix(m.Header.Get("ce-type"), ".deleted.v1"):
		f.record = &record{
			deleted: true, relationship: subject.Relationship,
			typ: t.known(events.ElementType{Name: subject.Type}, subject.Relationship),
		}
		f.record.guid, err = uuid.Parse(subject.GUID)
	case subject.Relationship:
		f.record, err = t.parseState(c.Relationship, true)
	case c.Previous == nil:
		f.record, err = t.parseState(within(m.Data, c.Element), false)
	default:
		// The index keeps the state, not the message with both states.
		f.record, err = t.parseState(c.Element.Clone(), false)
	}
	return f, err
}
