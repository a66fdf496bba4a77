package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/coordinator"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/host"
	"github.com/camena-io/camena/runtime/repository"
)

// The roles of a node.
const (
	roleRepository  = "repository"
	roleCoordinator = "coordinator"
	roleHost        = "host"
	roleGateway     = "gateway"
)

// allRoles are in the order in which they start; they stop in reverse.
func allRoles() []string {
	return []string{roleRepository, roleCoordinator, roleHost, roleGateway}
}

func (p *program) serveCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "serve [-f FILE...]",
		Short: "Run a node",
		Long: `Run a node until it is interrupted: by default all roles, on a NATS server of its own that keeps its
streams in ./camena-data and listens on loopback. With CAMENA_NATS_URL it uses that NATS deployment, and as many
nodes as wanted can share it. The first Ctrl-C or SIGTERM stops everything in order, the second at once.

Settings, all from the environment:
` + settingsHelp(),
		Example: `  camena serve
  camena serve -f examples/quickstart.yaml
  CAMENA_NATS_URL=nats://nats-1:4222,nats://nats-2:4222 CAMENA_NODE=node-1 camena serve
  CAMENA_NATS_URL=nats://nats-1:4222 CAMENA_ROLES=host camena serve`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), files) },
	}
	cmd.Flags().StringSliceVarP(&files, "file", "f", nil, "resource file, or folder of such, to apply at start")
	return cmd
}

func (p *program) serve(ctx context.Context, files []string) error {
	log, err := p.logger(slog.LevelInfo)
	if err != nil {
		return err
	}
	resources, err := p.readResources(files)
	if err != nil {
		return err
	}
	interrupted := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	n := &node{config: &p.config, offered: p.offered, log: log, layers: layers{log: log}, fail: fail, loaded: make(chan struct{})}
	defer n.layers.stop()
	n.layers.start(ctx, "memory", time.Second, tuneMemory)
	err = n.start(ctx)
	if err == nil {
		err = n.awaitLoaded(ctx)
	}
	if err == nil {
		err = n.apply(ctx, p, resources)
	}
	if err == nil {
		fmt.Fprintln(p.stdout, n.ready())
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	if interrupted.Err() != nil {
		log.InfoContext(ctx, "stopping")
		return nil
	}
	return err
}

// node is a running node.
type node struct {
	config *config
	// offered are the connectors that its host can run.
	offered connectors.Set
	log     *slog.Logger
	layers  layers
	server  *embedded.Server
	bus     *bus.Bus
	// fail ends the node with an error.
	fail func(error)
	// loaded is closed when the role repository answers questions.
	loaded chan struct{}
	once   sync.Once
}

// awaitLoaded waits until the node can answer what its roles are asked.
func (n *node) awaitLoaded(ctx context.Context) error {
	if !n.has(roleRepository) {
		return nil
	}
	select {
	case <-n.loaded:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *node) start(ctx context.Context) error {
	if err := n.startServer(ctx); err != nil {
		return err
	}
	if err := n.startBus(ctx); err != nil {
		return err
	}
	if err := n.checkName(ctx); err != nil {
		return err
	}
	return n.startRoles(ctx)
}

func (n *node) startServer(ctx context.Context) (err error) {
	if n.config.NatsURL != "" {
		return nil
	}
	if ip := net.ParseIP(n.config.Listen); n.config.Listen != "localhost" && (ip == nil || !ip.IsLoopback()) {
		n.log.WarnContext(ctx, "the embedded NATS server asks nobody for credentials, and listens beyond loopback", slog.String("address", n.config.Listen))
	}
	n.server, err = embedded.New(embedded.Settings{ //nolint:contextcheck // it waits a moment only
		Dir: n.config.Data, Host: n.config.Listen, Port: n.config.NatsPort,
		SyncInterval: n.config.SyncInterval, SyncAlways: n.config.SyncAlways, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.layers.start(ctx, "embedded NATS", time.Second, func(ctx context.Context) {
		if err := n.server.Serve(ctx); err != nil {
			n.log.ErrorContext(ctx, "embedded NATS", slog.Any("error", err))
			n.fail(err)
		}
	})
	return nil
}

func (n *node) startBus(ctx context.Context) (err error) {
	s := bus.Settings{
		URL: n.config.NatsURL, Name: "camena node " + n.config.Node, Domain: n.config.Domain,
		Credentials: n.config.credentials(), Wait: true, Logger: n.log,
	}
	if n.server != nil {
		s.InProcess = n.server
	}
	if n.bus, err = bus.Connect(ctx, s); err != nil {
		return err
	}
	n.layers.start(ctx, "connection to NATS", 500*time.Millisecond, func(ctx context.Context) {
		<-ctx.Done()
		n.bus.Close()
	})
	return n.bus.Ensure(ctx, n.config.limits())
}

func (n *node) startRoles(ctx context.Context) error {
	// A connector that hangs takes the host some seconds, the rest next to none.
	patience := map[string]time.Duration{roleHost: 3500 * time.Millisecond}
	for _, role := range allRoles() {
		if !n.has(role) {
			continue
		}
		if role == roleGateway {
			n.log.WarnContext(ctx, "the role gateway is accepted, but this version has nothing for it to serve")
			continue
		}
		s := &supervision{role: role, log: n.log, fatal: n.fail, build: func() (service, error) { return n.build(role, n.offered) }}
		n.layers.start(ctx, role, max(patience[role], 500*time.Millisecond), s.serve)
	}
	if !n.has(roleHost) {
		s := &supervision{role: "presence", log: n.log, fatal: n.fail, build: func() (service, error) { return newPresence(n), nil }}
		n.layers.start(ctx, s.role, 500*time.Millisecond, s.serve)
	}
	return nil
}

func (n *node) has(role string) bool { return slices.Contains(n.config.Roles, role) }

// build makes a role anew, for its first start and after every failure.
func (n *node) build(role string, offered connectors.Set) (service, error) {
	instance, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	log := n.log.With(slog.String("role", role))
	switch role {
	case roleRepository:
		return repository.New(repository.Settings{
			Node: n.config.Node, Instance: instance.String(), Bus: n.bus, Version: version(),
			Ready:     func() { n.once.Do(func() { close(n.loaded) }) },
			Retention: n.config.Retention, PublishZones: n.config.PublishZones, DefaultZones: n.config.DefaultZones, Logger: log,
		})
	case roleCoordinator:
		return coordinator.New(coordinator.Settings{Node: n.config.Node, Instance: instance.String(), Bus: n.bus, Logger: log})
	case roleHost:
		return host.New(host.Settings{
			Node: n.config.Node, Instance: instance.String(), Roles: n.config.Roles, Version: version(),
			Bus: n.bus, Connectors: offered, Logger: log,
		})
	default:
		return nil, errors.New("unknown role")
	}
}

// apply applies the resource files that were given at start.
func (n *node) apply(ctx context.Context, p *program, resources []wantedResource) error {
	if len(resources) == 0 {
		return nil
	}
	metadata, err := n.bus.Metadata(source)
	if err != nil {
		return err
	}
	late := time.AfterFunc(5*time.Second, func() {
		n.log.WarnContext(ctx, "the resource files are not applied yet: no node with the role repository answers")
	})
	defer late.Stop()
	a := &applying{bus: n.bus, metadata: metadata, actor: p.config.User, out: p.stdout}
	return a.apply(ctx, resources)
}

// ready is the line that says that the node serves.
func (n *node) ready() string {
	where := n.bus.Conn().ConnectedUrlRedacted()
	if n.server != nil {
		where = n.server.URL() + ", its data in " + n.config.Data
	}
	return fmt.Sprintf("ready: node %s (%s), NATS at %s", n.config.Node, strings.Join(n.config.Roles, ", "), where)
}
