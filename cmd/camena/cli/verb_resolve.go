package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// resolveVerb lets one side of a thing win that is in conflict.
func resolveVerb() *verb {
	c := &resolution{}
	winners := oneOf(&c.winner, "", []string{"none", "open-metadata", "third-party"}, "", events.SyncTo, events.SyncFrom)
	return &verb{
		use:     "resolve QUALIFIED_NAME|GUID IDENTIFIER --scope QUALIFIED_NAME|GUID --winner WORD",
		short:   "Let one side win a conflict that halts the synchronization of an element",
		command: &c.UpdateRelationship, args: []any{&c.element, &c.identifier},
		long: `It shows what is recorded of both sides, and sets permittedSynchronization on the link that the connector
uses, for the metadata source that owns the link. The next refresh makes the other side the same. From then on that side
leads until --winner none: then changes go both ways, as far as connector and catalog target permit.`,
		example: `  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner open-metadata --dry-run
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner open-metadata
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner none`,
		flags:    append(scopeFlag(&c.scope), flag{"winner", "/winner", winners, "open-metadata, third-party or none"}),
		required: []string{"scope", "winner"}, prepare: c.prepare, done: "resolved", parts: true,
	}
}

// resolution lets one side win: it changes the link to an identifier.
type resolution struct {
	events.UpdateRelationship
	element, scope events.ElementRef
	identifier     string
	winner         events.PermittedSynchronization
}

// prepare shows what is known of both sides and makes the command that lets one win.
func (c *resolution) prepare(ctx context.Context, m *client.Client, o *operation) error {
	e, link, err := m.IdentifierLink(ctx, c.element, c.scope, c.identifier)
	if errors.Is(err, client.ErrNoIdentifier) {
		err = fmt.Errorf(`%w; "camena elements external-id add" with --link permittedSynchronization records one`, err)
	}
	if err != nil {
		return explain(err, flagPointer{"/scope", "--scope", false})
	}
	known, err := connectors.SyncLinkOf(link)
	if err != nil {
		return err
	}
	permitted := map[string]any{"permittedSynchronization": nil}
	if c.winner != "" {
		permitted["permittedSynchronization"] = c.winner
	}
	c.Relationship.GUID, c.Properties = link.Header.GUID, events.Props(permitted)
	o.origin.Source = cmp.Or(o.origin.Source, link.Header.Origin.Source)
	if o.output.json() {
		return nil
	}
	return sidesTable(e, link, known).print(o.p.stdout, "")
}

// sidesTable shows when either side changed, and when they were the same.
func sidesTable(e *events.Element, link *events.Relationship, known connectors.SyncLink) *table {
	v := &e.Header.Versions
	t := newTable("SIDE", "CHANGED", "BY", "LAST SYNCHRONIZED STATE")
	t.add("open metadata", timestamp(v.LastChange()), cmp.Or(v.UpdatedBy, v.CreatedBy), orDash(timestamp(known.OpenChanged)))
	t.add("third party", "see the connector", "-", orDash(timestamp(known.ThirdPartyChanged)))
	t.add("the link", orDash(timestamp(link.Header.Versions.LastChange())), cmp.Or(link.Header.Origin.Source, "no source"),
		cmp.Or(string(known.Permitted), "no winner")+", synchronized "+orDash(timestamp(known.LastSynchronized)))
	return t
}
