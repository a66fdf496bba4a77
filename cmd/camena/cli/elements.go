package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) elementsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "elements", Aliases: []string{"element"},
		Short: "Look at metadata elements, and change them",
		Long: `Look at metadata elements, and change them. Elements are named by qualified name or guid. Commands that change
something tell what they would change with --dry-run, and change nothing then.`,
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
		p.elementsRelatedCommand(), p.elementsGraphCommand(), p.elementsLineageCommand(),
		p.elementsCreateCommand(), p.elementsUpdateCommand(), p.elementsUpsertCommand(), p.elementsDeleteCommand(), p.elementsRestoreCommand(),
		p.elementsClassifyCommand(), p.elementsDeclassifyCommand(), p.elementsPublishCommand(), p.elementsWithdrawCommand(),
		p.elementsRetypeCommand(), p.elementsRehomeCommand(), p.elementsFromTemplateCommand(),
		p.elementsLinkCommand(), p.elementsUnlinkCommand(), p.externalIDCommand(),
	)
	return cmd
}

// reference is an element as it is named on the command line.
func reference(argument string) events.ElementRef {
	if _, err := uuid.Parse(argument); err == nil && len(argument) == len(uuid.Nil.String()) {
		return events.ByGUID(argument)
	}
	return events.ByName(argument)
}

// paging is how much of a long answer to show.
type paging struct {
	limit int
	all   bool
}

func (g *paging) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&g.limit, "limit", 100, "show so many at most")
	cmd.Flags().BoolVar(&g.all, "all", false, "show every one")
	checkFirst(cmd, func(*cobra.Command) error {
		return errors.Join(exclusive(cmd, "limit", "all"), atLeast("limit", g.limit, 1))
	})
}

// page is what to ask for when n have been shown.
func (g *paging) page(n int, after string) events.Page {
	limit := events.MaxPage
	if !g.all {
		limit = min(limit, g.limit-n)
	}
	return events.Page{Limit: limit, After: after}
}

// enough reports whether n are all that is asked for.
func (g *paging) enough(n int) bool { return !g.all && n >= g.limit }

// collect asks page by page. more is true when there is more than asked for.
func collect[T any](g *paging, ask func(events.Page) ([]T, string, error)) (items []T, more bool, err error) {
	items = []T{} // shown as an empty list
	next := ""
	for !g.enough(len(items)) {
		var some []T
		if some, next, err = ask(g.page(len(items), next)); err != nil {
			return nil, false, err
		}
		items = append(items, some...)
		if next == "" {
			return items, false, nil
		}
	}
	return items, next != "", nil
}

func (p *program) tellOfMore(more bool, n int) {
	if more {
		fmt.Fprintf(p.stderr, "there are more than these %d; --all shows every one\n", n)
	}
}

func elementsTable(list []events.Element) *table {
	t := newTable("TYPE", "QUALIFIED NAME", "VERSION", "SOURCE", "CHANGED")
	for i := range list {
		h := &list[i].Header
		t.add(h.Type.Name, cmp.Or(h.QualifiedName, h.GUID), number(h.Versions.Version), orDash(h.Origin.Source), changedAt(h))
	}
	return t
}

func changedAt(h *events.ElementHeader) string {
	if h.Versions.UpdateTime.IsZero() {
		return when(h.Versions.CreateTime)
	}
	return when(h.Versions.UpdateTime)
}

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
	t := newTable()
	t.add("type", strings.Join(append([]string{h.Type.Name}, h.Type.SuperTypes...), " < "))
	if h.QualifiedName != "" {
		t.add("qualified name", h.QualifiedName)
	}
	t.add("guid", h.GUID)
	t.add("version", number(h.Versions.Version))
	t.add("created", timestamp(h.Versions.CreateTime)+" by "+h.Versions.CreatedBy)
	if !h.Versions.UpdateTime.IsZero() {
		t.add("updated", timestamp(h.Versions.UpdateTime)+" by "+h.Versions.UpdatedBy)
	}
	origin := string(h.Origin.Category)
	if h.Origin.Source != "" {
		origin += " " + h.Origin.Source
	}
	if h.Origin.Scope != "" {
		origin += ", scope " + h.Origin.Scope
	}
	t.add("origin", origin)
	if len(h.Zones) > 0 {
		t.add("zones", strings.Join(h.Zones, ", "))
	}
	if h.AnchorGUID != "" {
		t.add("anchor", h.AnchorGUID)
	}
	if period := effective(h.Effectivity); period != "" {
		t.add("effective", period)
	}
	return t
}

// effective tells when something counts; "" if it always does.
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
	values := map[string]jsontext.Value{}
	for name := range p.Map() {
		if v, err := events.Property[jsontext.Value](p, name); err == nil {
			values[name] = v
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text := string(values[name])
		if values[name].Kind() == '"' {
			text = p.String(name)
		}
		t.add(indent+name, text)
	}
}

func (p *program) elementsHistoryCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "history GUID|QUALIFIED_NAME", Short: "Show what happened to an element, oldest first",
		Long: `Show what happened to an element or relationship, oldest first, as far back as it is kept (CAMENA_HISTORY).
Elements that are deleted are found, too.`,
		Example: `  camena elements history Connection::quickstart
  camena elements history 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10 -o json`,
		Args: one("the element, by its qualified name or guid", "camena elements list"),
	}
	o.flag(cmd)
	o.secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withMetadata(cmd.Context(), func(ctx context.Context, m *client.Client) error {
			a, err := m.History(ctx, events.History{ElementRef: reference(args[0])})
			if events.CodeOf(err) == events.CodeNotFound {
				return fmt.Errorf("there is no history of %s", args[0]) // the repository names a guid
			}
			if err != nil {
				return err
			}
			if o.json() {
				return o.print(p.stdout, a.Changes)
			}
			return historyTable(a.Changes).print(p.stdout, "nothing is kept")
		})
	}
	return cmd
}

func historyTable(changes []events.Entry) *table {
	t := newTable("SEQUENCE", "TIME", "CHANGE", "VERSION", "ACTOR", "CHANGED")
	for i := range changes {
		e := &changes[i]
		c := connectors.Change{Type: e.Type, Actor: e.Actor, Element: e.Element, Relationship: e.Relationship}
		s := subjectOf(&c)
		t.add(strconv.FormatUint(e.Sequence, 10), timestamp(e.Time), what(e.Type), number(s.header.Versions.Version), orDash(actor(&c, s.header)), s.detail)
	}
	return t
}
