package coordinator

import (
	"context"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

const (
	// tick is how often the coordinator plans even if nothing happens.
	tick = 10 * time.Second
	// skew is how far the clocks of this node and of the bus may be apart.
	skew = time.Second

	scheduleTick   = "tick"
	scheduleWindow = "window"
)

// clock wakes the coordinator by schedules on the bus.
type clock struct {
	bus   *bus.Bus
	armed time.Time
}

// tick arms the safety tick.
func (c *clock) tick(ctx context.Context) error {
	return c.schedule(ctx, scheduleTick, bus.Every(tick))
}

// arm makes the bus wake the coordinator at the next start or stop date. Just
// before that time it arms again, because the wake-up may have come too early by
// the clock of this node.
func (c *clock) arm(ctx context.Context, s *State) error {
	next, ok := s.nextBoundary()
	if !ok || next.Equal(c.armed) && s.Now.Before(next.Add(-skew)) {
		return nil
	}
	if err := c.schedule(ctx, scheduleWindow, bus.At(next)); err != nil {
		return err
	}
	c.armed = next
	return nil
}

// nextBoundary returns the next start or stop date.
func (s *State) nextBoundary() (next time.Time, found bool) {
	for i := range s.Desired {
		for _, t := range []time.Time{s.Desired[i].Start, s.Desired[i].Stop} {
			if t.After(s.Now) && (!found || t.Before(next)) {
				next, found = t, true
			}
		}
	}
	return next, found
}

func (c *clock) schedule(ctx context.Context, name, pattern string) error {
	due := c.bus.Topics().CoordinatorDue()
	e, err := events.New(source, events.TypeCycleDue, events.Cycle{})
	if err != nil {
		return err
	}
	return c.bus.Arm(ctx, bus.Schedule{
		Subject: c.bus.Topics().CoordinatorSchedule(name), Target: due, Pattern: pattern, TTL: tick,
	}, &e)
}
