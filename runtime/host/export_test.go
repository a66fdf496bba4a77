package host

import (
	"log/slog"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Core is the engine, for tests with a reporter and a time of their own.
type Core struct{ engine *engine }

func NewCore(s Settings, out reporter) *Core {
	s.defaults()
	return &Core{engine: newEngine(s, s.Instance, out)}
}

func (c *Core) Assigned(id string, a *events.Assignment) { c.engine.assigned(id, a) }
func (c *Core) Due(cycle *events.Cycle, due time.Time)   { c.engine.due(cycle, due) }
func (c *Core) Stop(fenced bool)                         { c.engine.stop(fenced) }
func (c *Core) Count() int                               { return c.engine.count() }

// StatusQueue is the reporter on the bus.
type StatusQueue = statusQueue

func NewStatusQueue(b *bus.Bus, node string, r reports) *StatusQueue {
	return newStatusQueue(b, slog.New(slog.DiscardHandler), node, r)
}
