package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Exit with 0 when NATS stores what is sent and a repository answers",
		Long: `Exit with 0 when NATS and a repository answer, NATS stores the heartbeats of nodes, and commands are applied.
Otherwise exit with 1 and the reason: nobody answers, a repository is still loading the metadata, nothing can be stored
(for example because a disk is full), or commands wait and none was applied for 10 seconds.
Use it as the health check of containers.`,
		Example: "  camena health && echo fine",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			const patience = 4 * time.Second
			return p.withBus(cmd.Context(), patience, p.checkHealth)
		},
	}
}

func (p *program) checkHealth(ctx context.Context, b *bus.Bus) error {
	h, err := client.New(b, source).Health(ctx)
	if err != nil {
		return explain(err)
	}
	_, err = fmt.Fprintf(p.stdout, "healthy: %d elements at sequence %d\n", h.Elements, h.Sequence)
	return err
}
