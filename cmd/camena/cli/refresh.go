package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
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
If a refresh is running, this one runs after it. If one is waiting already, it counts for this one.`,
		Example: "  camena connectors refresh quickstart\n  camena connectors refresh quickstart --timeout 1h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error { return r.run(ctx, b, args[0]) })
		},
	}
	cmd.Flags().DurationVar(&r.timeout, "timeout", 10*time.Minute, "how long to wait for the outcome")
	r.output.flag(cmd)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if r.timeout <= 0 {
			return fmt.Errorf("--timeout %s: give a time longer than 0", r.timeout)
		}
		return nil
	}
	return cmd
}

func (r *refreshing) run(ctx context.Context, b *bus.Bus, name string) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	c := client.New(b, source)
	report, err := c.Refresh(ctx, name)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no outcome within %s; \"camena connectors get %s\" shows what the connector does", r.timeout, name)
	}
	if err != nil {
		return unknownConnector(ctx, c, name, err)
	}
	return r.tell(report)
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
