package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

func (p *program) nodesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "nodes", Aliases: []string{"node"},
		Short: "Look at the nodes of the installation", Example: "  camena nodes list",
	}
	cmd.AddCommand(p.nodesListCommand())
	return cmd
}

// nodeView is a node as it is shown.
type nodeView struct {
	events.Node
	// Leads are the leases that the node holds.
	Leads []string `json:"leads,omitempty"`
}

func (p *program) nodesListCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "list", Short: "List the nodes that are alive",
		Long: `List the nodes that are alive, and which of them leads: the one whose repository writes, and the one whose
coordinator assigns connectors.`,
		Example: "  camena nodes list\n  camena nodes list -o json",
		Args:    nothing,
	}
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.withBus(cmd.Context(), answerTime, func(ctx context.Context, b *bus.Bus) error {
			nodes, err := liveNodes(ctx, b)
			if err != nil {
				return err
			}
			if o.json() {
				return o.print(p.stdout, nodes)
			}
			return nodesTable(nodes).print(p.stdout, "no node is alive")
		})
	}
	return cmd
}

// holder is the value of a lease.
type holder struct {
	Node     string `json:"node"`
	Instance string `json:"instance"`
}

// liveNodes returns the nodes with a heartbeat, and those that are known by a
// lease only.
func liveNodes(ctx context.Context, b *bus.Bus) ([]nodeView, error) {
	beats, err := list[events.Node](ctx, b, b.Topics().NodesBucket())
	if err != nil {
		return nil, err
	}
	leases, err := list[holder](ctx, b, b.Topics().LeasesBucket())
	if err != nil {
		return nil, err
	}
	byName := map[string]*nodeView{}
	for _, n := range beats {
		byName[n.Name] = &nodeView{Node: n}
	}
	for _, role := range []string{topics.RepositoryLease, topics.CoordinatorLease} {
		h, ok := leases[role]
		if !ok {
			continue
		}
		if byName[h.Node] == nil {
			byName[h.Node] = &nodeView{Node: events.Node{Name: h.Node, Roles: []string{role}}}
		}
		byName[h.Node].Leads = append(byName[h.Node].Leads, role)
	}
	nodes := make([]nodeView, 0, len(byName))
	for _, n := range byName {
		nodes = append(nodes, *n)
	}
	slices.SortFunc(nodes, func(a, b nodeView) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}

// list reads all keys of a bucket.
func list[T any](ctx context.Context, b *bus.Bus, name string) (map[string]T, error) {
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
		if e.Value != nil {
			values[e.Key] = *e.Value
		}
	}
	return values, nil
}

func nodesTable(nodes []nodeView) *table {
	t := newTable("NODE", "ROLES", "LEADS", "CONNECTORS", "KINDS", "VERSION", "STARTED")
	for i := range nodes {
		n := &nodes[i]
		t.add(n.Name, strings.Join(n.Roles, ","), orDash(strings.Join(n.Leads, ",")), number(int64(n.Connectors)),
			orDash(strings.Join(n.Kinds, ",")), orDash(n.Version), when(n.Started))
	}
	return t
}
