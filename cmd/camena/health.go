package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

func (p *program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Exit with 0 when NATS stores what is sent and a repository answers",
		Long: `Exit with 0 when NATS and a repository answer, and NATS stores what nodes write each second; else with 1 and what
is wrong: nobody answers, a repository is still reading the metadata, or nothing can be written, as when a disk is full.
It serves as the health check of containers.`,
		Example: "  camena health && echo fine",
		Args:    nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			const patience = 4 * time.Second
			return p.withBus(cmd.Context(), patience, p.checkHealth)
		},
	}
}

func (p *program) checkHealth(ctx context.Context, b *bus.Bus) error {
	m, err := b.Metadata(source)
	if err != nil {
		return err
	}
	count, err := m.Count(ctx, events.Find{})
	if err != nil {
		return plain(err)
	}
	if err := awaitWriting(ctx, b); err != nil {
		return err
	}
	elements := 0
	for _, n := range count.Elements {
		elements += n
	}
	_, err = fmt.Fprintf(p.stdout, "healthy: %d elements at sequence %d\n", elements, count.Sequence)
	return err
}

// awaitWriting waits a moment for a heartbeat that is stored: a node writes one
// each second as soon as it runs.
func awaitWriting(ctx context.Context, b *bus.Bus) error {
	const moment = 2 * topics.Heartbeat
	for began := time.Now(); ; {
		silence, err := b.Silence(ctx)
		switch {
		case err != nil:
			return err
		case silence < topics.LeaseTTL:
			return nil
		case time.Since(began) > moment || pause(ctx, moment/10) != nil:
			return nothingWritten(silence)
		}
	}
}

func nothingWritten(silence time.Duration) error {
	since := "nothing was ever written by a node"
	if silence < bus.Never {
		since = fmt.Sprintf("the last heartbeat of a node was stored %s ago", silence.Round(time.Second))
	}
	return errors.New("unhealthy: a repository answers, but " + since +
		": NATS stores nothing more (has it space left? its log tells), or no node reaches it")
}
