package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// typeExternalIDLink relates an element to what another system calls it.
const typeExternalIDLink = "ExternalIdLink"

// resolution lets one side of a thing that is in conflict win.
type resolution struct {
	*operation
	winner string
}

func (p *program) externalIDResolveCommand() *cobra.Command {
	r := &resolution{operation: p.operation()}
	cmd := &cobra.Command{
		Use: "resolve", Short: "Let one side win a conflict that halts the synchronization of an element",
		Long: `Let one side win a conflict that halts the synchronization of an element: what both sides have, as far as it is
recorded, is shown, and permittedSynchronization is set on the link that the connector goes by, on behalf of the metadata
source to which that belongs. The next refresh of the connector then makes the other side the same. From then on that side
leads until --winner none: then what changes on either side goes to the other one, as connector and catalog target permit.`,
		Example: `  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner open-metadata --dry-run
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner open-metadata
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner none`,
	}
	cmd.Flags().StringVar(&r.winner, "winner", "", "open-metadata, third-party or none")
	checkFirst(cmd, func(*cobra.Command) error {
		if r.winner == "" {
			return errors.New("--winner is missing: open-metadata, third-party or none")
		}
		if _, ok := winners()[r.winner]; !ok {
			return fmt.Errorf("--winner: %q is none of open-metadata, third-party, none", r.winner)
		}
		return nil
	})
	r.externalID(cmd, "resolved", r.command)
	cmd.Flags().Lookup("source").Usage = "qualified name of the metadata source on whose behalf; none: the one that the link belongs to"
	return cmd
}

// winners are the directions in which things go until the conflict is over; nil
// leaves the direction to connector and target.
func winners() map[string]any {
	return map[string]any{"open-metadata": string(events.SyncTo), "third-party": string(events.SyncFrom), "none": nil}
}

// command shows what is known and returns what lets one side win.
func (r *resolution) command(ctx context.Context, m *client.Client, x events.ExternalID) (events.Command, error) {
	a, err := m.Get(ctx, events.Get{ElementRef: x.Element})
	if err != nil {
		return nil, err
	}
	if a.Element == nil {
		return nil, fmt.Errorf("%s is a relationship, not an element", x.Element.GUID)
	}
	link, err := identifierLink(ctx, m, a.Element, x)
	if err != nil {
		return nil, err
	}
	known, err := connectors.SyncLinkOf(link)
	if err != nil {
		return nil, err
	}
	r.source = cmp.Or(r.source, link.Header.Origin.Source)
	if !r.output.json() {
		if err := sidesTable(a.Element, link, known).print(r.p.stdout, ""); err != nil {
			return nil, err
		}
	}
	return &events.UpdateRelationship{
		Relationship: events.RelationshipRef{GUID: link.Header.GUID},
		Properties:   events.Props(map[string]any{"permittedSynchronization": winners()[r.winner]}),
	}, nil
}

// sidesTable shows when either side changed, and when they were the same.
func sidesTable(e *events.Element, link *events.Relationship, known connectors.SyncLink) *table {
	v := &e.Header.Versions
	t := newTable("SIDE", "CHANGED", "BY", "LAST SYNCHRONIZED STATE")
	t.add("open metadata", timestamp(v.LastChange()), cmp.Or(v.UpdatedBy, v.CreatedBy), momentOrDash(known.OpenChanged))
	t.add("third party", "see the connector", "-", momentOrDash(known.ThirdPartyChanged))
	t.add("the link", momentOrDash(link.Header.Versions.LastChange()), cmp.Or(link.Header.Origin.Source, "no source"),
		cmp.Or(string(known.Permitted), "no winner")+", synchronized "+momentOrDash(known.LastSynchronized))
	return t
}

func momentOrDash(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return timestamp(at)
}

// identifierLink finds the link from an element to an identifier in a scope.
func identifierLink(ctx context.Context, m *client.Client, e *events.Element, x events.ExternalID) (*events.Relationship, error) {
	scope, err := m.Get(ctx, events.Get{ElementRef: x.Scope})
	if err != nil {
		return nil, fmt.Errorf("--scope: %w", err)
	}
	if scope.Element == nil {
		return nil, errors.New("--scope: it is a relationship, not an element")
	}
	h := &scope.Element.Header
	name := events.ExternalIDName(cmp.Or(h.QualifiedName, h.GUID), x.Identifier)
	all, _, err := collect(&paging{all: true}, func(p events.Page) ([]events.RelatedElement, string, error) {
		a, err := m.Related(ctx, events.Related{
			ElementRef: events.ByGUID(e.Header.GUID), Relationship: typeExternalIDLink, End: 1, IncludeArchived: true, Page: p,
		})
		return a.Related, a.Next, err
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Element.Header.QualifiedName == name {
			return &all[i].Relationship, nil
		}
	}
	return nil, fmt.Errorf("%s has no identifier %q in the scope of %s; \"camena elements external-id add\" with --link permittedSynchronization notes one",
		cmp.Or(e.Header.QualifiedName, e.Header.GUID), x.Identifier, cmp.Or(h.QualifiedName, h.GUID))
}
