// Package node runs one node of an installation: the roles that its settings
// name, over an embedded NATS server or an external one.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/topics"
)

// The roles of a node.
const (
	RoleRepository  = "repository"
	RoleCoordinator = "coordinator"
	RoleHost        = "host"
	RoleGateway     = "gateway"
)

// Roles returns all roles in the order in which they start; they stop in reverse.
func Roles() []string { return []string{RoleRepository, RoleCoordinator, RoleHost, RoleGateway} }

// Settings of a [Node].
type Settings struct {
	// Name is unique in the installation and stays the same over restarts.
	Name string
	// Roles are what the node does; none means all.
	Roles   []string
	Version string
	// Connectors are those that the host can run.
	Connectors connectors.Set
	// Bus says how to reach NATS. Without a URL the node starts a server of its
	// own, which Server describes.
	Bus    bus.Settings
	Server embedded.Settings
	// HTTPListen is the address of the gateway; empty is [gateway.DefaultListen].
	HTTPListen string
	// Limits of the streams; zero means [topics.DefaultLimits].
	Limits topics.Limits
	// Retention, PublishZones and DefaultZones are those of the repository.
	Retention                  time.Duration
	PublishZones, DefaultZones []string
	Logger                     *slog.Logger
	_                          struct{}
}

// ErrNameTaken is returned by [Node.Serve] when another node runs under the same name.
var ErrNameTaken = errors.New("another node runs under this name")

// Node runs its roles while Serve runs.
type Node struct {
	set    Settings
	log    *slog.Logger
	server *embedded.Server
	bus    *bus.Bus
	ready  chan struct{}
	loaded chan struct{} // closed when the repository answers questions
	once   sync.Once
}

// New checks the settings; Serve starts the node.
func New(s Settings) (*Node, error) {
	if s.Name == "" {
		return nil, errors.New("node: a name is needed")
	}
	if len(s.Roles) == 0 {
		s.Roles = Roles()
	}
	for _, role := range s.Roles {
		if !slices.Contains(Roles(), role) {
			return nil, fmt.Errorf("node: there is no role %q", role)
		}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Limits == (topics.Limits{}) {
		s.Limits = topics.DefaultLimits()
	}
	return &Node{set: s, log: s.Logger, ready: make(chan struct{}), loaded: make(chan struct{})}, nil
}

// Ready returns a channel that is closed when all roles run and, if the node
// has the role repository, it answers questions.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Bus returns the node's connection to NATS. It may be used once the node is
// ready, until Serve returns.
func (n *Node) Bus() *bus.Bus { return n.bus }

// URL returns where NATS is, without credentials, once the node is ready.
func (n *Node) URL() string {
	if n.server != nil {
		return n.server.URL()
	}
	return n.bus.Conn().ConnectedUrlRedacted()
}

// Serve runs the node until ctx is done, and then stops everything in reverse
// order. A role that fails is built anew; Serve returns only an error that a
// restart would not mend.
func (n *Node) Serve(ctx context.Context) error {
	serving, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	err := n.serve(serving, fail)
	if ctx.Err() != nil {
		n.log.InfoContext(ctx, "stopped")
		return nil
	}
	return err
}

// serve starts one thing after the other; what is deferred stops them in reverse.
func (n *Node) serve(ctx context.Context, fail func(error)) error {
	if n.set.Bus.URL == "" {
		if err := n.startServer(); err != nil { //nolint:contextcheck // it waits a moment only
			return err
		}
		defer n.supervise(ctx, &service{name: "embedded NATS", build: n.buildServer, fail: fail, once: true}, time.Second)()
	}
	if err := n.connect(ctx, "camena node "+n.set.Name, true); err != nil {
		return err
	}
	defer n.bus.Close()
	if err := n.checkName(ctx); err != nil {
		return err
	}
	for _, name := range n.services() {
		defer n.supervise(ctx, &service{name: name, build: n.builder(name), fail: fail}, stopTimeout(name))() //nolint:gocritic,contextcheck // all stop when the node does; a service has a context of its own
	}
	if err := n.awaitLoaded(ctx); err != nil {
		return err
	}
	close(n.ready)
	<-ctx.Done()
	n.log.InfoContext(ctx, "stopping")
	return context.Cause(ctx)
}

// Maintain runs work while no node runs: over a connection to the installation, or
// a server of its own on the data folder.
func Maintain(ctx context.Context, s Settings, work func(*bus.Bus) error) (err error) {
	n, err := New(s)
	if err != nil {
		return err
	}
	if s.Bus.URL == "" {
		n.set.Server.Port = -1                  // nobody else has to find it
		if err := n.startServer(); err != nil { //nolint:contextcheck // it waits a moment only
			return err
		}
		serving, stop := context.WithCancel(context.WithoutCancel(ctx))
		var group errgroup.Group
		group.Go(func() error { return n.server.Serve(serving) })
		defer func() {
			stop()
			err = errors.Join(err, group.Wait())
		}()
	}
	if err := n.connect(ctx, "camena maintenance", false); err != nil {
		return err
	}
	defer n.bus.Close()
	return work(n.bus)
}

func (n *Node) startServer() (err error) {
	s := n.set.Server
	s.Logger = n.log
	if ip := net.ParseIP(s.Host); s.Host != "" && s.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		n.log.Warn("the embedded NATS server asks for no credentials, and listens beyond loopback", slog.String("address", s.Host))
	}
	n.server, err = embedded.New(s)
	return err
}

func (n *Node) connect(ctx context.Context, name string, wait bool) (err error) {
	s := n.set.Bus
	s.Name, s.Wait, s.Logger = name, wait, n.log
	if n.server != nil {
		s.InProcess = n.server
	}
	if n.bus, err = bus.Connect(ctx, s); err != nil {
		return err
	}
	if err := n.bus.Ensure(ctx, n.set.Limits); err != nil {
		n.bus.Close()
		return err
	}
	return nil
}

func (n *Node) has(role string) bool { return slices.Contains(n.set.Roles, role) }

// awaitLoaded waits until the node can answer what its roles are asked.
func (n *Node) awaitLoaded(ctx context.Context) error {
	if !n.has(RoleRepository) {
		return nil
	}
	select {
	case <-n.loaded:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
