package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// searchEvery is the time between searches for a lost server, remindEvery the time
	// between reminders in the log.
	searchEvery = time.Second
	remindEvery = 30 * time.Second
)

// connObserver logs the state of a connection, and searches for the server when the
// connection is lost.
type connObserver struct {
	log    *slog.Logger
	locate func() string
	url    string // from Settings, or the last one that locate returned

	searching atomic.Bool
}

func newConnObserver(s *Settings) *connObserver {
	return &connObserver{log: s.Logger, locate: s.Locate, url: s.URL}
}

func (w *connObserver) options() []nats.Option {
	return []nats.Option{
		nats.DisconnectErrHandler(w.disconnected), nats.ReconnectHandler(w.reconnected), nats.ErrorHandler(w.failed),
	}
}

func (w *connObserver) disconnected(c *nats.Conn, err error) {
	if err == nil {
		return // it is closed
	}
	w.log.Warn("lost the connection to NATS, reconnecting", slog.Any("error", err))
	if w.searching.CompareAndSwap(false, true) {
		go w.search(c)
	}
}

// search ends when the connection is restored or closed.
func (w *connObserver) search(c *nats.Conn) {
	defer w.searching.Store(false)
	over := c.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer c.RemoveStatusListener(over)
	lost := time.Now()
	told := lost
	tick := time.NewTicker(searchEvery)
	defer tick.Stop()
	for !c.IsConnected() && !c.IsClosed() {
		select {
		case <-over: // unless it is lost once more
		case now := <-tick.C:
			if now.Sub(told) >= remindEvery {
				told = now
				w.log.Warn("still waiting for NATS", slog.String("url", redactURL(w.url)), slog.Duration("since", now.Sub(lost).Round(time.Second)))
			}
			w.look(c)
		}
	}
}

// look points the connection to the present URL of the server, if it moved.
func (w *connObserver) look(c *nats.Conn) {
	if w.locate == nil {
		return
	}
	url := w.locate()
	if url == "" || url == w.url {
		return
	}
	w.url = url
	if err := c.SetServerPool([]string{url}); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		w.log.Warn("NATS connection", slog.Any("error", err))
	}
}

// reconnected logs at the level of disconnected, so that a reader of one sees both.
func (w *connObserver) reconnected(c *nats.Conn) {
	w.log.Warn("connected to NATS again", slog.String("url", c.ConnectedUrlRedacted()))
}

// failed logs errors outside of requests. A full buffer of a followed stream is
// harmless: mostly it drops a status message of the server, and if it drops a message
// of the stream, [Bus.Follow] notices the gap and reads again.
func (w *connObserver) failed(_ *nats.Conn, s *nats.Subscription, err error) {
	level := slog.LevelWarn
	if errors.Is(err, nats.ErrSlowConsumer) && s != nil && s.Type() == nats.ChanSubscription {
		level = slog.LevelDebug
	}
	w.log.Log(context.Background(), level, "NATS connection", slog.Any("error", err))
}
