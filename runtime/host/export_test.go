package host

import (
	"log/slog"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Core is the engine, for tests with an outlet and a time of their own.
type Core struct{ engine *engine }

func NewCore(s Settings, out outlet) *Core {
	s.defaults()
	return &Core{engine: newEngine(s, s.Instance, out)}
}

func (c *Core) Assigned(id string, a *events.Assignment) { c.engine.assigned(id, a) }
func (c *Core) Due(cycle *events.Cycle, due time.Time)   { c.engine.due(cycle, due) }
func (c *Core) Stop(fenced bool)                         { c.engine.stop(fenced) }
func (c *Core) Count() int                               { return c.engine.count() }
func (t *Timing) BackoffAfter(failed int) time.Duration  { return t.backoff(failed) }

// Outbox is the outlet on the bus.
type Outbox = outbox

func NewOutbox(b *bus.Bus, node string, r reports) *Outbox {
	return newOutbox(b, slog.New(slog.DiscardHandler), node, r)
}
