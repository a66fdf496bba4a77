package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// specified are the flags that say how an element is to be.
type specified struct {
	attributes *attributes
	where      *placement
	unknown    events.UnknownProperties
	guid       string
	marks      []string
}

func (p *program) specified(cmd *cobra.Command, o *operation) *specified {
	s := &specified{attributes: p.attributes(), where: &placement{}}
	s.attributes.flags(cmd)
	s.where.flags(cmd, o, "/element")
	unknown(cmd, &s.unknown)
	cmd.Flags().StringVar(&s.guid, "guid", "", "its guid, for imports; default: made of the qualified name")
	cmd.Flags().StringSliceVar(&s.marks, "classification", nil, "a classification without properties that it has; may be given again")
	o.words = append(o.words, word{pointer: "/element/guid", flag: "--guid"}, word{pointer: "/element/classifications", flag: "--classification"},
		word{pointer: "/element/anchor", flag: "--anchor"}, word{pointer: "/element/type", flag: ""}, word{pointer: "/element/qualifiedName", flag: ""})
	return s
}

// spec is what the flags and arguments say.
func (s *specified) spec(ctx context.Context, m *client.Client, o *operation, args []string) (events.ElementSpec, error) {
	spec := events.ElementSpec{GUID: s.guid, Type: args[0]}
	o.about, o.nameless = args[0], len(args) == 1
	if len(args) > 1 {
		if err := events.CheckTypedName("/element/qualifiedName", args[1]); err != nil {
			return spec, err
		}
		spec.QualifiedName = args[1]
		o.about += " " + args[1]
	}
	o.words = append(o.words, s.attributes.words("/element/properties")...)
	for _, name := range s.marks {
		spec.Classifications = append(spec.Classifications, events.Classification{Name: name})
	}
	if o.versioned { // an upsert, of what may be there
		if err := s.where.half(o, func() (*events.ElementHeader, error) { return headerOf(ctx, m, spec.Ref()) }); err != nil {
			return spec, err
		}
	}
	spec.Zones, spec.Effectivity = s.where.zones(), s.where.effectivity()
	if s.where.anchor != "" {
		spec.Anchor = reference(s.where.anchor)
	}
	var err error
	spec.Properties, err = s.attributes.properties(ctx, m, spec.Type)
	return spec, err
}

func (p *program) elementsCreateCommand() *cobra.Command {
	o := p.operation()
	cmd := &cobra.Command{
		Use: "create TYPE [QUALIFIED_NAME]", Short: "Create an element",
		Long: `Create an element that must not be there yet; "upsert" also changes one that is. Types that are not
Referenceable need no name.`,
		Example: `  camena elements create Topic Topic::returns --set displayName=returns
  camena elements create DataFile DataFile::c.csv --properties '{"displayName": "a"}' --zone sales --anchor FileFolder::in
  camena elements create Topic Topic::x --set color=red --unknown keep --dry-run`,
		Args: arguments(1, "the type", "the qualified name"),
	}
	s := p.specified(cmd, o)
	o.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return o.run(cmd.Context(), "created", func(ctx context.Context, m *client.Client) (events.Command, error) {
			spec, err := s.spec(ctx, m, o, args)
			return &events.Create{Element: spec, UnknownProperties: s.unknown}, err
		})
	}
	return cmd
}

func (p *program) elementsUpsertCommand() *cobra.Command {
	o := p.operation()
	var merge bool
	cmd := &cobra.Command{
		Use: "upsert TYPE QUALIFIED_NAME", Short: "Create an element, or make it what is given",
		Long: `Create an element, or make one that is there what is given: properties that are not given are removed, unless
with --merge. Zones, classifications, anchor and effectivity that are not given stay as they are.`,
		Example: `  camena elements upsert Topic Topic::orders --set displayName=orders
  camena elements upsert Topic Topic::orders --merge --set description='All orders' --clear displayName`,
		Args: arguments(2, "the type", "the qualified name"),
	}
	s := p.specified(cmd, o)
	s.attributes.clears(cmd)
	cmd.Flags().BoolVar(&merge, "merge", false, "keep the properties that are not given")
	o.flags(cmd)
	o.expects(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return o.run(cmd.Context(), upserted, func(ctx context.Context, m *client.Client) (events.Command, error) {
			spec, err := s.spec(ctx, m, o, args)
			return &events.Upsert{Element: spec, Merge: merge, UnknownProperties: s.unknown, Expectation: o.expectation}, err
		})
	}
	return cmd
}

func (p *program) elementsUpdateCommand() *cobra.Command {
	o, a, where := p.operation(), p.attributes(), &placement{}
	var replace bool
	var extra events.UnknownProperties
	cmd := &cobra.Command{
		Use: "update QUALIFIED_NAME|GUID", Short: "Change properties of an element, or of a relationship by its guid",
		Long: `Change properties of an element, or of a relationship by its guid. What is not given stays as it is, unless
with --replace, which removes the properties that are not given.`,
		Example: `  camena elements update Topic::orders --set description='All orders' --clear displayName
  camena elements update Topic::orders --properties @topic.json --replace --expect-version 3
  camena elements update Topic::orders --effective-to 2027-01-01 --zone sales`,
		Args: one("the element, by its qualified name or guid", "camena elements list"),
	}
	a.flags(cmd)
	a.clears(cmd)
	where.flags(cmd, o, "")
	unknown(cmd, &extra)
	cmd.Flags().BoolVar(&replace, "replace", false, "remove the properties that are not given")
	o.flags(cmd)
	o.expects(cmd)
	checkFirst(cmd, func(cmd *cobra.Command) error { return exclusive(cmd, "clear", "replace") })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about = args[0]
		o.words = append(o.words, a.words("/properties")...)
		return o.run(cmd.Context(), "updated", func(ctx context.Context, m *client.Client) (events.Command, error) {
			target, err := m.Get(ctx, events.Get{ElementRef: reference(args[0])})
			if err != nil {
				return nil, err
			}
			properties, err := a.properties(ctx, m, typeOf(&target))
			if err != nil {
				return nil, err
			}
			if err := where.half(o, func() (*events.ElementHeader, error) { return header(&target), nil }); err != nil {
				return nil, err
			}
			if target.Relationship != nil {
				return &events.UpdateRelationship{
					Relationship: events.RelationshipRef{GUID: args[0]}, Properties: properties,
					Effectivity: where.effectivity(), Replace: replace, Expectation: o.expectation,
				}, nil
			}
			return &events.Update{
				Element: reference(args[0]), Properties: properties, Zones: where.zones(), Effectivity: where.effectivity(),
				Replace: replace, UnknownProperties: extra, Expectation: o.expectation,
			}, nil
		})
	}
	return cmd
}

// header is that of what was asked for.
func header(a *events.ElementAnswer) *events.ElementHeader {
	if a.Relationship != nil {
		return &a.Relationship.Header
	}
	return &a.Element.Header
}

// typeOf is the type of what was asked for.
func typeOf(a *events.ElementAnswer) string { return header(a).Type.Name }
