package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/events/suggest"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) connectorsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "connectors", Aliases: []string{"connector"},
		Short: "Look at connectors and refresh them",
		Example: `  camena connectors list
  camena connectors get quickstart
  camena connectors refresh quickstart`,
	}, p.connectorsListCommand(), p.connectorsGetCommand(), p.connectorsRefreshCommand(),
		p.connectorsKindsCommand(), p.connectorsCheckCommand())
}

func (p *program) connectorsListCommand() *cobra.Command {
	return p.shows(answerTime, &cobra.Command{
		Use: "list", Short: "List connectors, where they run and how they are",
		Example: "  camena connectors list\n  camena connectors list -o json",
	}, &output{list: true}, func(ctx context.Context, c *client.Client, _ []string) (*view, error) {
		all, err := c.Connectors(ctx)
		return &view{document: all, tables: []*table{connectorsTable(all)}, none: `no connector is registered; "camena apply -f FILE" registers some`}, err
	})
}

func connectorsTable(all []client.Connector) *table {
	t := newTable("NAME", "KIND", "GROUP", "NODE", "STATUS", "REFRESH", "LAST REFRESH", "PROBLEM")
	return list(t, all, func(c *client.Connector) []string {
		d, r := reported(c)
		return []string{
			c.Name, orDash(cmp.Or(d.Kind, r.Kind)), orDash(strings.TrimPrefix(d.Group, registration.GroupName(""))), orDash(c.Node),
			c.State, orDash(d.Refresh), when(r.LastRefresh), problem(&r),
		}
	})
}

// reported returns the definition and the report of a connector; a missing one is empty.
func reported(v *client.Connector) (d events.Definition, r events.ConnectorReport) {
	if v.Definition != nil {
		d = *v.Definition
	}
	if v.Report != nil {
		r = *v.Report
	}
	return d, r
}

// problem returns the first problem of a connector, on one line.
func problem(r *events.ConnectorReport) string {
	text, more := r.Error, len(r.Problems)
	if text == "" && more > 0 {
		text, more = r.Problems[0], more-1
	}
	text, _, _ = strings.Cut(text, "\n")
	if more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// unknownConnector adds similar names to a not_found error; for an ambiguous name it
// adds how to find the ids.
func unknownConnector(ctx context.Context, c *client.Client, name string, err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case events.CodeNotFound:
		names, _ := connectorNames(ctx, c)
		return withMessage(e, "%s%s", e.Message, suggest.Nearest(name, names))
	case events.CodeConflict:
		return withMessage(e, `%s; "camena connectors list -o json" shows the ids`, e.Message)
	default:
		return err
	}
}

func (p *program) connectorsGetCommand() *cobra.Command {
	return p.shows(answerTime, &cobra.Command{
		Use: "get NAME", Short: "Show a connector, its status and its problems",
		Example: "  camena connectors get quickstart\n  camena connectors get quickstart -o json",
	}, &output{}, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		found, err := c.Connector(ctx, args[0])
		return &view{document: &found, tables: []*table{connectorSheet(&found)}}, unknownConnector(ctx, c, args[0], err)
	})
}

func connectorSheet(v *client.Connector) *table {
	d, r := reported(v)
	t := newTable().known("name", v.Name, "id", cmp.Or(d.ID, r.Connector), "kind", cmp.Or(d.Kind, r.Kind),
		"group", strings.TrimPrefix(d.Group, registration.GroupName("")), "node", orDash(v.Node), "status", v.State,
		"since", timestamp(r.Since), "error", r.Error, "next attempt", timestamp(r.NextAttempt), "last refresh", timestamp(r.LastRefresh),
		"endpoint", d.Endpoint)
	for i := range d.Targets {
		target := &d.Targets[i]
		t.add("target "+cmp.Or(target.Name, target.ID), strings.TrimSpace(target.Element+" "+target.Problem))
	}
	t.known("refresh", strings.TrimSpace(d.Refresh+" "+d.TimeZone), "starts", timestamp(d.Start), "stops", timestamp(d.Stop),
		"metadata source", d.MetadataSource, "synchronization", string(d.PermittedSynchronization), "user", d.User,
		"generation", strconv.FormatUint(v.Generation, 10))
	addProperties(t, "configuration ", d.Configuration)
	for _, text := range r.Problems {
		t.add("problem", text)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Statistics)) {
		t.add("count "+name, number(r.Statistics[name]))
	}
	return t
}
