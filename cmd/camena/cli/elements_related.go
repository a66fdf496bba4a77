package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) elementsRelatedCommand() *cobra.Command {
	var q events.Related
	var effectiveAt timeFlag
	var g paging
	var o output
	cmd := &cobra.Command{
		Use: "related QUALIFIED_NAME|GUID", Short: "List the elements that are related to one",
		Example: `  camena elements related IntegrationGroup::default
  camena elements related IntegrationConnector::quickstart --relationship AssetConnection`,
		Args: one("the element, by its qualified name or guid", "camena elements list"),
	}
	f := cmd.Flags()
	f.StringVar(&q.Relationship, "relationship", "", "only by this type of relationship, subtypes included")
	f.BoolVar(&q.IncludeArchived, "archived", false, "archived elements, too")
	f.Var(&effectiveAt, "effective-at", "only what counts at this time")
	f.IntVar(&q.End, "end", 0, "1 or 2: only where the element is at this end; 0: both")
	checkFirst(cmd, func(*cobra.Command) error {
		if q.End < 0 || q.End > 2 {
			return fmt.Errorf("--end %d: give 1, 2, or 0 for both", q.End)
		}
		return nil
	})
	g.flags(cmd)
	o.flag(cmd)
	o.secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withMetadata(cmd.Context(), func(ctx context.Context, m *client.Client) error {
			q.ElementRef, q.EffectiveAt = reference(args[0]), effectiveAt.Time
			list, more, err := collect(&g, func(page events.Page) ([]events.RelatedElement, string, error) {
				q.Page = page
				a, err := m.Related(ctx, q)
				return a.Related, a.Next, err
			})
			if err != nil {
				return err
			}
			defer p.tellOfMore(more, len(list))
			if o.json() {
				return o.print(p.stdout, list)
			}
			return relatedTable(list).print(p.stdout, "nothing is related to it")
		})
	}
	return cmd
}

func relatedTable(list []events.RelatedElement) *table {
	t := newTable("RELATIONSHIP", "", "TYPE", "QUALIFIED NAME")
	for i := range list {
		r := &list[i]
		arrow := "→"
		if r.Relationship.End1.GUID == r.Element.Header.GUID {
			arrow = "←"
		}
		h := &r.Element.Header
		t.add(r.Relationship.Header.Type.Name, arrow, h.Type.Name, cmp.Or(h.QualifiedName, h.GUID))
	}
	return t
}

// limitFlags are the limits of what graphs hold.
func limitFlags(cmd *cobra.Command, l *events.GraphLimits) {
	cmd.Flags().IntVar(&l.Nodes, "nodes", 0, "so many elements at most (default 1000)")
	cmd.Flags().IntVar(&l.Edges, "edges", 0, "so many relationships at most (default 5000)")
}

func (p *program) elementsGraphCommand() *cobra.Command {
	var q events.Graph
	var effectiveAt timeFlag
	var o output
	cmd := &cobra.Command{
		Use: "graph QUALIFIED_NAME|GUID", Short: "Show what is around an element",
		Long: `Show the elements that relationships lead to from one, and from these on, as deep as asked for. Each comes once.`,
		Example: `  camena elements graph IntegrationGroup::default --depth 2
  camena elements graph Topic::orders --depth 3 --relationship DataFlow --type Topic -o json`,
		Args: one("the element, by its qualified name or guid", "camena elements list"),
	}
	f := cmd.Flags()
	f.IntVar(&q.Depth, "depth", 1, "follow so many relationships")
	f.StringSliceVar(&q.Relationships, "relationship", nil, "follow only these types of relationships, subtypes included")
	f.StringSliceVar(&q.Types, "type", nil, "go only to elements of these types, subtypes included")
	f.IntVar(&q.End, "end", 0, "1 or 2: follow relationships only from this end to the other; 0: both ways")
	f.BoolVar(&q.IncludeArchived, "archived", false, "archived elements, too")
	f.Var(&effectiveAt, "effective-at", "only what counts at this time")
	limitFlags(cmd, &q.GraphLimits)
	checkFirst(cmd, func(*cobra.Command) error {
		checked := q
		return flagError(checked.Complete())
	})
	o.flag(cmd)
	o.secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withMetadata(cmd.Context(), func(ctx context.Context, m *client.Client) error {
			q.ElementRef, q.EffectiveAt = reference(args[0]), effectiveAt.Time
			a, err := m.Graph(ctx, q)
			if err != nil {
				return err
			}
			return p.showGraph(&a, o)
		})
	}
	return cmd
}

func (p *program) elementsLineageCommand() *cobra.Command {
	var q events.Lineage
	var effectiveAt timeFlag
	var up, down bool
	var o output
	cmd := &cobra.Command{
		Use: "lineage QUALIFIED_NAME|GUID", Short: "Show what an element comes from and what comes from it",
		Long: `Show what an element comes from (upstream, with negative depths) and what comes from it (downstream), to the end or
as deep as asked for. Lineage leads through archived elements, too. Where data flows in a circle, an element that is on
both sides has two depths, the nearer one first.`,
		Example: `  camena elements lineage Topic::orders
  camena elements lineage Topic::orders --upstream --depth 3
  camena elements lineage Topic::orders --downstream --relationship DataFlow -o json`,
		Args: one("the element, by its qualified name or guid", "camena elements list"),
	}
	f := cmd.Flags()
	f.BoolVar(&up, "upstream", false, "only what it comes from")
	f.BoolVar(&down, "downstream", false, "only what comes from it")
	f.IntVar(&q.Depth, "depth", 0, "go so far at most (default to the end)")
	f.StringSliceVar(&q.Relationships, "relationship", nil, "follow only these types of relationships (default those of lineage)")
	f.Var(&effectiveAt, "effective-at", "only what counts at this time")
	limitFlags(cmd, &q.GraphLimits)
	checkFirst(cmd, func(*cobra.Command) error {
		switch {
		case up && !down:
			q.Direction = events.Upstream
		case down && !up:
			q.Direction = events.Downstream
		}
		checked := q
		return flagError(checked.Complete())
	})
	o.flag(cmd)
	o.secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withMetadata(cmd.Context(), func(ctx context.Context, m *client.Client) error {
			q.ElementRef, q.EffectiveAt = reference(args[0]), effectiveAt.Time
			a, err := m.Lineage(ctx, q)
			if err != nil {
				return err
			}
			return p.showGraph(&a, o)
		})
	}
	return cmd
}

// flagError names the flag where a refusal points at the field of a question.
func flagError(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" {
		return fmt.Errorf("--%s %s", e.Pointer[1:], e.Message)
	}
	return err
}

func (p *program) showGraph(a *events.GraphAnswer, o output) error {
	if a.Truncated != "" {
		defer fmt.Fprintf(p.stderr, "this is not all: it was cut by the limit of %s\n", string(a.Truncated))
	}
	if o.json() {
		return o.print(p.stdout, a)
	}
	if err := graphNodesTable(a).print(p.stdout, ""); err != nil {
		return err
	}
	if len(a.Edges) == 0 {
		return nil
	}
	fmt.Fprintln(p.stdout)
	return graphEdgesTable(a).print(p.stdout, "")
}

func graphNodesTable(a *events.GraphAnswer) *table {
	t := newTable("DEPTH", "TYPE", "QUALIFIED NAME", "")
	for i := range a.Nodes {
		n := &a.Nodes[i]
		note := ""
		if n.Element.Archived() {
			note = "archived"
		}
		depth := strconv.Itoa(n.Depth)
		if n.AlsoDepth != 0 {
			depth += ", " + strconv.Itoa(n.AlsoDepth)
		}
		h := &n.Element.Header
		t.add(depth, h.Type.Name, cmp.Or(h.QualifiedName, h.GUID), note)
	}
	return t
}

func graphEdgesTable(a *events.GraphAnswer) *table {
	t := newTable("RELATIONSHIP", "END 1", "", "END 2")
	for i := range a.Edges {
		l := &a.Edges[i]
		t.add(l.Header.Type.Name, stubName(l.End1), "→", stubName(l.End2))
	}
	return t
}
