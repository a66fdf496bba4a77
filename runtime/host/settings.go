package host

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// Settings of a [Host].
type Settings struct {
	// Node is the name of this node, unique in the installation.
	Node string
	// Instance is unique to this process.
	Instance   string
	Bus        *bus.Bus
	Connectors connectors.Set
	// Connect gives a connector, named by its id, access to the metadata: it sets
	// the fields of its Settings. Without it the access is over the bus.
	Connect func(connector string, to *connectors.Settings)
	// Offer lets others ask a connector, by its name, until stop is called or ctx is
	// done. Without it they ask over the bus.
	Offer func(ctx context.Context, name string, ask asked) (stop func(), err error)
	// Roles are those of the node; its heartbeat tells them.
	Roles   []string
	Version string
	Logger  *slog.Logger
	Timing  Timing
	// Parallel is how many connectors start or refresh at a time; 0 means 64.
	Parallel int
	_        struct{}
}

// Timing is how long things may take. A zero field means the default.
type Timing struct {
	// Start is how long New and Start may take each: 1m.
	Start time.Duration
	// Refresh is how long a refresh may take: 1h.
	Refresh time.Duration
	// EngagePause is the time between the return of an engage call and the
	// next one: 1s (Egeria).
	EngagePause time.Duration
	// Request is how long the answer to a request may take: 1h.
	Request time.Duration
	// Grace is how long a call may go on after its ctx has ended: 1.2s. The
	// contract asks for one.
	Grace time.Duration
	// Disconnect is how long Disconnect may take: 1s, and half a Grace.
	Disconnect time.Duration
	// Retry is the time before the first new attempt after a failure, 1s; it
	// doubles up to RetryMax, 5m.
	Retry    time.Duration
	RetryMax time.Duration
	// Place is how long a connector that starts or refreshes counts towards
	// Parallel: 1s.
	Place time.Duration
}

func (s *Settings) complete() error {
	if s.Node == "" || s.Instance == "" || s.Bus == nil {
		return errors.New("host: Node, Instance and Bus are needed")
	}
	if s.Connect == nil {
		s.Connect = func(connector string, to *connectors.Settings) {
			c := client.New(s.Bus, connector)
			to.Publisher, to.Asker, to.Follower, to.Positions = c, c, c, c
		}
	}
	if s.Offer == nil {
		s.Offer = offerOn(s.Bus, s.Version)
	}
	s.defaults()
	return nil
}

func (s *Settings) defaults() {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.Parallel = cmp.Or(s.Parallel, 64)
	t := &s.Timing
	t.Start = cmp.Or(t.Start, time.Minute)
	t.Refresh = cmp.Or(t.Refresh, time.Hour)
	t.Request = cmp.Or(t.Request, time.Hour)
	t.EngagePause = cmp.Or(t.EngagePause, time.Second)
	t.Grace = cmp.Or(t.Grace, 1200*time.Millisecond)
	t.Disconnect = cmp.Or(t.Disconnect, time.Second)
	t.Retry = cmp.Or(t.Retry, time.Second)
	t.RetryMax = cmp.Or(t.RetryMax, 5*time.Minute)
	t.Place = cmp.Or(t.Place, time.Second)
}
