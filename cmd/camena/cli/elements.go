package cli

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) elementsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "elements", Aliases: []string{"element"},
		Short: "Show metadata elements, and change them",
		Long: `Show metadata elements, and change them. Elements are named by qualified name or guid. With --dry-run,
commands that change something show what they would change, and change nothing.`,
		Example: `  camena elements list --type DataFile
  camena elements find --where 'size > 1000000 and fileExtension in (csv, json)'
  camena elements count --type Asset
  camena elements get Connection::quickstart
  camena elements history Connection::quickstart
  camena elements related IntegrationGroup::default
  camena elements lineage Topic::orders --downstream
  camena elements create Topic Topic::orders --set displayName=orders
  camena elements update Topic::orders --clear displayName --dry-run`,
	}
	cmd.AddCommand(
		p.elementsListCommand(), p.elementsCountCommand(), p.elementsGetCommand(), p.elementsHistoryCommand(),
		p.elementsRelatedCommand(), p.elementsGraphCommand(), p.elementsLineageCommand(), p.externalIDCommand(),
	)
	for _, v := range elementVerbs() {
		cmd.AddCommand(p.verbCommand(v))
	}
	return cmd
}

// paging limits a long answer.
type paging struct {
	limit int
	all   bool
}

func (g *paging) flags(cmd *cobra.Command) {
	g.limit = 100
	cmd.Flags().Var(atLeast(1, &g.limit), "limit", "show so many at most")
	cmd.Flags().BoolVar(&g.all, "all", false, "show every one")
	cmd.MarkFlagsMutuallyExclusive("limit", "all")
}

// collect takes what is asked for, page by page. The note says that there is more.
func collect[T any](g *paging, page *events.Page, all iter.Seq2[*T, error]) (items []T, note string, err error) {
	items = []T{} // shown as an empty list
	page.Limit = events.MaxPage
	if !g.all {
		page.Limit = min(page.Limit, g.limit+1)
	}
	for item, err := range all {
		switch {
		case err != nil:
			return nil, "", err
		case !g.all && len(items) == g.limit:
			return items, fmt.Sprintf("there are more than these %d; --all shows every one", len(items)), nil
		}
		items = append(items, *item)
	}
	return items, "", nil
}

func elementsTable(all []events.Element) *table {
	t := newTable("TYPE", "QUALIFIED NAME", "VERSION", "SOURCE", "CHANGED").withWide("GUID", "ZONES")
	return list(t, all, func(e *events.Element) []string {
		h := &e.Header
		return []string{
			h.Type.Name, nameOf(h), number(h.Versions.Version), orDash(h.Origin.Source), when(h.Versions.LastChange()),
			h.GUID, orDash(strings.Join(h.Zones, ", ")),
		}
	})
}

// nameOf is the name of an element, or its guid if it has none.
func nameOf(h *events.ElementHeader) string { return cmp.Or(h.QualifiedName, h.GUID) }

// elementSheet shows an element, a line a value.
func elementSheet(e *events.Element, o *output) *table {
	t := headerSheet(&e.Header)
	addProperties(t, "", o.masked(e.Properties))
	for _, c := range e.Classifications {
		t.add(c.Name, strings.TrimSpace("(classification) "+effective(c.Effectivity)))
		addProperties(t, "  ", o.masked(c.Properties))
	}
	return t
}

func relationshipSheet(r *events.Relationship, o *output) *table {
	t := headerSheet(&r.Header)
	t.add("end 1", r.End1.Type+" "+stubName(r.End1))
	t.add("end 2", r.End2.Type+" "+stubName(r.End2))
	addProperties(t, "", o.masked(r.Properties))
	return t
}

func headerSheet(h *events.ElementHeader) *table {
	v := &h.Versions
	updated := ""
	if !v.UpdateTime.IsZero() {
		updated = timestamp(v.UpdateTime) + " by " + v.UpdatedBy
	}
	origin := strings.TrimSpace(string(h.Origin.Category) + " " + h.Origin.Source)
	if h.Origin.Scope != "" {
		origin += ", scope " + h.Origin.Scope
	}
	return newTable().known(
		"type", strings.Join(append([]string{h.Type.Name}, h.Type.SuperTypes...), " < "),
		"qualified name", h.QualifiedName,
		"guid", h.GUID,
		"version", number(v.Version),
		"created", timestamp(v.CreateTime)+" by "+v.CreatedBy,
		"updated", updated,
		"origin", origin,
		"zones", strings.Join(h.Zones, ", "),
		"anchor", h.AnchorGUID,
		"effective", effective(h.Effectivity),
	)
}

// effective formats a period; "" is without limits.
func effective(e events.Effectivity) string {
	var parts []string
	if !e.From.IsZero() {
		parts = append(parts, "from "+dayOrTime(e.From))
	}
	if !e.To.IsZero() {
		parts = append(parts, "until "+dayOrTime(e.To))
	}
	return strings.Join(parts, " ")
}

// dayOrTime shows a time as a day where it is the beginning of one in UTC, as days
// are read.
func dayOrTime(t time.Time) string {
	if t.Equal(t.UTC().Truncate(24 * time.Hour)) {
		return t.UTC().Format(time.DateOnly)
	}
	return timestamp(t)
}

func addProperties(t *table, indent string, p events.Properties) {
	for m := p.Members(); m.Next(); {
		text := string(m.Value())
		if m.Value().Kind() == '"' {
			text = p.String(m.Name())
		}
		t.add(indent+m.Name(), text)
	}
}

func (p *program) elementsHistoryCommand() *cobra.Command {
	return p.shows(answerTime, &cobra.Command{
		Use: "history GUID|QUALIFIED_NAME", Short: "Show what happened to an element, oldest first",
		Long: `Show what happened to an element or relationship, oldest first, as far back as it is kept
(CAMENA_HISTORY). Deleted elements are found, too.`,
		Example: `  camena elements history Connection::quickstart
  camena elements history 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10 -o json`,
	}, &output{masks: true}, func(ctx context.Context, m *client.Client, args []string) (*view, error) {
		a, err := events.Ask(ctx, m, &events.History{ElementRef: reference(args[0])})
		if events.CodeOf(err) == events.CodeNotFound {
			err = fmt.Errorf("there is no history of %s", args[0]) // the repository names a guid
		}
		return &view{document: a.Changes, tables: []*table{historyTable(a.Changes)}, none: "nothing is kept"}, err
	})
}

func historyTable(changes []events.Entry) *table {
	return list(newTable("SEQUENCE", "TIME", "CHANGE", "VERSION", "ACTOR", "CHANGED"), changes, func(e *events.Entry) []string {
		c := connectors.Change{Type: e.Type, Actor: e.Actor, Element: e.Element, Relationship: e.Relationship}
		s := subjectOf(&c)
		return []string{
			strconv.FormatUint(e.Sequence, 10), timestamp(e.Time), changeName(e.Type), number(s.header.Versions.Version), orDash(actor(&c, s.header)), s.detail,
		}
	})
}
