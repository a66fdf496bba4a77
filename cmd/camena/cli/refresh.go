package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) connectorsRefreshCommand() *cobra.Command {
	var timeout time.Duration
	var o output
	cmd := p.shows(0, &cobra.Command{
		Use: "refresh NAME", Short: "Refresh a connector now, and wait for the outcome",
		Long: `Refresh a connector now, and wait for the outcome: what was created, updated and deleted, or the error.
If a refresh is running, this one runs after it. If one is waiting already, it counts for this one.`,
		Example: "  camena connectors refresh quickstart\n  camena connectors refresh quickstart --timeout 1h",
		PreRunE: func(*cobra.Command, []string) error {
			if timeout <= 0 {
				return fmt.Errorf("--timeout %s: give a time longer than 0", timeout)
			}
			return nil
		},
	}, &o, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		r, err := refresh(ctx, c, args[0], timeout)
		v := &view{document: &r}
		switch {
		case err != nil:
		case r.Outcome == events.OutcomeCoalesced:
			v.addLine("%s: a refresh was asked for already, and counts for this one", r.Name)
		case r.Outcome == events.OutcomeCompleted:
			took := r.End.Sub(r.Start).Round(time.Millisecond)
			v.addLine("%s refreshed in %s: %d created, %d updated, %d deleted", r.Name, took, r.Created, r.Updated, r.Deleted)
		default:
			err = cmp.Or(p.show(&o, v), fmt.Errorf("the refresh of %s %s: %s", r.Name, r.Outcome, orDash(r.Error)))
		}
		return v, err
	})
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait for the outcome")
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
