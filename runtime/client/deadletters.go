package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Rejection is a message that could not be handled, and why.
type Rejection struct {
	Stream   string
	Subject  string
	Sequence uint64
	Header   nats.Header
	Data     []byte
	Reason   *events.Error
	// Told says that the sender receives the reason.
	Told bool
	// MaxPayload is how large a message the server accepts; 0 means that the
	// body fits.
	MaxPayload int64
}

// The server allows 64 KiB of headers. A text that is too long is cut, or left out
// where a part of it is of no use.
const (
	maxReason  = 8 << 10
	maxPointer = 1 << 10
	maxSubject = 4 << 10
	maxHeaders = 40 << 10
)

// DeadLetter returns the dead letter of a message: its body is the body as it
// came, its attributes say where it came from and what was wrong. A body that
// does not fit into one message together with them is cut.
func (l *Rejection) DeadLetter(subject string) (*nats.Msg, error) {
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
	m, err := bus.NewMessage(subject, &e)
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

// DeadLetter is a stored dead letter.
type DeadLetter struct {
	Sequence uint64      `json:"sequence"`
	Time     time.Time   `json:"time"`
	Code     string      `json:"code,omitempty"`
	Reason   string      `json:"reason"`
	Pointer  string      `json:"pointer,omitempty"`
	Told     bool        `json:"told,omitempty"`
	Stream   string      `json:"originStream"`
	Subject  string      `json:"originSubject"`
	Origin   uint64      `json:"originSequence"`
	Headers  nats.Header `json:"originHeaders,omitempty"`
	Size     int         `json:"size"`
	// Data is the body as it came.
	Data []byte `json:"-"`
	// Body is the text of the body, Base64 that of one that is not UTF-8.
	Body   string `json:"body,omitempty"`
	Base64 string `json:"bodyBase64,omitempty"`
}

// Show fills in the text of the body. Unless secrets are shown, a body that is not
// JSON is hidden if it may hold one, because it cannot be found in it.
func (l *DeadLetter) Show(secrets bool) (hidden bool) {
	masked, err := events.MaskSecrets(l.Data)
	switch {
	case secrets:
	case err == nil:
		l.Data = masked
	case slices.ContainsFunc(events.SecretAttributes(), func(name string) bool { return bytes.Contains(l.Data, []byte(name)) }):
		l.Data, hidden = []byte("(not shown: it cannot be read and may hold secrets)"), true
	}
	if utf8.Valid(l.Data) {
		l.Body = string(l.Data)
	} else {
		l.Base64 = base64.StdEncoding.EncodeToString(l.Data)
	}
	return hidden
}

// DeadLetters returns the dead letters without their bodies. It leaves out, and
// counts, those of which the sender was told, unless all are asked for.
func (c *Client) DeadLetters(ctx context.Context, all bool) (list []DeadLetter, left int, err error) {
	list = []DeadLetter{}
	err = c.bus.Read(ctx, c.bus.Topics().DeadLetterStream(), []string{c.bus.Topics().DeadLetters()}, func(m *bus.Message) error {
		l, err := readDeadLetter(m)
		if err != nil {
			return err
		}
		if l.Told && !all {
			left++
			return nil
		}
		l.Data = nil
		list = append(list, *l)
		return nil
	})
	return list, left, err
}

// DeadLetter returns one dead letter; the error is [events.CodeNotFound] if there
// is none at that sequence.
func (c *Client) DeadLetter(ctx context.Context, sequence uint64) (*DeadLetter, error) {
	m, err := c.bus.Message(ctx, c.bus.Topics().DeadLetterStream(), sequence)
	if err != nil {
		return nil, noDeadLetter(sequence, err)
	}
	return readDeadLetter(m)
}

func noDeadLetter(sequence uint64, err error) error {
	if errors.Is(err, bus.ErrMissing) {
		return events.Errorf(events.CodeNotFound, "/sequence", "there is no dead letter %d", sequence)
	}
	return err
}

func readDeadLetter(m *bus.Message) (*DeadLetter, error) {
	e, err := m.Event()
	if err != nil {
		return nil, fmt.Errorf("dead letter %d: %w", m.Sequence, err)
	}
	l := &DeadLetter{
		Sequence: m.Sequence, Time: m.Time, Code: e.Extension(events.ExtReasonCode), Reason: e.Extension(events.ExtReason),
		Pointer: e.Extension(events.ExtReasonPointer), Told: e.Extension(events.ExtTold) != "", Stream: e.Extension(events.ExtOriginStream),
		Subject: e.Extension(events.ExtOriginSubject), Size: len(e.Data), Data: e.Data,
	}
	if l.Origin, err = e.Uint(events.ExtOriginSequence); err != nil {
		return nil, err
	}
	if h := e.Extension(events.ExtOriginHeaders); h != "" {
		if l.Headers, err = events.Unmarshal[nats.Header]([]byte(h)); err != nil {
			return nil, fmt.Errorf("dead letter %d: %w", m.Sequence, err)
		}
	}
	return l, nil
}

// Replay sends a dead letter again to where it came from, as it came, and removes
// it. It leaves out the message's id, which the bus would take for a repetition.
func (c *Client) Replay(ctx context.Context, sequence uint64) error {
	l, err := c.DeadLetter(ctx, sequence)
	if err != nil {
		return err
	}
	if l.Subject == "" {
		return events.Errorf(events.CodeInvalid, "/sequence", "dead letter %d cannot be replayed: it does not say where it came from", sequence)
	}
	m := nats.NewMsg(l.Subject)
	for name, values := range l.Headers {
		if !strings.HasPrefix(strings.ToLower(name), "nats-") {
			m.Header[name] = values
		}
	}
	m.Data = l.Data
	if _, err := c.bus.PublishMessage(ctx, m); err != nil {
		return fmt.Errorf("replay %d: %w", sequence, err)
	}
	return c.Discard(ctx, sequence)
}

// Discard removes a dead letter for good.
func (c *Client) Discard(ctx context.Context, sequence uint64) error {
	return noDeadLetter(sequence, c.bus.DeleteMessage(ctx, c.bus.Topics().DeadLetterStream(), sequence))
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
