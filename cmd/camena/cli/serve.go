package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/manifest"
	"github.com/camena-io/camena/runtime/node"
)

func (p *program) serveCommand() *cobra.Command {
	var files []string
	_, help, err := settings()
	if err != nil {
		help = err.Error()
	}
	cmd := &cobra.Command{
		Use:   "serve [-f FILE...]",
		Short: "Run a node",
		Long: `Run a node until it is interrupted. By default it has all roles and a NATS server of its own, which
keeps its streams in ./camena-data and listens on loopback. With CAMENA_NATS_URL it uses that NATS
deployment, which any number of nodes can share. The first Ctrl-C or SIGTERM stops everything in
order, the second at once.

Settings, all from the environment:
` + help,
		Example: `  camena serve
  camena serve -f examples/quickstart.yaml
  CAMENA_NATS_URL=nats://nats-1:4222,nats://nats-2:4222 CAMENA_NODE=node-1 camena serve
  CAMENA_NATS_URL=nats://nats-1:4222 CAMENA_ROLES=host camena serve`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), files) },
	}
	cmd.Flags().StringSliceVarP(&files, "file", "f", nil, "resource file, or folder of resource files, to apply at start")
	return cmd
}

func (p *program) serve(ctx context.Context, files []string) error {
	log := p.logger(slog.LevelInfo)
	resources, err := p.readResources(files)
	if err != nil {
		return err
	}
	n, err := node.New(p.config.node(p.offered, log))
	if err != nil {
		return err
	}
	node.BoundHeap()
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error { return n.Serve(serving) })
	group.Go(func() error { return p.announce(serving, n, log, resources) })
	err = group.Wait()
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // an interrupt is how a node ends
	case errors.Is(err, node.ErrNameTaken):
		return fmt.Errorf("%w; give this one a name of its own with CAMENA_NODE", err)
	case errors.Is(err, embedded.ErrInUse):
		return fmt.Errorf("%w; stop it, or give this one another folder with CAMENA_DATA", err)
	default:
		return namingSettings(err)
	}
}

// announce applies the resource files that were given at start, and prints the
// ready line.
func (p *program) announce(ctx context.Context, n *node.Node, log *slog.Logger, resources []manifest.Resource) error {
	select {
	case <-n.Ready():
	case <-ctx.Done():
		return nil
	}
	if len(resources) > 0 {
		warning := time.AfterFunc(5*time.Second, func() {
			log.WarnContext(ctx, "the resource files are not applied yet: no node with the role repository answers")
		})
		defer warning.Stop()
		if err := p.applier(client.New(n.Bus(), source)).Apply(ctx, resources); err != nil {
			return err
		}
	}
	where := n.URL()
	if p.config.NatsURL == "" {
		where += ", its data in " + p.config.Data
	}
	_, err := fmt.Fprintf(p.stdout, "ready: node %s (%s), NATS at %s\n", p.config.Node, strings.Join(p.config.Roles, ", "), where)
	return err
}
