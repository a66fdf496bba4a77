package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) elementsClassifyCommand() *cobra.Command {
	o, a, when := p.operation(), p.attributes(), &period{}
	var merge bool
	cmd := &cobra.Command{
		Use: "classify QUALIFIED_NAME|GUID CLASSIFICATION", Short: "Put a classification on an element, or change the one it has",
		Long: `Put a classification on an element, or change the one it has: its properties become those that are given;
with --merge the others stay, as does the one of --effective-from and --effective-to that is not given.`,
		Example: `  camena elements classify Topic::orders Confidentiality --set levelIdentifier=2
  camena elements classify Topic::orders Confidentiality --merge --set notes='asked the owner'`,
		Args: arguments(2, "the element", "the classification"),
	}
	a.flags(cmd)
	a.clears(cmd)
	when.flags(cmd, o, "/classification")
	cmd.Flags().BoolVar(&merge, "merge", false, "keep the properties that are not given")
	o.flags(cmd)
	o.expects(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about = args[0]
		o.words = append(o.words, a.words("/classification/properties")...)
		o.words = append(o.words, word{pointer: "/classification/effectiveTo", flag: "--effective-to"})
		return o.run(cmd.Context(), "classified as "+args[1], func(ctx context.Context, m *client.Client) (events.Command, error) {
			properties, err := a.properties(ctx, m, args[1])
			if err == nil && merge && when.isHalf() {
				err = when.ofClassification(ctx, m, reference(args[0]), args[1])
			}
			return &events.Classify{
				Element: reference(args[0]), Merge: merge, Expectation: o.expectation,
				Classification: events.Classification{Name: args[1], Properties: properties, Effectivity: when.interval},
			}, err
		})
	}
	return cmd
}

// ofClassification keeps the one of the two that is not given.
func (p *period) ofClassification(ctx context.Context, m *client.Client, ref events.ElementRef, name string) error {
	a, err := m.Get(ctx, events.Get{ElementRef: ref})
	if err != nil || a.Element == nil {
		return err
	}
	if c := a.Element.Classification(name); c != nil {
		p.keep(c.Effectivity)
	}
	return nil
}

func (p *program) elementsDeclassifyCommand() *cobra.Command {
	o := p.operation()
	cmd := &cobra.Command{
		Use: "declassify QUALIFIED_NAME|GUID CLASSIFICATION", Short: "Take a classification off an element",
		Example: `  camena elements declassify Topic::orders Confidentiality`,
		Args:    arguments(2, "the element", "the classification"),
	}
	o.flags(cmd)
	o.expects(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about = args[0]
		return o.run(cmd.Context(), "no longer classified as "+args[1], func(context.Context, *client.Client) (events.Command, error) {
			return &events.Declassify{Element: reference(args[0]), ClassificationName: args[1], Expectation: o.expectation}, nil
		})
	}
	return cmd
}

func (p *program) elementsRetypeCommand() *cobra.Command {
	o, a := p.operation(), p.attributes()
	cmd := &cobra.Command{
		Use: "retype QUALIFIED_NAME|GUID TYPE", Short: "Make an element one of another type",
		Long: `Make an element one of another type. It keeps its guid, its name, its relationships, and those properties that
the new type has, too.`,
		Example: `  camena elements retype DataFile::b.csv CSVFile --set 'delimiterCharacter=;'`,
		Args:    arguments(2, "the element", "the new type"),
	}
	a.flags(cmd)
	a.clears(cmd)
	o.flags(cmd)
	o.expects(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about, o.drops = args[0], args[1]+" has no such attribute, so it is dropped"
		o.words = append(o.words, a.words("/properties")...)
		return o.run(cmd.Context(), "now "+article(args[1]), func(ctx context.Context, m *client.Client) (events.Command, error) {
			properties, err := a.properties(ctx, m, args[1])
			return &events.Retype{Element: reference(args[0]), Type: args[1], Properties: properties, Expectation: o.expectation}, err
		})
	}
	return cmd
}

func (p *program) elementsRehomeCommand() *cobra.Command {
	o := p.operation()
	var command events.Rehome
	cmd := &cobra.Command{
		Use: "rehome QUALIFIED_NAME|GUID", Short: "Make an element, or a relationship by its guid, belong to another metadata source",
		Long: `Make an element, or a relationship by its guid, belong to another metadata source, such as when its own is gone.
--from has to be the present one, so that nobody takes over what is not what they think. "" is the repository itself.
Without --source this is the one change that may be made of what belongs to a source; no other source may.`,
		Example: `  camena elements rehome DataFile::a.csv --from IntegrationConnector::old --to IntegrationConnector::new
  camena elements rehome DataFile::a.csv --from IntegrationConnector::old     # for anybody to change
  camena elements rehome 7f0c2c4e-9a53-5d0b-8a51-2f4f1c6d8e90 --from IntegrationConnector::old`,
		Args: one("the element, by its qualified name or guid, or the relationship by its guid", "camena elements list"),
	}
	cmd.Flags().StringVar(&command.From, "from", "", "qualified name of the metadata source that it belongs to")
	cmd.Flags().StringVar(&command.To, "to", "", "qualified name of the one that it is to belong to")
	o.flags(cmd)
	o.expects(cmd)
	o.words = append(o.words, word{pointer: "/from", flag: "--from"}, word{pointer: "/to", flag: "--to"})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about = args[0]
		return o.run(cmd.Context(), "rehomed", func(ctx context.Context, m *client.Client) (events.Command, error) {
			command.Expectation = o.expectation
			related, err := isRelationship(ctx, m, args[0])
			if related {
				command.Relationship = events.RelationshipRef{GUID: args[0]}
			} else {
				command.Element = reference(args[0])
			}
			return &command, err
		})
	}
	return cmd
}

// isRelationship reports whether an argument is the guid of a relationship.
func isRelationship(ctx context.Context, m *client.Client, argument string) (bool, error) {
	ref := reference(argument)
	if ref.GUID == "" {
		return false, nil
	}
	a, err := m.Get(ctx, events.Get{ElementRef: ref})
	return err == nil && a.Relationship != nil, err
}
