package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/thejerf/suture/v4"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/coordinator"
	"github.com/camena-io/camena/runtime/gateway"
	"github.com/camena-io/camena/runtime/gateway/i2"
	"github.com/camena-io/camena/runtime/gateway/native"
	"github.com/camena-io/camena/runtime/host"
	"github.com/camena-io/camena/runtime/repository"
)

const (
	// quickRestarts of a service follow its failures at once; after them it waits
	// for restartPause.
	quickRestarts = 2
	restartPause  = 3 * time.Second
)

// service is what a supervisor runs: it is built anew for each start.
type service struct {
	name  string
	build func() (suture.Service, error)
	// fail ends the node.
	fail func(error)
	// once is set for what cannot be started again: its failure ends the node.
	once bool
}

func (s *service) String() string { return s.name }

// Serve implements [suture.Service].
func (s *service) Serve(ctx context.Context) error {
	built, err := s.build()
	if err == nil {
		err = built.Serve(ctx)
	}
	if errors.Is(err, bus.ErrSuperseded) {
		err = fmt.Errorf("%w: %w", ErrNameTaken, err)
	}
	if ctx.Err() == nil && (s.once || errors.Is(err, ErrNameTaken)) {
		s.fail(err)
		return suture.ErrDoNotRestart
	}
	return err
}

// supervise runs a service, which outlives ctx until it is stopped. A service
// that does not stop in time is left behind.
func (n *Node) supervise(ctx context.Context, s *service, timeout time.Duration) (stop func()) {
	supervisor := suture.New(s.name, suture.Spec{
		EventHook: n.report, FailureThreshold: quickRestarts, FailureBackoff: restartPause, Timeout: timeout,
	})
	supervisor.Add(s)
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := supervisor.ServeBackground(serving)
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			n.log.DebugContext(ctx, "supervision", slog.Any("error", err))
		}
	}
}

// report logs what happens to a supervised service.
func (n *Node) report(e suture.Event) {
	switch e := e.(type) {
	case suture.EventServiceTerminate:
		n.log.Error("a service failed; it is started again", slog.String("service", e.ServiceName), slog.Any("error", e.Err))
	case suture.EventServicePanic:
		n.log.Error("a service panicked; it is started again",
			slog.String("service", e.ServiceName), slog.String("panic", e.PanicMsg), slog.String("stack", e.Stacktrace))
	case suture.EventStopTimeout:
		n.log.Warn("a service does not stop in time; it is left behind", slog.String("service", e.ServiceName))
	default:
		n.log.Debug("supervision", slog.String("event", e.String()))
	}
}

// presenceName names the service that shows a node without the role host.
const presenceName = "presence"

// services returns the names of what the node runs, in order.
func (n *Node) services() []string {
	var names []string
	for _, role := range Roles() {
		if n.has(role) {
			names = append(names, role)
		}
	}
	if !n.has(RoleHost) {
		names = append(names, presenceName)
	}
	return names
}

// stopTimeout is how long stopping waits for a service: a connector that hangs
// takes the host some seconds, the others stop at once.
func stopTimeout(name string) time.Duration {
	if name == RoleHost {
		return 3500 * time.Millisecond
	}
	return 500 * time.Millisecond
}

// builder returns what makes a service for its first start and after every failure.
func (n *Node) builder(name string) func() (suture.Service, error) {
	return func() (suture.Service, error) {
		instance, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		return n.build(name, instance.String(), n.log.With(slog.String("role", name)))
	}
}

func (n *Node) build(name, instance string, log *slog.Logger) (suture.Service, error) {
	s := &n.set
	switch name {
	case RoleRepository:
		return repository.New(repository.Settings{
			Node: s.Name, Instance: instance, Bus: n.bus, Version: s.Version,
			Ready:     func() { n.once.Do(func() { close(n.loaded) }) },
			Retention: s.Retention, PublishZones: s.PublishZones, DefaultZones: s.DefaultZones, Logger: log,
		})
	case RoleCoordinator:
		return coordinator.New(coordinator.Settings{Node: s.Name, Instance: instance, Bus: n.bus, Logger: log})
	case RoleHost:
		return host.New(host.Settings{
			Node: s.Name, Instance: instance, Roles: s.Roles, Version: s.Version, Bus: n.bus, Connectors: s.Connectors, Logger: log,
		})
	case RoleGateway:
		asker := client.New(n.bus, "gateway")
		return gateway.New(context.Background(), gateway.Settings{
			Listen: s.HTTPListen, Faces: []gateway.Face{native.New(asker), i2.New(asker)}, Logger: log,
		})
	default:
		return presence{n, instance, time.Now().UTC()}, nil
	}
}

func (n *Node) buildServer() (suture.Service, error) { return n.server, nil }
