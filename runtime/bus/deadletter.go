package bus

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
)

// Letter is a message that could not be handled, and why.
type Letter struct {
	Stream   string
	Subject  string
	Sequence uint64
	Header   nats.Header
	Data     []byte
	Reason   *events.Error
}

// maxHeaders bounds the headers that a dead letter repeats: the server allows
// 64 KiB in all.
const maxHeaders = 32 << 10

// DeadLetter makes the message that buries a letter: its body is the body as it
// came, its attributes say where it came from and what was wrong.
func DeadLetter(subject string, l Letter) (*nats.Msg, error) {
	headers, err := events.Marshal(l.Header)
	if err != nil || len(headers) > maxHeaders {
		headers = nil
	}
	e := events.Event{
		ID: l.Stream + "-" + strconv.FormatUint(l.Sequence, 10), Source: "/dead-letters", Type: events.TypeDeadLetter,
		Time: time.Now(), ContentType: "application/octet-stream", Data: l.Data,
	}
	e.SetExtension(events.ExtReason, l.Reason.Message)
	e.SetExtension(events.ExtReasonCode, string(l.Reason.Code))
	e.SetExtension(events.ExtReasonPointer, l.Reason.Pointer)
	e.SetExtension(events.ExtOriginStream, l.Stream)
	e.SetExtension(events.ExtOriginSubject, l.Subject)
	e.SetExtension(events.ExtOriginSequence, strconv.FormatUint(l.Sequence, 10))
	e.SetExtension(events.ExtOriginHeaders, string(headers))
	m, err := NewMessage(subject, &e)
	if err != nil {
		return nil, err
	}
	m.Header.Del(jetstream.MsgIDHeader) // its subject is its identity
	return m, nil
}
