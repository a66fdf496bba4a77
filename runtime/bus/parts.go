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
	confirm, confirmed, forget, err := b.expectConfirmations(partsAhead + 1)
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
			if err := awaitConfirmation(confirmed, closed); err != nil {
				return fmt.Errorf("part %d of %d: %w", part, parts, err)
			}
		}
		p := nats.NewMsg(m.Subject)
		p.Reply, p.Data = confirm, m.Data[(part-1)*size:min(part*size, len(m.Data))]
		p.Header[headerPart], p.Header[headerParts] = []string{strconv.Itoa(part)}, []string{strconv.Itoa(parts)}
		if err := b.conn.PublishMsg(p); err != nil {
			return err
		}
	}
	return nil
}

var errUnconfirmed = errors.New("the receiver does not confirm the answer")

func awaitConfirmation(confirmed <-chan *nats.Msg, closed <-chan nats.Status) error {
	timer := time.NewTimer(partTimeout)
	defer timer.Stop()
	select {
	case <-confirmed:
		return nil
	case <-timer.C:
		return errUnconfirmed
	case <-closed:
		return ErrClosed
	}
}

// expectConfirmations returns the subject on which parts are confirmed. Whoever may ask
// questions may publish to it.
func (b *Bus) expectConfirmations(room int) (subject string, confirmed <-chan *nats.Msg, forget func(), err error) {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.confirmations == nil {
		if b.confirmations, err = openInbox(b.conn, b.topics.API("parts", nats.NewInbox()[len(nats.InboxPrefix):])+"."); err != nil {
			return "", nil, nil, err
		}
	}
	subject, confirmed, forget = b.confirmations.replies(room)
	return subject, confirmed, forget, nil
}
