package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) nodesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "nodes", Aliases: []string{"node"},
		Short: "Look at the nodes of the installation", Example: "  camena nodes list",
	}
	cmd.AddCommand(p.nodesListCommand())
	return cmd
}

func (p *program) nodesListCommand() *cobra.Command {
	o := output{list: true}
	cmd := &cobra.Command{
		Use: "list", Short: "List the nodes that are alive",
		Long: `List the nodes that are alive, and which of them leads: the one whose repository writes, and the one whose
coordinator assigns connectors.`,
		Example: "  camena nodes list\n  camena nodes list -o json",
		Args:    cobra.NoArgs,
	}
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.withBus(cmd.Context(), answerTime, func(ctx context.Context, b *bus.Bus) error {
			nodes, err := client.New(b, source).Nodes(ctx)
			if err != nil {
				return err
			}
			return p.show(&o, nodes, func() *table { return nodesTable(nodes) }, "no node is alive")
		})
	}
	return cmd
}

func nodesTable(nodes []client.Node) *table {
	t := newTable("NODE", "ROLES", "LEADS", "CONNECTORS", "KINDS", "VERSION", "STARTED")
	for i := range nodes {
		n := &nodes[i]
		t.add(n.Name, strings.Join(n.Roles, ","), orDash(strings.Join(n.Leads, ",")), number(int64(n.Connectors)),
			orDash(strings.Join(n.Kinds, ",")), orDash(n.Version), when(n.Started))
	}
	return t
}
