package cli

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
		Long: `Exit with 0 when NATS and a repository answer, NATS stores what nodes write each second, and commands are applied;
else with 1 and what is wrong: nobody answers, a repository is still reading the metadata, nothing can be written, as when
a disk is full, or commands wait and none has been applied for 10 seconds.
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
	if err := awaitWriter(ctx, m); err != nil {
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

// awaitWriter waits a moment for a node to say that it applies commands: after a
// start, or when another node has died, that takes a while.
func awaitWriter(ctx context.Context, m *bus.Metadata) error {
	for {
		w, err := m.Writing(ctx)
		if err == nil {
			return standsStill(&w)
		}
		if pause(ctx, topics.Heartbeat/10) != nil {
			return fmt.Errorf("unhealthy: a repository answers, but none says that it applies commands: %w", err)
		}
	}
}

// tooStill is after how long without applying a command that waits a writer
// counts as one that stands still: it is longer than anything takes that it does.
const tooStill = 10 * time.Second

func standsStill(w *events.Writing) error {
	still := time.Duration(w.Still)
	if still < tooStill {
		return nil
	}
	return fmt.Errorf("unhealthy: %d commands wait, and %s, which has to apply them, has not got on for %s: its log may tell why; "+
		"when it has ended, another one takes over", w.Waiting, w.Node, still.Round(time.Second))
}

func nothingWritten(silence time.Duration) error {
	since := "nothing was ever written by a node"
	if silence < bus.Never {
		since = fmt.Sprintf("the last heartbeat of a node was stored %s ago", silence.Round(time.Second))
	}
	return errors.New("unhealthy: a repository answers, but " + since +
		": NATS stores nothing more (has it space left? its log tells), or no node reaches it")
}
