// Package runtimetest runs Camena inside a test: a whole node, or only a NATS
// server in a temporary folder and connections to it.
package runtimetest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/node"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/topics"
)

// Logger returns a logger that is silent unless CAMENA_TEST_LOG is set.
func Logger() *slog.Logger {
	if os.Getenv("CAMENA_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// NodeName is the name of the node that [NewNode] starts.
const NodeName = "node-1"

// NewNode starts a node with all roles and a NATS server of its own, which offers
// connectors of the given factories, and waits until it is ready. It ends with
// the test.
func NewNode(tb testing.TB, factories ...connectors.Factory) *node.Node {
	tb.Helper()
	set, err := connectors.NewSet(factories...)
	if err != nil {
		tb.Fatal(err)
	}
	n, err := node.New(node.Settings{
		Name: NodeName, Roles: []string{node.RoleRepository, node.RoleCoordinator, node.RoleHost}, Connectors: set,
		Server: embedded.Settings{Dir: tb.TempDir(), Port: -1}, Logger: Logger(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	Run(tb, n.Serve)
	select {
	case <-n.Ready():
	case <-time.After(20 * time.Second):
		tb.Fatal("the node is not ready within 20 s")
	}
	return n
}

// NewServer starts a NATS server that ends with the test.
func NewServer(tb testing.TB) *embedded.Server {
	tb.Helper()
	server, _ := NewServerIn(tb, tb.TempDir())
	return server
}

// NewServerIn starts a NATS server on a folder. Another one that is started there
// after it was stopped has the same address.
func NewServerIn(tb testing.TB, dir string) (server *embedded.Server, stop func()) {
	tb.Helper()
	server, err := embedded.New(embedded.Settings{Dir: dir, Port: -1, Logger: Logger()})
	if err != nil {
		tb.Fatal(err)
	}
	return server, Run(tb, server.Serve)
}

// NewBus connects to a server and ensures all streams and buckets.
func NewBus(tb testing.TB, server *embedded.Server) *bus.Bus {
	tb.Helper()
	return Dial(tb, bus.Settings{InProcess: server, Name: tb.Name()})
}

// Dial connects as the settings say and ensures all streams and buckets.
func Dial(tb testing.TB, s bus.Settings) *bus.Bus {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	s.Logger = cmp.Or(s.Logger, Logger())
	b, err := bus.Connect(ctx, s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Ensure(ctx, topics.DefaultLimits()); err != nil {
		tb.Fatal(err)
	}
	return b
}

// NewRepository starts a repository on a bus, and waits until it answers.
func NewRepository(tb testing.TB, b *bus.Bus) (repo *repository.Repository, stop func()) {
	tb.Helper()
	repo, err := repository.New(repository.Settings{Node: NodeName, Bus: b, Logger: Logger()})
	if err != nil {
		tb.Fatal(err)
	}
	stop = Run(tb, repo.Serve)
	Eventually(tb, "a repository that answers", func() bool {
		_, err := events.Ask(tb.Context(), client.New(b, ""), &events.Count{})
		return err == nil
	})
	return repo, stop
}

// Apply sends commands and returns their outcomes.
func Apply(tb testing.TB, c *client.Client, commands ...events.Command) []events.Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	var sent []events.Event
	for _, command := range commands {
		e, err := events.NewCommand("/test", command)
		if err != nil {
			tb.Fatal(err)
		}
		sent = append(sent, e)
	}
	results := make([]events.Result, len(sent))
	if err := c.RequestAll(ctx, slices.Values(sent), func(n int, r events.Result) { results[n] = r }); err != nil {
		tb.Fatal(err)
	}
	return results
}

// Run runs a service until the test ends, and waits for it.
func Run(tb testing.TB, serve func(context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			tb.Errorf("service: %v", err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// Eventually waits until condition holds.
func Eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("in vain waited for: %s", what)
		}
	}
}

// VerifyTestMain runs tests and fails if they leave a goroutine behind. It passes over
// one that nats.go v1.55 leaves, rarely, where a connection closes just when the first
// message is published asynchronously.
func VerifyTestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}
