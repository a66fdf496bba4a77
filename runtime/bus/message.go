package bus

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
)

// Message is a message of a stream.
type Message struct {
	Subject  string
	Sequence uint64
	Time     time.Time
	// Pending is the number of messages after this one when it was delivered.
	Pending uint64
	Header  nats.Header
	Data    []byte
	// delivered is the number of the message among those that the consumer delivered.
	delivered uint64
}

// Event decodes the message.
func (m *Message) Event() (events.Event, error) { return events.Decode(m.Header, m.Data) }

func newMessage(m jetstream.Msg) (Message, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Message{}, err
	}
	return Message{
		Subject: m.Subject(), Sequence: meta.Sequence.Stream, Time: meta.Timestamp,
		Pending: meta.NumPending, Header: m.Headers(), Data: m.Data(),
		delivered: meta.Sequence.Consumer,
	}, nil
}

// NewMessage encodes an event as a message that the bus deduplicates by the
// event's id.
func NewMessage(subject string, e *events.Event) (*nats.Msg, error) {
	m := nats.NewMsg(subject)
	data, err := events.Encode(e, m.Header)
	if err != nil {
		return nil, err
	}
	m.Data = data
	m.Header[jetstream.MsgIDHeader] = []string{e.ID}
	return m, nil
}
