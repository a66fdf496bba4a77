package bus

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// An answer that is larger than a message is sent in numbered parts on the reply
// subject. Each part names a subject on which the receiver confirms it with an empty
// message. The number of unconfirmed parts is limited, so that neither the server nor
// the client drops one.

const (
	// partsAhead is the largest number of unconfirmed parts.
	partsAhead = 8
	// partTimeout bounds the wait for the next part, and for a confirmation.
	partTimeout = 5 * time.Second
	// partHeaders is the largest size of the headers of a part.
	partHeaders = 4 << 10
)

// partSize is the size of the data of a part: at most 1 MiB, even if NATS accepts
// larger messages.
func (b *Bus) partSize() int { return max(int(min(b.conn.MaxPayload(), 1<<20))-partHeaders, 1) }

// stream sends an answer in parts.
func (b *Bus) stream(m *nats.Msg) error {
	came, signs, forget, err := b.expectSigns()
	if err != nil {
		return err
	}
	defer forget()
	closed := b.conn.StatusChanged(nats.CLOSED)
	defer b.conn.RemoveStatusListener(closed)
	size := b.partSize()
	parts := (len(m.Data) + size - 1) / size
	for part := 1; part <= parts; part++ {
		if part > partsAhead {
			if err := sign(signs, closed); err != nil {
				return fmt.Errorf("part %d of %d: %w", part, parts, err)
			}
		}
		p := nats.NewMsg(m.Subject)
		p.Reply, p.Data = came, m.Data[(part-1)*size:min(part*size, len(m.Data))]
		p.Header[headerPart], p.Header[headerParts] = []string{strconv.Itoa(part)}, []string{strconv.Itoa(parts)}
		if err := b.conn.PublishMsg(p); err != nil {
			return err
		}
	}
	return nil
}

var errGone = errors.New("the receiver does not confirm the answer")

func sign(signs <-chan *nats.Msg, closed <-chan nats.Status) error {
	timer := time.NewTimer(partTimeout)
	defer timer.Stop()
	select {
	case <-signs:
		return nil
	case <-timer.C:
		return errGone
	case <-closed:
		return ErrClosed
	}
}

// expectSigns returns the subject on which parts are confirmed. Everybody who may
// ask may publish to it.
func (b *Bus) expectSigns() (subject string, signs <-chan *nats.Msg, forget func(), err error) {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.signs == nil {
		if b.signs, err = openInbox(b.conn, b.topics.API("parts", nats.NewInbox()[len(nats.InboxPrefix):])+"."); err != nil {
			return "", nil, nil, err
		}
	}
	subject, signs, forget = b.signs.replies(partsAhead + 1)
	return subject, signs, forget, nil
}
