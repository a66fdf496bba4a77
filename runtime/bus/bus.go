package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/topics"
)

// Settings say how to reach NATS.
type Settings struct {
	// URL is one or several NATS URLs, separated by commas.
	URL string
	// Locate, if set, returns the present URL of the server, "" if it is unknown. It
	// is called while the connection is lost.
	Locate func() string
	// InProcess, when set, connects without the network; URL is ignored.
	InProcess nats.InProcessConnProvider
	// Name is shown in the server's list of connections.
	Name string
	// Domain is the first token of all subjects; empty means "camena".
	Domain string
	Credentials
	// Wait makes Connect wait for NATS until ctx is done instead of failing.
	Wait   bool
	Logger *slog.Logger
	_      struct{}
}

// Bus is a connection to NATS, shared by everything on a node.
type Bus struct {
	set    Settings
	topics topics.Topics
	conn   *nats.Conn
	js     jetstream.JetStream
	inbox  *inbox

	opening       sync.Mutex
	confirmations *inbox
	buckets       map[string]jetstream.KeyValue
}

const (
	// requestTimeout bounds one request to the server; callers that wait longer
	// try again. A stream without a leader does not answer, so a longer wait would
	// only delay the next attempt.
	requestTimeout = 2 * time.Second
	// purgeTimeout bounds the removal of messages.
	purgeTimeout = 5 * time.Second
	// answerTimeout bounds one question to a service.
	answerTimeout = 5 * time.Second
	reconnectWait = 250 * time.Millisecond
)

// Connect connects to NATS. Without Wait it fails with [ErrUnreachable] after a
// few seconds; with Wait it logs what is missing and tries until ctx is done.
func Connect(ctx context.Context, s Settings) (*Bus, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	t, err := topics.New(s.Domain)
	if err != nil {
		return nil, err
	}
	b := &Bus{set: s, topics: t, buckets: map[string]jetstream.KeyValue{}}
	options, err := b.options()
	if err != nil {
		return nil, err
	}
	if b.conn, err = b.dial(ctx, options); err != nil {
		return nil, err
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithDefaultTimeout(requestTimeout)); err == nil {
		b.inbox, err = openInbox(b.conn, b.conn.NewInbox()+".")
	}
	if err != nil {
		b.conn.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) options() ([]nats.Option, error) {
	s := &b.set
	options := []nats.Option{
		nats.Name(s.Name), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait), nats.Timeout(requestTimeout),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		// Otherwise a second refusal in a row closes the connection for good, although
		// the credentials may be renewed meanwhile.
		nats.IgnoreAuthErrorAbort(),
	}
	options = append(options, newConnObserver(s).options()...)
	if s.InProcess != nil {
		options = append(options, nats.InProcessServer(s.InProcess))
	}
	credentials, err := s.options()
	return append(options, credentials...), err
}

func (b *Bus) dial(ctx context.Context, options []nats.Option) (*nats.Conn, error) {
	var conn *nats.Conn
	err := retry(ctx, 500*time.Millisecond, 5*time.Second, func(context.Context) (err error) {
		if conn, err = nats.Connect(b.set.URL, options...); err == nil {
			return nil
		}
		err = unreachable(b.set.URL, b.set.Credentials, err)
		if !b.set.Wait || isFatal(err) {
			return backoff.Permanent(err)
		}
		b.set.Logger.WarnContext(ctx, "waiting for NATS", slog.Any("error", err))
		return err
	})
	return conn, err
}

// Topics returns the names that this bus uses.
func (b *Bus) Topics() topics.Topics { return b.topics }

// Conn returns the connection, for services that answer requests.
func (b *Bus) Conn() *nats.Conn { return b.conn }

// JetStream returns the JetStream interface of the connection.
func (b *Bus) JetStream() jetstream.JetStream { return b.js }

// Logger returns the logger of the bus.
func (b *Bus) Logger() *slog.Logger { return b.set.Logger }

// Close sends what is buffered and closes the connection.
func (b *Bus) Close() {
	if err := b.conn.FlushTimeout(time.Second); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		b.set.Logger.Debug("flush before closing", slog.Any("error", err))
	}
	b.conn.Close()
}
