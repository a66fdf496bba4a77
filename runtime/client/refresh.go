package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// placingPatience is how long a connector may take to be given to a node, or to
// another one when its node is lost.
const placingPatience = 15 * time.Second

// Refresh refreshes a connector now, and returns the outcome of that very run.
// While another refresh is running it runs after that one; if one is waiting
// already, the outcome is [events.OutcomeCoalesced].
func (c *Client) Refresh(ctx context.Context, name string) (events.CycleReport, error) {
	v, err := c.placed(ctx, name)
	if err != nil {
		return events.CycleReport{}, err
	}
	return c.requestCycle(ctx, &v)
}

// placed returns the connector when a node runs it, which takes a moment after
// it was registered or its node was lost.
func (c *Client) placed(ctx context.Context, name string) (Connector, error) {
	for end := time.Now().Add(placingPatience); ; {
		v, err := c.Connector(ctx, name)
		if err != nil {
			return v, err
		}
		switch {
		case v.Definition != nil && v.Node != "" && v.State != StateNodeDown && v.State != StateStarting:
			return v, nil
		case time.Now().After(end):
			why := v.State
			if v.Report != nil && v.Report.Error != "" {
				why = v.Report.Error
			}
			return v, events.Errorf(events.CodeUnavailable, "", "%s runs on no node now: %s", name, why)
		}
		if err := bus.Sleep(ctx, 100*time.Millisecond); err != nil {
			return v, err
		}
	}
}

// requestCycle publishes a due cycle to the connector's node and waits for its
// outcome.
func (c *Client) requestCycle(ctx context.Context, v *Connector) (report events.CycleReport, err error) {
	run, err := uuid.NewV7()
	if err != nil {
		return report, err
	}
	cycle := events.Cycle{Connector: v.Definition.ID, Kind: events.CycleRefresh, Run: run.String(), Due: time.Now().UTC()}
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	following := bus.FollowOptions{
		Stream: c.bus.Topics().OpsStream(), Subjects: []string{c.bus.Topics().CycleOutcome(cycle.Connector)}, Start: bus.FromNow,
		Ready: func() {
			if err := PublishCycle(ctx, c.bus, "/"+c.sender, v.Node, &cycle); err != nil {
				cancel(err)
			}
		},
	}
	watching.Go(func() { cancel(c.awaitMove(ctx, v)) })
	err = c.bus.Follow(ctx, following, func(m *bus.Message) error {
		outcome, err := m.Event()
		if err != nil {
			return err
		}
		report, err = events.Unmarshal[events.CycleReport](outcome.Data)
		if err == nil && report.Run == cycle.Run {
			return bus.ErrStop
		}
		return err
	})
	return report, err
}

// PublishCycle sends a cycle to the node that runs its connector. It waits there for
// at most a minute.
func PublishCycle(ctx context.Context, b *bus.Bus, source, node string, cycle *events.Cycle) error {
	e, err := events.New(source, events.TypeCycleDue, cycle)
	if err != nil {
		return err
	}
	return b.PublishFor(ctx, b.Topics().Due(node, cycle.Connector), &e, time.Minute)
}

// awaitMove returns when the connector is no longer assigned as it was: the
// outcome of what was asked for then will never come.
func (c *Client) awaitMove(ctx context.Context, v *Connector) error {
	assignments, err := bus.OpenBucket[events.Assignment](ctx, c.bus, c.bus.Topics().AssignmentsBucket())
	if err != nil {
		return err
	}
	for {
		if err := bus.Sleep(ctx, time.Second); err != nil {
			return err
		}
		entry, err := assignments.Get(ctx, v.Definition.ID)
		if errors.Is(err, bus.ErrMissing) || err == nil && (entry.Value == nil || entry.Value.Generation != v.Generation) {
			return events.Errorf(events.CodeUnavailable, "", "%s was moved or changed while it refreshed; ask again", v.Name)
		}
	}
}
