package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// presence writes the heartbeat of a node without the role host, which would
// write one: the node runs no connectors, but is to be seen.
type presence struct {
	node *node
	self events.Node
}

func newPresence(n *node) *presence {
	started := time.Now().UTC()
	return &presence{node: n, self: events.Node{
		Name: n.config.Node, Instance: fmt.Sprintf("presence-%d", started.UnixNano()), Roles: n.config.Roles, Version: version(), Started: started,
	}}
}

// Serve implements service.
func (p *presence) Serve(ctx context.Context) error {
	nodes, err := bus.OpenBucket[events.Node](ctx, p.node.bus, p.node.bus.Topics().NodesBucket())
	if err != nil {
		return err
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, topics.Heartbeat)
		_, err := nodes.Put(attempt, p.self.Name, &p.self)
		cancel()
		if err != nil && ctx.Err() == nil {
			p.node.log.WarnContext(ctx, "heartbeat", slog.Any("error", err))
		}
		if pause(ctx, topics.Heartbeat) != nil {
			break
		}
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond)
	defer cancel()
	return nodes.Delete(leaving, p.self.Name)
}

// checkName refuses a name that another living node has. A node that was killed
// has left its last heartbeat behind: it is another one if it is renewed.
func (n *node) checkName(ctx context.Context) error {
	if n.server != nil {
		return n.inherit(ctx)
	}
	nodes, err := bus.OpenBucket[events.Node](ctx, n.bus, n.bus.Topics().NodesBucket())
	if err != nil {
		return err
	}
	var seen uint64
	for end := time.Now().Add(2 * topics.Heartbeat); time.Now().Before(end); {
		entry, err := nodes.Get(ctx, n.config.Node)
		switch {
		case errors.Is(err, bus.ErrMissing) || ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && seen != 0 && entry.Revision != seen:
			return fmt.Errorf("a node with the name %q runs already; give this one a name of its own with CAMENA_NODE", n.config.Node)
		case err == nil:
			seen = entry.Revision
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// inherit ends the leases of the process that had the name and the data folder
// before this one. It is dead, since we have locked the folder: nobody needs to
// wait for its leases to run out.
func (n *node) inherit(ctx context.Context) error {
	leases, err := bus.OpenBucket[holder](ctx, n.bus, n.bus.Topics().LeasesBucket())
	if err != nil {
		return err
	}
	for _, role := range []string{topics.RepositoryLease, topics.CoordinatorLease} {
		entry, err := leases.Get(ctx, role)
		if errors.Is(err, bus.ErrMissing) {
			continue
		}
		if err == nil && entry.Value != nil && entry.Value.Node == n.config.Node {
			err = leases.Delete(ctx, role)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
