package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
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
A refresh that is running already takes the request along.`,
		Example: "  camena connectors refresh quickstart\n  camena connectors refresh quickstart --timeout 1h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error { return r.run(ctx, b, args[0]) })
		},
	}
	cmd.Flags().DurationVar(&r.timeout, "timeout", 10*time.Minute, "how long to wait for the outcome")
	r.output.flag(cmd)
	return cmd
}

func (r *refreshing) run(ctx context.Context, b *bus.Bus, name string) error {
	v, err := r.p.connector(ctx, b, name)
	if err != nil {
		return err
	}
	switch {
	case v.Definition == nil || v.Node == "":
		return fmt.Errorf("%s runs nowhere now%s", name, because(v))
	case v.State == stateNodeDown:
		return fmt.Errorf("the node %s, which runs %s, is down; another one takes over in a few seconds", v.Node, name)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	report, err := request(ctx, b, v)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no outcome within %s; \"camena connectors get %s\" shows what the connector does", r.timeout, name)
	}
	if err != nil {
		return err
	}
	return r.tell(report)
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
		Connector: v.Definition.ID, Kind: events.CycleRefresh, Generation: v.Generation, Run: run.String(), Due: time.Now().UTC(),
	}
	e, err := events.New("/"+source, events.TypeCycleDue, cycle)
	if err != nil {
		return report, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	following := bus.Following{
		Stream: b.Topics().OpsStream(), Subjects: []string{b.Topics().CycleOutcome(cycle.Connector)}, Start: bus.FromNow,
		Ready: func() {
			if _, err := b.Publish(ctx, b.Topics().Due(v.Node, cycle.Connector), &e); err != nil {
				cancel(err)
			}
		},
	}
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

func (r *refreshing) tell(report events.CycleReport) error {
	if r.output.json() {
		if err := printJSON(r.p.stdout, report); err != nil {
			return err
		}
	}
	switch {
	case report.Outcome == events.OutcomeCoalesced:
		if !r.output.json() {
			fmt.Fprintf(r.p.stdout, "%s: a refresh was running already, and counts for this one\n", report.Name)
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
