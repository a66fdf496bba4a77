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
	// Told says that the sender hears of it.
	Told bool
	// MaxPayload is how large a message the server accepts; 0 means that the
	// body fits.
	MaxPayload int64
}

// The server allows 64 KiB of headers in all; what is too long is cut, or left
// out where half of it is worth nothing.
const (
	maxReason  = 8 << 10
	maxPointer = 1 << 10
	maxSubject = 4 << 10
	maxHeaders = 40 << 10
)

// DeadLetter makes the message that buries a letter: its body is the body as it
// came, its attributes say where it came from and what was wrong. A body that
// does not fit into a message any more, together with them, is cut.
func DeadLetter(subject string, l Letter) (*nats.Msg, error) {
	headers, err := events.Marshal(l.Header)
	if err != nil || len(events.EncodeAttribute(string(headers))) > maxHeaders {
		headers = nil
	}
	e := events.Event{
		ID: l.Stream + "-" + strconv.FormatUint(l.Sequence, 10), Source: "/dead-letters", Type: events.TypeDeadLetter,
		Time: time.Now(), ContentType: "application/octet-stream", Data: l.Data,
	}
	e.SetExtension(events.ExtReason, cut(l.Reason.Message, maxReason))
	e.SetExtension(events.ExtReasonCode, string(l.Reason.Code))
	e.SetExtension(events.ExtReasonPointer, cut(l.Reason.Pointer, maxPointer))
	if l.Told {
		e.SetExtension(events.ExtTold, "true")
	}
	e.SetExtension(events.ExtOriginStream, l.Stream)
	e.SetExtension(events.ExtOriginSubject, cut(l.Subject, maxSubject))
	e.SetExtension(events.ExtOriginSequence, strconv.FormatUint(l.Sequence, 10))
	e.SetExtension(events.ExtOriginHeaders, string(headers))
	m, err := NewMessage(subject, &e)
	if err != nil {
		return nil, err
	}
	m.Header.Del(jetstream.MsgIDHeader) // its subject is its identity
	const spare = 256                   // for headers that the caller adds
	if over := int64(m.Size()) + spare - l.MaxPayload; l.MaxPayload > 0 && over > 0 {
		m.Data = m.Data[:max(int64(len(m.Data))-over, 0)]
	}
	return m, nil
}

// cut shortens a text until its encoding has at most limit bytes.
func cut(s string, limit int) string {
	if len(events.EncodeAttribute(s)) <= limit {
		return s
	}
	const mark = "…"
	limit -= len(events.EncodeAttribute(mark))
	n := 0
	for i, r := range s {
		if n += len(events.EncodeAttribute(string(r))); n > limit {
			return s[:i] + mark
		}
	}
	return s
}
