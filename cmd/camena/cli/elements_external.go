package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) externalIDCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "external-id", Short: "Note by what identifiers other systems know an element",
		Long: `Note by what identifiers other systems know an element. An identifier is valid in the scope of an element that
stands for the other system, such as a SoftwareCapability.`,
		Example: `  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner third-party`,
	}
	cmd.AddCommand(p.externalIDAddCommand(), p.externalIDRemoveCommand(), p.externalIDConfirmCommand(), p.externalIDResolveCommand())
	return cmd
}

// externalID completes a command about an identifier: its arguments, its scope.
func (o *operation) externalID(cmd *cobra.Command, did string, build func(context.Context, *client.Client, events.ExternalID) (events.Command, error)) *cobra.Command {
	var scope string
	cmd.Use += " QUALIFIED_NAME|GUID IDENTIFIER --scope QUALIFIED_NAME|GUID"
	cmd.Args = arguments(2, "the element", "the identifier")
	cmd.Flags().StringVar(&scope, "scope", "", "the element that stands for the system in which the identifier is valid")
	o.flags(cmd)
	o.words = append(o.words, word{pointer: "/scope", flag: "--scope"})
	checkFirst(cmd, func(*cobra.Command) error {
		if scope == "" {
			return errors.New("--scope is missing: the element that stands for the system in which the identifier is valid")
		}
		return nil
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about, o.parts = args[0]+" "+args[1], true
		return o.run(cmd.Context(), did, func(ctx context.Context, m *client.Client) (events.Command, error) {
			return build(ctx, m, events.ExternalID{Element: reference(args[0]), Scope: reference(scope), Identifier: args[1]})
		})
	}
	return cmd
}

func (p *program) externalIDAddCommand() *cobra.Command {
	o, id, link := p.operation(), p.attributes(), p.attributes()
	link.name = "link"
	cmd := &cobra.Command{
		Use: "add", Short: "Note that an element has an identifier in another system",
		Long: `Note that an element has an identifier in another system. --set gives properties of the ExternalId, --link those of
the ExternalIdLink. Several elements may have one identifier, which belongs to the metadata source that made it.`,
		Example: `  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm \
    --set keyPattern=LOCAL_KEY --link permittedSynchronization=FROM_THIRD_PARTY --link 'mappingProperties={"table": "C"}'`,
	}
	id.flags(cmd)
	cmd.Flags().StringArrayVar(&link.set, "link", nil, "a property of the link, as name=value; may be given again")
	return o.externalID(cmd, "linked", func(ctx context.Context, m *client.Client, x events.ExternalID) (events.Command, error) {
		o.words = append(append(o.words, id.words("/properties")...), link.words("/link")...)
		c := &events.LinkExternalID{ExternalID: x}
		var err, linkErr error
		c.Properties, err = id.properties(ctx, m, "ExternalId")
		c.Link, linkErr = link.properties(ctx, m, "ExternalIdLink")
		return c, errors.Join(err, linkErr)
	})
}

func (p *program) externalIDRemoveCommand() *cobra.Command {
	o := p.operation()
	cmd := &cobra.Command{
		Use: "remove", Short: "Note that an element has an identifier no more",
		Long: `Note that an element has an identifier no more. When no other element has it, the identifier is deleted, unless it
belongs to another metadata source.`,
		Example: `  camena elements external-id remove Person::17 4711 --scope SoftwareCapability::crm`,
	}
	o.removing(cmd)
	return o.externalID(cmd, "removed", func(_ context.Context, _ *client.Client, x events.ExternalID) (events.Command, error) {
		return &events.UnlinkExternalID{ExternalID: x}, nil
	})
}

func (p *program) externalIDConfirmCommand() *cobra.Command {
	o := p.operation()
	var at timeFlag
	c := &events.ConfirmSynchronization{}
	cmd := &cobra.Command{
		Use: "confirm", Short: "Note that element and other system are the same now",
		Long: `Note that the element and what the identifier names were found, or made, the same (lastSynchronized): what changes
on either side after that is newer.`,
		Example: `  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm --time 2026-05-01T08:00:00Z`,
	}
	cmd.Flags().Var(&at, "time", "when that was; without it now")
	checkFirst(cmd, func(*cobra.Command) error {
		if at.After(time.Now()) {
			return errors.New("--time: that is still to come")
		}
		return nil
	})
	return o.externalID(cmd, "confirmed", func(_ context.Context, _ *client.Client, x events.ExternalID) (events.Command, error) {
		c.ExternalID, c.Time = x, at.Time
		return c, nil
	})
}
