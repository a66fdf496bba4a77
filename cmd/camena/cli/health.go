package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/client"
)

func (p *program) healthCommand() *cobra.Command {
	const patience = 4 * time.Second
	return p.shows(patience, &cobra.Command{
		Use:   "health",
		Short: "Exit with 0 when NATS stores what is sent and a repository answers",
		Long: `Exit with 0 when NATS and a repository answer, NATS stores the heartbeats of nodes, and commands are applied.
Otherwise exit with 1 and the reason: nobody answers, a repository is still loading the metadata, nothing can be stored
(for example because a disk is full), or commands wait and none was applied for 10 seconds.
Use it as the health check of containers.`,
		Example: "  camena health && echo fine",
	}, &output{}, func(ctx context.Context, c *client.Client, _ []string) (*view, error) {
		h, err := c.Health(ctx)
		v := &view{document: &h}
		v.addLine("healthy: %d elements at sequence %d", h.Elements, h.Sequence)
		return v, err
	})
}
