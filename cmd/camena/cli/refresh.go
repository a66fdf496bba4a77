package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// refreshing is a refresh that a user asks for.
type refreshing struct {
	p       *program
	timeout time.Duration
	output  output
}

func (p *program) connectorsRefreshCommand() *cobra.Command {
	r := &refreshing{p: p}
	cmd := &cobra.Command{
		Use: "refresh NAME", Short: "Refresh a connector now, and wait for the outcome",
		Long: `Refresh a connector now, and wait for the outcome: what was created, updated and deleted, or the error.
While a refresh is running, another one is run after it; one that waits already counts for this request.`,
		Example: "  camena connectors refresh quickstart\n  camena connectors refresh quickstart --timeout 1h",
		Args:    one("the connector", "camena connectors list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error { return r.run(ctx, b, args[0]) })
		},
	}
	cmd.Flags().DurationVar(&r.timeout, "timeout", 10*time.Minute, "how long to wait for the outcome")
	r.output.flag(cmd)
	checkFirst(cmd, func(*cobra.Command) error { return positive("timeout", r.timeout) })
	return cmd
}

func (r *refreshing) run(ctx context.Context, b *bus.Bus, name string) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	v, err := placed(ctx, b, name)
	if err != nil {
		return err
	}
	report, err := request(ctx, b, v)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no outcome within %s; \"camena connectors get %s\" shows what the connector does", r.timeout, name)
	}
	if err != nil {
		return err
	}
	return r.tell(report)
}

// placed returns the connector when a node runs it, which takes a moment after
// it was registered or its node was lost.
func placed(ctx context.Context, b *bus.Bus, name string) (*connectorView, error) {
	giveUp := time.Now().Add(placing)
	for {
		v, err := findConnector(ctx, b, name)
		if err != nil {
			return nil, err
		}
		runs := v.Definition != nil && v.Node != "" && v.State != stateNodeDown && v.State != stateStarting
		if runs || time.Now().After(giveUp) {
			if !runs {
				err = fmt.Errorf("%s runs nowhere now%s", name, because(v))
			}
			return v, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// placing is how long a connector may take to be given to a node, or to another
// one when its node is lost.
const placing = 15 * time.Second

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func because(v *connectorView) string {
	if v.Report != nil && v.Report.Error != "" {
		return ": " + v.Report.Error
	}
	return ": " + v.State
}

var errOutcome = errors.New("the outcome is there")

// request publishes a due cycle to the connector's node, and waits for the
// outcome of that very run.
func request(ctx context.Context, b *bus.Bus, v *connectorView) (report events.CycleReport, err error) {
	run, err := uuid.NewV7()
	if err != nil {
		return report, err
	}
	cycle := events.Cycle{
		Connector: v.Definition.ID, Kind: events.CycleRefresh, Run: run.String(), Due: time.Now().UTC(),
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	following := bus.Following{
		Stream: b.Topics().OpsStream(), Subjects: []string{b.Topics().CycleOutcome(cycle.Connector)}, Start: bus.FromNow,
		Ready: func() {
			if err := publish(ctx, b, v.Node, &cycle); err != nil {
				cancel(err)
			}
		},
	}
	watching.Go(func() { cancel(awaitMove(ctx, b, v)) })
	err = b.Follow(ctx, following, func(m *bus.Message) error {
		outcome, err := m.Event()
		if err != nil {
			return err
		}
		report, err = events.Unmarshal[events.CycleReport](outcome.Data)
		if err == nil && report.Run == cycle.Run {
			return errOutcome
		}
		return err
	})
	if errors.Is(err, errOutcome) {
		return report, nil
	}
	return report, err
}

func publish(ctx context.Context, b *bus.Bus, node string, cycle *events.Cycle) error {
	e, err := events.New("/"+source, events.TypeCycleDue, cycle)
	if err != nil {
		return err
	}
	m, err := bus.NewMessage(b.Topics().Due(node, cycle.Connector), &e)
	if err != nil {
		return err
	}
	m.Header.Set(jetstream.MsgTTLHeader, "1m")
	_, err = b.PublishMessage(ctx, m)
	return err
}

// awaitMove returns when the connector is no longer assigned as it was: the
// outcome of what was asked for then will never come.
func awaitMove(ctx context.Context, b *bus.Bus, v *connectorView) error {
	assignments, err := bus.OpenBucket[events.Assignment](ctx, b, b.Topics().AssignmentsBucket())
	if err != nil {
		return err
	}
	for {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		entry, err := assignments.Get(ctx, v.Definition.ID)
		if errors.Is(err, bus.ErrMissing) || err == nil && (entry.Value == nil || entry.Value.Generation != v.Generation) {
			return fmt.Errorf("%s was moved or changed while it refreshed; ask again", v.Name)
		}
	}
}

func (r *refreshing) tell(report events.CycleReport) error {
	if r.output.json() {
		if err := r.output.print(r.p.stdout, report); err != nil {
			return err
		}
	}
	switch {
	case report.Outcome == events.OutcomeCoalesced:
		if !r.output.json() {
			fmt.Fprintf(r.p.stdout, "%s: a refresh was asked for already, and counts for this one\n", report.Name)
		}
		return nil
	case report.Outcome != events.OutcomeCompleted:
		return fmt.Errorf("the refresh of %s %s: %s", report.Name, report.Outcome, orDash(report.Error))
	case r.output.json():
		return nil
	}
	_, err := fmt.Fprintf(r.p.stdout, "%s refreshed in %s: %d created, %d updated, %d deleted\n", report.Name,
		report.End.Sub(report.Start).Round(time.Millisecond), report.Created, report.Updated, report.Deleted)
	return err
}
