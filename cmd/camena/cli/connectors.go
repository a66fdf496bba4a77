package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
)

func (p *program) connectorsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "connectors", Aliases: []string{"connector"},
		Short: "Look at connectors and refresh them",
		Example: `  camena connectors list
  camena connectors get quickstart
  camena connectors refresh quickstart`,
	}
	cmd.AddCommand(p.connectorsListCommand(), p.connectorsGetCommand(), p.connectorsRefreshCommand())
	return cmd
}

// connectorView is a connector as it is shown: what it is to be, where it runs,
// and what its node says of it.
type connectorView struct {
	Name       string                  `json:"name"`
	State      string                  `json:"state"`
	Definition *events.Definition      `json:"definition,omitempty"`
	Node       string                  `json:"node,omitempty"`
	Generation uint64                  `json:"generation,omitzero"`
	Report     *events.ConnectorReport `json:"report,omitempty"`
}

// The states that are not statuses of a report.
const (
	stateUnassigned = "UNASSIGNED"
	stateStarting   = "STARTING"
	stateNodeDown   = "NODE_DOWN"
)

// connectorViews reads what there is to know of all connectors, by name.
func connectorViews(ctx context.Context, b *bus.Bus) ([]connectorView, error) {
	assignments, err := list[events.Assignment](ctx, b, b.Topics().AssignmentsBucket())
	if err != nil {
		return nil, err
	}
	reports, err := list[events.ConnectorReport](ctx, b, b.Topics().StatusBucket())
	if err != nil {
		return nil, err
	}
	nodes, err := list[events.Node](ctx, b, b.Topics().NodesBucket())
	if err != nil {
		return nil, err
	}
	return joinConnectors(assignments, reports, nodes), nil
}

func joinConnectors(assignments map[string]events.Assignment, reports map[string]events.ConnectorReport, nodes map[string]events.Node) []connectorView {
	views := []connectorView{}
	for id, a := range assignments {
		v := connectorView{Name: a.Definition.Name, Definition: &a.Definition, Node: a.Node, Generation: a.Generation}
		if r, ok := reports[id]; ok {
			v.Report = &r
		}
		v.State = stateOf(&v, nodes)
		views = append(views, v)
	}
	for id, r := range reports {
		if _, ok := assignments[id]; !ok {
			views = append(views, connectorView{Name: cmp.Or(r.Name, id), State: string(r.Status), Report: &r})
		}
	}
	slices.SortFunc(views, func(a, b connectorView) int { return strings.Compare(a.Name, b.Name) })
	return views
}

// stateOf is the status that the node reports, unless the report is of another
// time.
func stateOf(v *connectorView, nodes map[string]events.Node) string {
	node, alive := nodes[v.Node]
	switch {
	case v.Node == "" && v.Report != nil && v.Report.Error != "":
		return string(v.Report.Status)
	case v.Node == "":
		return stateUnassigned
	case !alive:
		return stateNodeDown
	case v.Report == nil || v.Report.Generation != v.Generation:
		return stateStarting
	case v.Report.Instance != "" && v.Report.Instance != node.Instance:
		return stateStarting
	default:
		return string(v.Report.Status)
	}
}

func (p *program) connectorsListCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "list", Short: "List connectors, where they run and how they are",
		Example: "  camena connectors list\n  camena connectors list -o json", Args: nothing,
	}
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.withBus(cmd.Context(), answerTime, func(ctx context.Context, b *bus.Bus) error {
			views, err := connectorViews(ctx, b)
			if err != nil {
				return err
			}
			if o.json() {
				return o.print(p.stdout, views)
			}
			return connectorsTable(views).print(p.stdout, `no connector is registered; "camena apply -f FILE" registers some`)
		})
	}
	return cmd
}

func connectorsTable(views []connectorView) *table {
	t := newTable("NAME", "KIND", "GROUP", "NODE", "STATUS", "REFRESH", "LAST REFRESH", "PROBLEM")
	for i := range views {
		v := &views[i]
		d, r := v.known()
		t.add(v.Name, orDash(cmp.Or(d.Kind, r.Kind)), orDash(strings.TrimPrefix(d.Group, registration.GroupName(""))), orDash(v.Node),
			v.State, orDash(d.Refresh), when(r.LastRefresh), problem(&r))
	}
	return t
}

// known returns definition and report, empty where there is none.
func (v *connectorView) known() (d events.Definition, r events.ConnectorReport) {
	if v.Definition != nil {
		d = *v.Definition
	}
	if v.Report != nil {
		r = *v.Report
	}
	return d, r
}

// problem is what to tell of a connector on one line.
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

// findConnector finds a connector by its name, or by the id of its registration.
func findConnector(ctx context.Context, b *bus.Bus, name string) (*connectorView, error) {
	views, err := connectorViews(ctx, b)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(views))
	var found []*connectorView
	for i := range views {
		v := &views[i]
		names[i] = v.Name
		if v.Definition != nil && v.Definition.ID == name {
			return v, nil
		}
		if v.Name == name {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("there is no connector %q%s", name, didYouMean(name, names))
	default:
		return nil, fmt.Errorf("%d connectors have the name %q; give the id that \"camena connectors list -o json\" shows", len(found), name)
	}
}

func (p *program) connectorsGetCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show a connector, its status and its problems",
		Example: "  camena connectors get quickstart\n  camena connectors get quickstart -o json", Args: one("the connector", "camena connectors list"),
	}
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withBus(cmd.Context(), answerTime, func(ctx context.Context, b *bus.Bus) error {
			v, err := findConnector(ctx, b, args[0])
			if err != nil {
				return err
			}
			if o.json() {
				return o.print(p.stdout, v)
			}
			return connectorSheet(v).print(p.stdout, "")
		})
	}
	return cmd
}

func connectorSheet(v *connectorView) *table {
	t := newTable()
	known := func(name, value string) {
		if value != "" {
			t.add(name, value)
		}
	}
	d, r := v.known()
	t.add("name", v.Name)
	known("id", cmp.Or(d.ID, r.Connector))
	known("kind", cmp.Or(d.Kind, r.Kind))
	known("group", strings.TrimPrefix(d.Group, registration.GroupName("")))
	t.add("node", orDash(v.Node))
	t.add("status", v.State)
	known("since", date(r.Since))
	known("error", r.Error)
	known("next attempt", date(r.NextAttempt))
	known("last refresh", date(r.LastRefresh))
	known("refresh", strings.TrimSpace(d.Refresh+" "+d.TimeZone))
	known("starts", date(d.Start))
	known("stops", date(d.Stop))
	known("metadata source", d.MetadataSource)
	known("synchronization", string(d.PermittedSynchronization))
	known("user", d.User)
	t.add("generation", strconv.FormatUint(v.Generation, 10))
	addProperties(t, "configuration ", d.Configuration)
	for _, text := range r.Problems {
		t.add("problem", text)
	}
	statistics := make([]string, 0, len(r.Statistics))
	for name := range r.Statistics {
		statistics = append(statistics, name)
	}
	slices.Sort(statistics)
	for _, name := range statistics {
		t.add("count "+name, number(r.Statistics[name]))
	}
	return t
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return timestamp(t)
}
