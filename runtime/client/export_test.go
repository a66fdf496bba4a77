package client

import (
	"context"
	"iter"
	"time"

	"github.com/camena-io/camena/events"
)

// Exported for tests.
const (
	Never        = never
	StalledAfter = stalledAfter
)

// Exported for tests.
var (
	JoinConnectors = joinConnectors
	Stalled        = stalled
)

// Silence returns the time since a heartbeat was last stored.
func (c *Client) Silence(ctx context.Context) (time.Duration, error) { return c.silence(ctx) }

// RequestAllWithin is RequestAll with another time after which it sends again.
func (c *Client) RequestAllWithin(ctx context.Context, silence time.Duration, commands iter.Seq[events.Event], done func(int, events.Result)) error {
	return c.requestAll(ctx, silence, commands, done)
}
