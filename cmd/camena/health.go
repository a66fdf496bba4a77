package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

func (p *program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Exit with 0 when NATS and a repository answer",
		Long: `Exit with 0 when this node's NATS answers and a repository answers questions, else with 1 and what is wrong.
It serves as the health check of containers.`,
		Example: "  camena health && echo fine",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 4*time.Second)
			defer cancel()
			return p.withMetadata(ctx, func(ctx context.Context, m *bus.Metadata) error {
				count, err := m.Count(ctx, events.Find{})
				if err != nil {
					return err
				}
				elements := 0
				for _, n := range count.Elements {
					elements += n
				}
				_, err = fmt.Fprintf(p.stdout, "healthy: %d elements at sequence %d\n", elements, count.Sequence)
				return err
			})
		},
	}
}
