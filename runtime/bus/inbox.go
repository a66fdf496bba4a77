package bus

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// inbox receives answers and the outcomes of commands. It is one subscription as
// long as the connection: a new subscription takes a moment to spread in a cluster,
// and an answer that comes before that is lost.
type inbox struct {
	prefix string

	mu   sync.Mutex
	last uint64
	// waiting are called with the answer; they must not block.
	waiting map[string]func(*nats.Msg)
}

// Reply returns a subject for answers, and calls take with each of them until
// forget is called. Take must not block.
func (b *Bus) Reply(take func(*nats.Msg)) (subject string, forget func()) { return b.inbox.reply(take) }

// Replies returns a subject for answers and the channel on which they arrive, until
// forget is called. It drops those that the channel has no room for.
func (b *Bus) Replies(room int) (subject string, answers <-chan *nats.Msg, forget func()) {
	return b.inbox.replies(room)
}

func openInbox(conn *nats.Conn, prefix string) (*inbox, error) {
	i := &inbox{prefix: prefix, waiting: map[string]func(*nats.Msg){}}
	if _, err := conn.Subscribe(i.prefix+"*", i.take); err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	return i, nil
}

func (i *inbox) take(m *nats.Msg) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if take, ok := i.waiting[strings.TrimPrefix(m.Subject, i.prefix)]; ok {
		take(m)
	}
}

func (i *inbox) replies(room int) (subject string, answers <-chan *nats.Msg, forget func()) {
	arrived := make(chan *nats.Msg, room)
	subject, forget = i.reply(func(m *nats.Msg) {
		select {
		case arrived <- m:
		default:
		}
	})
	return subject, arrived, forget
}

func (i *inbox) reply(take func(*nats.Msg)) (subject string, forget func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	token := strconv.FormatUint(i.last, 10)
	i.waiting[token] = take
	return i.prefix + token, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.waiting, token)
	}
}
