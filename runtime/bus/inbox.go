package bus

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// inbox is where the outcomes of commands arrive. It is one subscription for the
// life of the connection: the servers of a cluster need a moment to learn of a
// new one, and an outcome that comes before that is lost.
type inbox struct {
	prefix string

	mu   sync.Mutex
	last uint64
	// waiting are told of the answer; they must not block.
	waiting map[string]func(*nats.Msg)
}

func openInbox(conn *nats.Conn) (*inbox, error) {
	i := &inbox{prefix: conn.NewInbox() + ".", waiting: map[string]func(*nats.Msg){}}
	if _, err := conn.Subscribe(i.prefix+"*", i.take); err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	return i, nil
}

func (i *inbox) take(m *nats.Msg) {
	i.mu.Lock()
	defer i.mu.Unlock()
	token := strings.TrimPrefix(m.Subject, i.prefix)
	if tell, ok := i.waiting[token]; ok {
		delete(i.waiting, token)
		tell(m)
	}
}

// expect returns a subject for one answer, and where that arrives.
func (i *inbox) expect() (subject string, answer <-chan *nats.Msg, forget func()) {
	arrived := make(chan *nats.Msg, 1)
	subject, forget = i.await(func(m *nats.Msg) { arrived <- m })
	return subject, arrived, forget
}

// await returns a subject for one answer, of which it tells.
func (i *inbox) await(tell func(*nats.Msg)) (subject string, forget func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	token := strconv.FormatUint(i.last, 10)
	i.waiting[token] = tell
	return i.prefix + token, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.waiting, token)
	}
}
