package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) elementsRelatedCommand() *cobra.Command {
	var q events.Related
	var g paging
	cmd := &cobra.Command{
		Use: "related QUALIFIED_NAME|GUID", Short: "List the elements that are related to one",
		Example: `  camena elements related IntegrationGroup::default
  camena elements related IntegrationConnector::quickstart --relationship AssetConnection`,
	}
	f := cmd.Flags()
	f.StringVar(&q.Relationship, "relationship", "", "only by this type of relationship, subtypes included")
	f.BoolVar(&q.IncludeArchived, "archived", false, "archived elements, too")
	f.Var(timeOf(&q.EffectiveAt, false), "effective-at", "only what counts at this time")
	f.IntVar(&q.End, "end", 0, "1 or 2: only where the element is at this end; 0: both")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if q.End < 0 || q.End > 2 {
			return fmt.Errorf("--end %d: give 1, 2, or 0 for both", q.End)
		}
		return nil
	}
	g.flags(cmd)
	return p.shows(answerTime, cmd, &output{list: true, masks: true}, func(ctx context.Context, m *client.Client, args []string) (*view, error) {
		q.ElementRef = reference(args[0])
		all, note, err := collect(&g, &q.Page, events.All(ctx, m, &q))
		return &view{document: all, tables: []*table{relatedTable(all)}, none: "nothing is related to it", note: note}, err
	})
}

func relatedTable(all []events.RelatedElement) *table {
	return list(newTable("RELATIONSHIP", "", "TYPE", "QUALIFIED NAME"), all, func(r *events.RelatedElement) []string {
		arrow := "→"
		if r.Relationship.End1.GUID == r.Element.Header.GUID {
			arrow = "←"
		}
		h := &r.Element.Header
		return []string{r.Relationship.Header.Type.Name, arrow, h.Type.Name, nameOf(h)}
	})
}

// around is a question for what is around an element.
type around interface {
	events.QuestionFor[events.GraphAnswer]
	Complete() error
}

// asksAround completes a command line that asks for a graph.
func asksAround[Q around](p *program, cmd *cobra.Command, q Q, from *events.ElementRef, effectiveAt *time.Time, l *events.GraphLimits) *cobra.Command {
	cmd.Flags().Var(timeOf(effectiveAt, false), "effective-at", "only what counts at this time")
	cmd.Flags().IntVar(&l.Nodes, "nodes", 0, "so many elements at most (default 1000)")
	cmd.Flags().IntVar(&l.Edges, "edges", 0, "so many relationships at most (default 5000)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		err := q.Complete()
		if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" {
			return fmt.Errorf("--%s %s", e.Pointer[1:], e.Message)
		}
		return err
	}
	return p.shows(answerTime, cmd, &output{masks: true}, func(ctx context.Context, m *client.Client, args []string) (*view, error) {
		*from = reference(args[0])
		a, err := events.Ask[events.GraphAnswer](ctx, m, q)
		v := &view{document: &a, tables: []*table{graphNodesTable(&a)}}
		if len(a.Edges) > 0 {
			v.tables = append(v.tables, graphEdgesTable(&a))
		}
		if a.Truncated != "" {
			v.note = "this is not all: it was cut by the limit of " + string(a.Truncated)
		}
		return v, err
	})
}

func (p *program) elementsGraphCommand() *cobra.Command {
	var q events.Graph
	cmd := &cobra.Command{
		Use: "graph QUALIFIED_NAME|GUID", Short: "Show what is around an element",
		Long: `Show the elements that relationships lead to from one, and from these on, as deep as asked for.
Each is shown once.`,
		Example: `  camena elements graph IntegrationGroup::default --depth 2
  camena elements graph Topic::orders --depth 3 --relationship DataFlow --type Topic -o json`,
	}
	f := cmd.Flags()
	f.IntVar(&q.Depth, "depth", 1, "follow so many relationships")
	f.StringSliceVar(&q.Relationships, "relationship", nil, "follow only these types of relationships, subtypes included")
	f.StringSliceVar(&q.Types, "type", nil, "go only to elements of these types, subtypes included")
	f.IntVar(&q.End, "end", 0, "1 or 2: follow relationships only from this end to the other; 0: both ways")
	f.BoolVar(&q.IncludeArchived, "archived", false, "archived elements, too")
	return asksAround(p, cmd, &q, &q.ElementRef, &q.EffectiveAt, &q.GraphLimits)
}

func (p *program) elementsLineageCommand() *cobra.Command {
	var q events.Lineage
	var up, down bool
	cmd := &cobra.Command{
		Use: "lineage QUALIFIED_NAME|GUID", Short: "Show what an element comes from and what comes from it",
		Long: `Show what an element comes from (upstream, with negative depths) and what comes from it
(downstream), to the end or as deep as asked for, through archived elements, too. Where data flows
in a circle, an element that is on both sides has two depths, the nearer one first.`,
		Example: `  camena elements lineage Topic::orders
  camena elements lineage Topic::orders --upstream --depth 3
  camena elements lineage Topic::orders --downstream --relationship DataFlow -o json`,
	}
	f := cmd.Flags()
	f.BoolVar(&up, "upstream", false, "only what it comes from")
	f.BoolVar(&down, "downstream", false, "only what comes from it")
	f.IntVar(&q.Depth, "depth", 0, "go so far at most (default to the end)")
	f.StringSliceVar(&q.Relationships, "relationship", nil, "follow only these types of relationships (default those of lineage)")
	asksAround(p, cmd, &q, &q.ElementRef, &q.EffectiveAt, &q.GraphLimits)
	complete := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if up != down {
			q.Direction = map[bool]events.Direction{true: events.Upstream, false: events.Downstream}[up]
		}
		return complete(cmd, args)
	}
	return cmd
}

func graphNodesTable(a *events.GraphAnswer) *table {
	return list(newTable("DEPTH", "TYPE", "QUALIFIED NAME", ""), a.Nodes, func(n *events.GraphNode) []string {
		note := ""
		if n.Element.Archived() {
			note = "archived"
		}
		depth := strconv.Itoa(n.Depth)
		if n.AlsoDepth != 0 {
			depth += ", " + strconv.Itoa(n.AlsoDepth)
		}
		h := &n.Element.Header
		return []string{depth, h.Type.Name, nameOf(h), note}
	})
}

func graphEdgesTable(a *events.GraphAnswer) *table {
	return list(newTable("RELATIONSHIP", "END 1", "", "END 2"), a.Edges, func(r *events.Relationship) []string {
		return []string{r.Header.Type.Name, stubName(r.End1), "→", stubName(r.End2)}
	})
}
