package client

import (
	"context"
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// Node is a node that is alive.
type Node struct {
	events.Node
	// Leads are the leases that the node holds.
	Leads []string `json:"leads,omitempty"`
}

// Nodes returns the nodes with a heartbeat, and those that are known by a lease
// only, by name.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	beats, err := bucketValues[events.Node](ctx, c.bus, c.bus.Topics().NodesBucket())
	if err != nil {
		return nil, err
	}
	leases, err := bucketValues[bus.Holder](ctx, c.bus, c.bus.Topics().LeasesBucket())
	if err != nil {
		return nil, err
	}
	byName := map[string]Node{}
	for _, n := range beats {
		byName[n.Name] = Node{Node: n}
	}
	for _, role := range []string{topics.RepositoryLease, topics.CoordinatorLease} {
		h, ok := leases[role]
		if !ok {
			continue
		}
		n, ok := byName[h.Node]
		if !ok {
			n.Node = events.Node{Name: h.Node, Roles: []string{role}}
		}
		n.Leads = append(n.Leads, role)
		byName[h.Node] = n
	}
	nodes := make([]Node, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		nodes = append(nodes, byName[name])
	}
	return nodes, nil
}

// bucketValues reads all keys of a bucket.
func bucketValues[T any](ctx context.Context, b *bus.Bus, name string) (map[string]T, error) {
	bucket, err := bus.OpenBucket[T](ctx, b, name)
	if err != nil {
		return nil, err
	}
	entries, err := bucket.List(ctx)
	if err != nil {
		return nil, err
	}
	values := make(map[string]T, len(entries))
	for _, e := range entries {
		values[e.Key] = *e.Value
	}
	return values, nil
}
