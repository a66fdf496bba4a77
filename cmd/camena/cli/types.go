package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/manifest"
)

func (p *program) typesCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "types", Aliases: []string{"type"}, Short: "Show the types of metadata, and add types",
		Long: `Show the types of elements, relationships and classifications, and the enums and structs that their
attributes hold. Camena ships the types of Egeria; others are added while it runs. docs/types.md describes them.`,
		Example: `  camena types list --below Asset
  camena types get DataFile
  camena types apply -f my-types.yaml --dry-run`,
	}, p.typesListCommand(), p.typesGetCommand(), p.typesApplyCommand())
}

func (p *program) typesListCommand() *cobra.Command {
	var kind, below string
	var q events.Types
	cmd := &cobra.Command{
		Use: "list", Short: "List types in the order of their names",
		Example: `  camena types list --kind relationship
  camena types list --below Asset
  camena types list --defined`,
	}
	kinds := []string{
		string(events.KindElement), string(events.KindRelationship), string(events.KindClassification), string(events.KindEnum), string(events.KindStruct),
	}
	f := cmd.Flags()
	f.Var(oneOf(&kind, "", kinds), "kind", "only "+strings.Join(kinds, ", "))
	f.StringVar(&below, "below", "", "only this type and its subtypes")
	f.BoolVar(&q.Defined, "defined", false, "only types that were added or changed")
	return p.shows(answerTime, cmd, &output{list: true}, func(ctx context.Context, m *client.Client, _ []string) (*view, error) {
		known, err := m.Types(ctx, q)
		if err == nil && below != "" {
			known, err = typesBelow(ctx, m, known, below)
		}
		known = slices.DeleteFunc(known, func(t events.KnownType) bool { return kind != "" && t.Kind != events.TypeKind(kind) })
		return &view{document: known, tables: []*table{typesTable(known)}, none: "no type matches"}, err
	})
}

// typesBelow keeps a type and its subtypes.
func typesBelow(ctx context.Context, m *client.Client, list []events.KnownType, super string) ([]events.KnownType, error) {
	types, err := m.RegistryOrBuiltin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := client.FindType(types, super); err != nil {
		return nil, fmt.Errorf("--below: %w", err)
	}
	subtypes := types.Subtypes(super)
	return slices.DeleteFunc(list, func(t events.KnownType) bool { return !slices.Contains(subtypes, t.Name) }), nil
}

// typesTable shows the ends of types that are all of relationships.
func typesTable(all []events.KnownType) *table {
	if !slices.ContainsFunc(all, func(t events.KnownType) bool { return t.Kind != events.KindRelationship }) {
		return list(newTable("TYPE", "END 1", "END 2", "FROM", "DESCRIPTION"), all, func(t *events.KnownType) []string {
			return []string{t.Name, endOf(t.End1, t.SuperType), endOf(t.End2, t.SuperType), comesFrom(t.Defined), t.Description}
		})
	}
	return list(newTable("TYPE", "KIND", "SUPER TYPE", "FROM", "DESCRIPTION"), all, func(t *events.KnownType) []string {
		return []string{t.Name, string(t.Kind), orDash(t.SuperType), comesFrom(t.Defined), t.Description}
	})
}

// endOf shows an end; a type that does not define it inherits it.
func endOf(end *events.EndDef, super string) string {
	switch {
	case end != nil && end.Cardinality == events.CardinalityOne:
		return end.Type + " (one)"
	case end != nil:
		return end.Type
	case super != "":
		return "as " + super
	default:
		return "-"
	}
}

func comesFrom(defined bool) string {
	if defined {
		return "the bus"
	}
	return "Camena"
}

func (p *program) typesGetCommand() *cobra.Command {
	return p.shows(answerTime, &cobra.Command{
		Use: "get TYPE", Short: "Show a type with its inherited attributes",
		Example: `  camena types get DataFile
  camena types get SemanticAssignment -o json`,
	}, &output{}, func(ctx context.Context, m *client.Client, args []string) (*view, error) {
		t, err := m.Type(ctx, args[0])
		if err != nil {
			return nil, err
		}
		return &view{document: t, tables: typeTables(t)}, nil
	})
}

func typeTables(v *client.Type) []*table {
	t := newTable()
	t.add("type", strings.Join(append([]string{v.Name}, v.SuperTypes...), " < "))
	t.add("kind", string(v.Kind))
	t.add("from", comesFrom(v.Defined))
	t.add("description", v.Description)
	if v.Deprecated {
		t.add("deprecated", cmp.Or(v.ReplacedBy, "without a replacement"))
	}
	t.known("subtypes", strings.Join(v.Subtypes, ", "))
	t.known("classifies", strings.Join(v.ValidFor, ", "))
	for i, end := range []*events.EndDef{v.End1, v.End2} {
		if end != nil {
			t.add("end "+strconv.Itoa(i+1), fmt.Sprintf("%s, %s, as %s", end.Type, end.Cardinality, orDash(end.Name)))
		}
	}
	if v.MultiLink {
		t.add("multi-link", "several may relate the same two elements")
	}
	if len(v.Values) == 0 && len(v.AllAttributes) == 0 {
		return []*table{t}
	}
	return []*table{t, typeMembers(v)}
}

// typeMembers shows the values of an enum, or the attributes.
func typeMembers(v *client.Type) *table {
	if len(v.Values) > 0 {
		return list(newTable("VALUE", "ORDINAL", "DESCRIPTION"), v.Values, func(e *events.EnumValue) []string {
			return []string{e.Name, strconv.Itoa(e.Ordinal), e.Description}
		})
	}
	return list(newTable("ATTRIBUTE", "HOLDS", "", "FROM", "DESCRIPTION"), v.AllAttributes, func(a *client.Attribute) []string {
		var marks []string
		if a.Required {
			marks = append(marks, "required")
		}
		if a.Deprecated {
			marks = append(marks, "deprecated")
		}
		return []string{a.Name, a.Type, strings.Join(marks, ", "), a.From, a.Description}
	})
}

func (p *program) typesApplyCommand() *cobra.Command {
	return p.filesCommand(&cobra.Command{
		Use: "apply -f FILE...", Short: "Add types, or change some in a compatible way",
		Long: `Add types, or change some in a way that leaves all metadata valid. The types of all files are defined
together or not at all, so they may refer to each other in any order. A definition is whole: give all attributes, also
those that the type has already.

  types:
    - kind: element
      name: Pump
      superType: Asset
      description: A pump.
      attributes:
        - {name: litresPerMinute, type: int, description: What it moves.}`,
		Example: `  camena types apply -f my-types.yaml --dry-run
  camena types apply -f my-types/              # every .yaml file of a folder`,
	}, "file of types, folder of such, or - for the standard input", (*manifest.Reader).Types)
}
