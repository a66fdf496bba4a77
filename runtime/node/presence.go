package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// presence is the heartbeat of a node without the role host, which would write
// it otherwise: the node runs no connectors, but is visible.
type presence struct {
	node     *Node
	instance string
	started  time.Time
}

// Serve implements [suture.Service].
func (p presence) Serve(ctx context.Context) error {
	n := p.node
	heartbeat, err := n.bus.NewHeartbeat(ctx, n.set.Name, p.instance, func() events.Node {
		return events.Node{Roles: n.set.Roles, Version: n.set.Version, Started: p.started}
	})
	if err != nil {
		return err
	}
	return heartbeat.Hold(ctx, func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
}

// checkName refuses a name that another living node has. A node that was killed
// leaves its last heartbeat behind: only a heartbeat that is renewed counts.
func (n *Node) checkName(ctx context.Context) error {
	if n.server != nil {
		return n.inheritLeases(ctx)
	}
	nodes, err := bus.OpenBucket[events.Node](ctx, n.bus, n.bus.Topics().NodesBucket())
	if err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var seen uint64
	for end := time.Now().Add(2 * topics.Heartbeat); time.Now().Before(end); {
		entry, err := nodes.Get(ctx, n.set.Name)
		switch {
		case errors.Is(err, bus.ErrMissing) || ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && seen != 0 && entry.Revision != seen:
			return fmt.Errorf("%w: %q", ErrNameTaken, n.set.Name)
		case err == nil:
			seen = entry.Revision
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// inheritLeases ends the leases of the process that had the name and the data
// folder before. It is dead, since this one has locked the folder: nobody has to
// wait until its leases expire.
func (n *Node) inheritLeases(ctx context.Context) error {
	leases, err := bus.OpenBucket[bus.Holder](ctx, n.bus, n.bus.Topics().LeasesBucket())
	if err != nil {
		return err
	}
	for _, role := range []string{topics.RepositoryLease, topics.CoordinatorLease} {
		entry, err := leases.Get(ctx, role)
		if errors.Is(err, bus.ErrMissing) {
			continue
		}
		if err == nil && entry.Value != nil && entry.Value.Node == n.set.Name {
			err = leases.Delete(ctx, role)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
