package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) elementsLinkCommand() *cobra.Command {
	o, a, when := p.operation(), p.attributes(), &period{}
	var merge bool
	var guid string
	cmd := &cobra.Command{
		Use: "link TYPE END1 END2", Short: "Relate two elements, or change how they are related",
		Long: `Relate two elements, or change how they are related: the properties of the relationship become those that are
given; with --merge the others stay. Ends are named by qualified name or guid.`,
		Example: `  camena elements link DataFlow Topic::orders Topic::invoices --set label=copies
  camena elements link DataFlow Topic::orders Topic::invoices --merge --set description='Every night'`,
		Args: arguments(3, "the type of the relationship", "the element at end 1", "the element at end 2"),
	}
	a.flags(cmd)
	a.clears(cmd)
	when.flags(cmd, o, "/relationship")
	cmd.Flags().BoolVar(&merge, "merge", false, "keep the properties that are not given")
	cmd.Flags().StringVar(&guid, "guid", "", "the guid of the relationship, for imports and where there are several of the type")
	o.flags(cmd)
	o.expects(cmd)
	o.words = append(o.words, word{pointer: "/relationship/guid", flag: "--guid"})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about = fmt.Sprintf("%s %s → %s", args[0], args[1], args[2])
		o.words = append(o.words, a.words("/relationship/properties")...)
		return o.run(cmd.Context(), "linked", func(ctx context.Context, m *client.Client) (events.Command, error) {
			properties, err := a.properties(ctx, m, args[0])
			spec := events.RelationshipSpec{GUID: guid, Type: args[0], End1: reference(args[1]), End2: reference(args[2]), Properties: properties}
			if err == nil {
				err = when.half(o, func() (*events.ElementHeader, error) { return linkHeader(ctx, m, &spec) })
			}
			spec.Effectivity = when.effectivity()
			return &events.Link{Merge: merge, Expectation: o.expectation, Relationship: spec}, err
		})
	}
	return cmd
}

func (p *program) elementsUnlinkCommand() *cobra.Command {
	o := p.operation()
	cmd := &cobra.Command{
		Use: "unlink TYPE END1 END2 | GUID", Short: "Remove a relationship",
		Long: `Remove a relationship. One of several of the same type between the same two elements is named by its guid; "camena
elements related -o json" tells that.`,
		Example: `  camena elements unlink DataFlow Topic::orders Topic::invoices
  camena elements unlink 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && reference(args[0]).GUID == "" {
				return fmt.Errorf("%q is no guid; name the relationship by type and ends, or by its guid", args[0])
			}
			least := 3
			if len(args) == 1 {
				least = 1
			}
			return arguments(least, "the type of the relationship", "the element at end 1", "the element at end 2")(cmd, args)
		},
	}
	o.flags(cmd)
	o.expects(cmd)
	o.removing(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		command := &events.Unlink{GUID: args[0]}
		o.about = args[0]
		if len(args) > 1 {
			command = &events.Unlink{Type: args[0], End1: reference(args[1]), End2: reference(args[2])}
			o.about = fmt.Sprintf("%s %s → %s", args[0], args[1], args[2])
		}
		return o.run(cmd.Context(), "unlinked", func(context.Context, *client.Client) (events.Command, error) {
			command.Expectation = o.expectation
			return command, nil
		})
	}
	return cmd
}

func (p *program) elementsFromTemplateCommand() *cobra.Command {
	o, a := p.operation(), p.attributes()
	var command events.FromTemplate
	cmd := &cobra.Command{
		Use: "from-template TEMPLATE", Short: "Create an element as a copy of a template",
		Long: `Create an element as a copy of a template, which is an element that is classified as Template, and with it copies of
what is anchored to the template. ~{name}~ in its texts is replaced by the placeholder of that name. The new element is
linked to the template by SourcedFrom. It is in the zones of new elements, not in those of the template.`,
		Example: `  camena elements from-template 'Server::~{host}~' --placeholder host=alpha --placeholder port=5432
  camena elements from-template 'Server::~{host}~' --name Server::main --placeholder host=alpha --placeholder port=5432 --retrieve`,
		Args: one("the template, by its qualified name or guid", "camena elements list --classification Template"),
	}
	where, f := &placement{cmd: cmd}, cmd.Flags()
	f.StringToStringVar(&command.Placeholders, "placeholder", nil, "a placeholder, as name=value; may be given again")
	f.StringVar(&command.QualifiedName, "name", "", "the qualified name of the new element; default: that of the template, with its placeholders")
	f.StringVar(&command.GUID, "guid", "", "its guid; default: made of the qualified name")
	f.StringVar(&where.anchor, "anchor", "", "the element that it belongs to, by qualified name or guid")
	f.StringSliceVar(&where.zoneNames, "zone", nil, `a governance zone that it and its parts are members of; may be given again; "" for none; default: those of new elements`)
	f.BoolVar(&command.Retrieve, "retrieve", false, "take the element of that name as it is, if there is one")
	a.flags(cmd)
	a.clears(cmd)
	o.flags(cmd)
	o.words = append(o.words, word{pointer: "/placeholders", flag: "--placeholder"}, word{pointer: "/qualifiedName", flag: "--name"}, word{pointer: "/guid", flag: "--guid"}, word{pointer: "/anchor", flag: "--anchor"}, word{pointer: "/zones", flag: "--zone"})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.family = true
		o.words = append(o.words, a.words("/properties")...)
		return o.run(cmd.Context(), "created", func(ctx context.Context, m *client.Client) (events.Command, error) {
			command.Template = reference(args[0])
			command.Zones = where.zones()
			if where.anchor != "" {
				command.Anchor = reference(where.anchor)
			}
			if !a.given() {
				return &command, nil
			}
			template, err := m.Get(ctx, events.Get{ElementRef: command.Template})
			if err != nil {
				return nil, err
			}
			command.Properties, err = a.properties(ctx, m, typeOf(&template))
			return &command, err
		})
	}
	return cmd
}
