package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
)

// parallel is how many actions are performed at a time.
const parallel = 64

// perform takes all steps, also if some fail, and returns the first error.
func (t *term) perform(ctx context.Context, actions []Action) error {
	if len(actions) == 0 {
		return nil
	}
	began := time.Now()
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range actions {
		group.Go(func() error {
			if err := t.act(ctx, &actions[i]); err != nil {
				return fmt.Errorf("%s %s: %w", actions[i].Op, actions[i].Connector, err)
			}
			return nil
		})
	}
	err := group.Wait()
	t.log.DebugContext(ctx, "coordinated", slog.Int("actions", len(actions)), slog.Duration("took", time.Since(began)))
	return err
}

func (t *term) act(ctx context.Context, a *Action) error {
	// Forget disarms once more: the host may have armed a schedule after Remove.
	if a.Op == Retire || a.Op == Remove || a.Op == Forget {
		if err := t.bus.Disarm(ctx, t.bus.Topics().SchedulesOf(a.Connector)); err != nil {
			return err
		}
	}
	switch a.Op {
	case Remove:
		return t.assignments.remove(ctx, a.Connector)
	case Forget:
		return t.reports.remove(ctx, a.Connector)
	case Explain:
		return t.explain(ctx, a)
	default:
		return t.assignments.write(ctx, a.Connector, &a.Assignment)
	}
}

func (t *term) explain(ctx context.Context, a *Action) error {
	if err := t.reports.write(ctx, a.Connector, &a.Report); err != nil {
		return err
	}
	e, err := events.New(source, events.TypeConnectorStatus, &a.Report)
	if err != nil {
		return err
	}
	e.Subject = a.Connector
	_, err = t.bus.Publish(ctx, t.bus.Topics().Status(a.Connector), &e)
	return err
}

// source is the CloudEvents source of what the coordinator publishes.
const source = "/coordinator"
