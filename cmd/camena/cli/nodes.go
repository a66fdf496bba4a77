package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/client"
)

func (p *program) nodesCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "nodes", Aliases: []string{"node"},
		Short: "Look at the nodes of the installation", Example: "  camena nodes list",
	}, p.shows(answerTime, &cobra.Command{
		Use: "list", Short: "List the nodes that are alive",
		Long: `List the nodes that are alive, and which of them leads: the one whose repository writes, and the one whose
coordinator assigns connectors.`,
		Example: "  camena nodes list\n  camena nodes list -o json",
	}, &output{list: true}, func(ctx context.Context, c *client.Client, _ []string) (*view, error) {
		nodes, err := c.Nodes(ctx)
		t := list(newTable("NODE", "ROLES", "LEADS", "CONNECTORS", "KINDS", "VERSION", "STARTED"), nodes, func(n *client.Node) []string {
			return []string{
				n.Name, strings.Join(n.Roles, ","), orDash(strings.Join(n.Leads, ",")), number(int64(n.Connectors)),
				orDash(strings.Join(n.Kinds, ",")), orDash(n.Version), when(n.Started),
			}
		})
		return &view{document: nodes, tables: []*table{t}, none: "no node is alive"}, err
	}))
}
