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

func (p *program) connectorsRefreshCommand() *cobra.Command {
	var timeout time.Duration
	var o output
	cmd := &cobra.Command{
		Use: "refresh NAME", Short: "Refresh a connector now, and wait for the outcome",
		Long: `Refresh a connector now, and wait for the outcome: what was created, updated and deleted, or the error.
If a refresh is running, this one runs after it. If one is waiting already, it counts for this one.`,
		Example: "  camena connectors refresh quickstart\n  camena connectors refresh quickstart --timeout 1h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return fmt.Errorf("--timeout %s: give a time longer than 0", timeout)
			}
			return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
				report, err := refresh(ctx, client.New(b, source), args[0], timeout)
				if err != nil {
					return err
				}
				return p.printCycle(&o, &report)
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait for the outcome")
	o.flag(cmd)
	return cmd
}

func refresh(ctx context.Context, c *client.Client, name string, timeout time.Duration) (events.CycleReport, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	report, err := c.Refresh(ctx, name)
	if errors.Is(err, context.DeadlineExceeded) {
		return report, fmt.Errorf("no outcome within %s; \"camena connectors get %s\" shows what the connector does", timeout, name)
	}
	return report, unknownConnector(ctx, c, name, err)
}

func (p *program) printCycle(o *output, r *events.CycleReport) error {
	if o.json() {
		if err := o.print(p.stdout, r); err != nil {
			return err
		}
	}
	var outcome string
	switch r.Outcome {
	case events.OutcomeCoalesced:
		outcome = ": a refresh was asked for already, and counts for this one"
	case events.OutcomeCompleted:
		outcome = fmt.Sprintf(" refreshed in %s: %d created, %d updated, %d deleted",
			r.End.Sub(r.Start).Round(time.Millisecond), r.Created, r.Updated, r.Deleted)
	default:
		return fmt.Errorf("the refresh of %s %s: %s", r.Name, r.Outcome, orDash(r.Error))
	}
	if o.json() {
		return nil
	}
	_, err := fmt.Fprintln(p.stdout, r.Name+outcome)
	return err
}
