package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/runtime/client"
)

// finding is the flags that say which elements are meant.
type finding struct {
	q          events.Find
	ignoreCase bool
	sort       []string
}

func (f *finding) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.q.Type, "type", "", "only this type, subtypes included")
	flags.Var(conditionOf(&f.q.Where, "stringArray"), "where", "only those of which this is true; several must all be true")
	flags.BoolVarP(&f.ignoreCase, "ignore-case", "i", false, "compare text in --where without regard to case")
	flags.StringVar(&f.q.Text, "text", "", "only those with this text in their name, qualified, displayed or of the resource, or in their description")
	flags.StringVar(&f.q.Classification, "classification", "", "only those with this classification")
	flags.Var(conditionOf(&f.q.ClassificationWhere, "string"), "classification-where", "only those of whose --classification this is true")
	flags.StringVar(&f.q.Zone, "zone", "", "only what was put into this governance zone; what is in no zone, and so in all, is left out")
	flags.StringVar(&f.q.Source, "source", "", "only what belongs to this metadata source")
	flags.StringVar(&f.q.Scope, "scope", "", "only what was cataloged in this scope")
	flags.StringVar(&f.q.NamePrefix, "prefix", "", "only those whose qualified name begins so")
	flags.BoolVar(&f.q.IncludeArchived, "archived", false, "archived ones, too")
	flags.Var(timeOf(&f.q.EffectiveAt, false), "effective-at", "only what counts at this time")
	cmd.PreRunE = func(*cobra.Command, []string) error { return f.complete() }
}

// conditionOf takes a condition. Several must all be true.
func conditionOf(value **events.Condition, kind string) pflag.Value {
	return &flagValue{kind: kind, read: func(text string) error {
		c, err := query.Parse(text)
		if *value != nil {
			c = events.Condition{And: []events.Condition{**value, c}}
		}
		*value = &c
		return err
	}}
}

func (f *finding) sortFlag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.sort, "sort", nil,
		"order by these properties; one with a minus before it descends (default by qualified name)")
}

// complete turns the flags into a question.
func (f *finding) complete() error {
	for _, c := range []*events.Condition{f.q.Where, f.q.ClassificationWhere} {
		if c != nil && f.ignoreCase {
			*c = query.IgnoreCase(c)
		}
	}
	for _, key := range f.sort {
		property, descending := strings.CutPrefix(key, "-")
		f.q.Sort = append(f.q.Sort, events.SortKey{Property: property, Descending: descending})
	}
	if _, err := query.NewSorter(f.q.Sort, nil, ""); err != nil {
		return fmt.Errorf("--sort: %w", explain(err))
	}
	if f.q.ClassificationWhere != nil && f.q.Classification == "" {
		return errors.New("--classification-where needs --classification")
	}
	if _, err := query.NewFilter(&f.q, nil, nil, nil); err != nil {
		return fmt.Errorf("--where: %w", explain(err))
	}
	return nil
}

// explain names the flag that the repository refuses.
func (*finding) explain(err error) error {
	return explain(err, flagPointer{"/where", "--where", false}, flagPointer{"/sort", "--sort", false},
		flagPointer{"/classificationWhere", "--classification-where", false})
}

const noMatch = "no element matches"

func (p *program) elementsListCommand() *cobra.Command {
	var f finding
	var g paging
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"find"}, Short: "List (or find) elements, in the order of their names or another one",
		Long: `List the elements that match all flags given.

--where compares properties: name = "x", size > 10, tags contains blue, name ~ '^a.*z$', owner in (anna, bea),
description is null; put together with and, or, not and parentheses. additionalProperties.owner is a value in a map,
header.versions.changeTime the time of the last change, which CHANGED shows. A property that the --type and its subtypes
do not have, or without a --type no type, is refused, as is a value that it cannot hold; "camena types get DataFile"
shows what there is, and properties.size means size whatever the types say.`,
		Example: `  camena elements list --type DataFile --text invoice
  camena elements list --source IntegrationConnector::quickstart --all -o json
  camena elements find --where 'size > 1000000 and not fileExtension in (csv, json)' --sort -size --limit 10
  camena elements find --where 'header.versions.changeTime > 2026-01-01T00:00:00Z' --sort -header.versions.changeTime
  camena elements find --classification Confidentiality --classification-where 'levelIdentifier >= 3' --zone quarantine`,
	}
	f.flags(cmd)
	f.sortFlag(cmd)
	g.flags(cmd)
	return p.shows(answerTime, cmd, &output{list: true, masks: true}, func(ctx context.Context, m *client.Client, _ []string) (*view, error) {
		all, note, err := collect(&g, &f.q.Page, events.All(ctx, m, &f.q))
		return &view{document: all, tables: []*table{elementsTable(all)}, none: noMatch, note: note}, f.explain(err)
	})
}

func (p *program) elementsCountCommand() *cobra.Command {
	var f finding
	cmd := &cobra.Command{
		Use: "count", Short: "Count elements by type",
		Long: `Count the elements that match all flags given, by type. Without flags the relationships are counted, too.`,
		Example: `  camena elements count
  camena elements count --type DataFile --where 'size = 0'`,
	}
	f.flags(cmd)
	return p.shows(answerTime, cmd, &output{masks: true}, func(ctx context.Context, m *client.Client, _ []string) (*view, error) {
		a, err := events.Ask(ctx, m, &events.Count{Find: f.q})
		return &view{document: a, tables: []*table{countTable(&a)}, none: noMatch}, f.explain(err)
	})
}

func countTable(a *events.CountAnswer) *table {
	t := newTable("TYPE", "NUMBER", "")
	add := func(counts map[string]int, what string) {
		total := 0
		for _, typ := range slices.Sorted(maps.Keys(counts)) {
			t.add(typ, number(int64(counts[typ])), "")
			total += counts[typ]
		}
		if len(counts) > 0 {
			t.add("", number(int64(total)), what)
		}
	}
	add(a.Elements, "elements")
	add(a.Relationships, "relationships")
	return t
}

func (p *program) elementsGetCommand() *cobra.Command {
	o := output{masks: true}
	var q events.Get
	cmd := &cobra.Command{
		Use: "get QUALIFIED_NAME|GUID", Short: "Show one element, or a relationship by its guid",
		Long: `Show one element, or a relationship by its guid: as it is, or with --as-of as it was stored at a time, as
far back as history is kept (CAMENA_HISTORY), even if it has been deleted since.`,
		Example: `  camena elements get Connection::quickstart
  camena elements get 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10 -o json
  camena elements get Connection::quickstart --as-of '2026-01-02 15:04'  # not_found where it was created later
  camena elements get Connection::quickstart --as-of -24h                # not_found where it is not a day old`,
	}
	cmd.Flags().Var(pastOf(&q.AsOf, "for what will count then use --effective-at"), "as-of", "as it was stored at this time, which is in the past")
	cmd.Flags().Var(timeOf(&q.EffectiveAt, false), "effective-at", "only if it counts at this time")
	return p.shows(answerTime, cmd, &o, func(ctx context.Context, m *client.Client, args []string) (*view, error) {
		q.ElementRef = reference(args[0])
		a, err := events.Ask(ctx, m, &q)
		switch {
		case err != nil:
			return nil, err
		case a.Relationship != nil:
			return &view{document: a.Relationship, tables: []*table{relationshipSheet(a.Relationship, &o)}}, nil
		case !o.json():
			a.Element.Header.AnchorGUID = nameWithGUID(ctx, m, a.Element.Header.AnchorGUID)
		}
		return &view{document: a.Element, tables: []*table{elementSheet(a.Element, &o)}}, nil
	})
}

// nameWithGUID puts the name of an element before its guid, if it still exists.
func nameWithGUID(ctx context.Context, m *client.Client, guid string) string {
	if guid == "" {
		return ""
	}
	h, _, _ := m.Header(ctx, events.ByGUID(guid))
	return strings.TrimSpace(h.QualifiedName + " " + guid)
}

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
		Long: `Show the elements that relationships lead to from one, and from these on, as deep as asked for. Each is
shown once.`,
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
		Long: `Show what an element comes from (upstream, with negative depths) and what comes from it (downstream), to
the end or as deep as asked for, through archived elements, too. Where data flows in a circle, an element that is on
both sides has two depths, the nearer one first.`,
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
