package client_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// setup returns a bus on a server of its own.
func setup(tb testing.TB) *bus.Bus {
	tb.Helper()
	return runtimetest.NewBus(tb, runtimetest.NewServer(tb))
}

// outage is a server that can go away and come back at the same address.
type outage struct {
	tb   testing.TB
	dir  string
	url  string
	stop func()
}

func newOutage(tb testing.TB) *outage {
	tb.Helper()
	o := &outage{tb: tb, dir: tb.TempDir()}
	o.start()
	return o
}

func (o *outage) start() {
	o.tb.Helper()
	server, stop := runtimetest.NewServerIn(o.tb, o.dir)
	o.url, o.stop = server.URL(), stop
}

// bus connects to the server and declares everything.
func (o *outage) bus() *bus.Bus {
	o.tb.Helper()
	return runtimetest.Dial(o.tb, bus.Settings{URL: o.url})
}

// gathered is a list that grows in one goroutine and is read in another.
type gathered[T any] struct {
	mu   sync.Mutex
	list []T
}

func (g *gathered[T]) add(v T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, v)
}

func (g *gathered[T]) all() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]T(nil), g.list...)
}

func (g *gathered[T]) await(tb testing.TB, n int) []T {
	tb.Helper()
	runtimetest.Eventually(tb, strconv.Itoa(n)+" of them", func() bool { return len(g.all()) >= n })
	return g.all()
}

func note(tb testing.TB, text string) events.Event {
	tb.Helper()
	e, err := events.New("/test", "test.note", text)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func publish(tb testing.TB, b *bus.Bus, subject, text string) uint64 {
	tb.Helper()
	e := note(tb, text)
	sequence, err := b.Publish(tb.Context(), subject, &e)
	if err != nil {
		tb.Fatal(err)
	}
	return sequence
}

// background runs f until the test ends and returns what f returned.
func background(tb testing.TB, f func(context.Context) error) (stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	tb.Cleanup(func() { _ = stop() })
	return stop
}

// within runs f and fails if that takes longer.
func within(tb testing.TB, limit time.Duration, what string, f func()) {
	tb.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > limit {
		tb.Errorf("%s took %s, want at most %s", what, took, limit)
	}
}

func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	runtimetest.Eventually(tb, what, condition)
}
