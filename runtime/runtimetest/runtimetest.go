// Package runtimetest runs Camena inside a test: a NATS server in a temporary
// folder, connections to it, and whole nodes.
package runtimetest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/topics"
)

// Logger returns a logger that is silent unless CAMENA_TEST_LOG is set.
func Logger() *slog.Logger {
	if os.Getenv("CAMENA_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// NewServer starts a NATS server that ends with the test.
func NewServer(tb testing.TB) *embedded.Server {
	tb.Helper()
	server, err := embedded.New(embedded.Settings{Dir: tb.TempDir(), Port: -1, Logger: Logger()})
	if err != nil {
		tb.Fatal(err)
	}
	Run(tb, server.Serve)
	return server
}

// NewBus connects to a server and ensures all streams and buckets.
func NewBus(tb testing.TB, server *embedded.Server) *bus.Bus {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	b, err := bus.Connect(ctx, bus.Settings{InProcess: server, Name: tb.Name(), Logger: Logger()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	limits := topics.DefaultLimits()
	if err := b.Ensure(ctx, limits); err != nil {
		tb.Fatal(err)
	}
	return b
}

// Run runs a service until the test ends, and waits for it.
func Run(tb testing.TB, serve func(context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			tb.Errorf("service: %v", err)
		}
	}
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
