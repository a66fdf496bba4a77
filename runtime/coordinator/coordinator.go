package coordinator

import (
	"context"
	"errors"
	"log/slog"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// Settings of a [Coordinator].
type Settings struct {
	// Node is the name of this node.
	Node string
	// Instance is unique to this process.
	Instance string
	Bus      *bus.Bus
	Logger   *slog.Logger
	_        struct{}
}

// Coordinator assigns connectors to nodes while it holds the lease.
type Coordinator struct {
	set Settings
}

// New returns a coordinator. It does nothing before Serve.
func New(s Settings) (*Coordinator, error) {
	if s.Node == "" || s.Instance == "" || s.Bus == nil {
		return nil, errors.New("coordinator: Node, Instance and Bus are needed")
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return &Coordinator{set: s}, nil
}

// Serve waits for the lease and coordinates while it holds it, repeatedly, until
// ctx is done. It releases the lease before it returns.
func (c *Coordinator) Serve(ctx context.Context) error {
	lease, err := c.set.Bus.NewLease(ctx, topics.CoordinatorLease, c.set.Node, c.set.Instance)
	if err == nil {
		err = lease.Hold(ctx, c.coordinate)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // being told to stop is the normal end
	}
	return err
}

// coordinate is one term. It starts with an empty state and reads all from the
// bus.
func (c *Coordinator) coordinate(ctx context.Context) error {
	t, err := newTerm(ctx, &c.set)
	if err != nil {
		return err
	}
	return t.Serve(ctx)
}
