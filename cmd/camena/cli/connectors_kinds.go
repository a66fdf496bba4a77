package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events/suggest"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) connectorsKindsCommand() *cobra.Command {
	o := &output{}
	cmd := &cobra.Command{
		Use: "kinds [KIND]", Short: "List the kinds of connectors that this program has, or show one",
		Long: `List the kinds of connectors that this program can run, or show what the configuration of one kind is. With -o json
that is a JSON Schema. It asks no installation.`,
		Example: "  camena connectors kinds\n  camena connectors kinds files\n  camena connectors kinds files -o json",
	}
	o.flag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return p.show(o, p.kinds())
		}
		f, ok := p.offered.Factory(args[0])
		if !ok {
			return fmt.Errorf("there is no kind %q%s", args[0], suggest.Nearest(args[0], p.offered.Kinds()))
		}
		return p.show(o, kindView(&f))
	}
	return cmd
}

func (p *program) kinds() *view {
	all := []map[string]any{}
	t := newTable("KIND", "DESCRIPTION")
	for _, kind := range p.offered.Kinds() {
		f, _ := p.offered.Factory(kind)
		all = append(all, f.Schema())
		t.add(kind, f.Description)
	}
	return &view{document: all, tables: []*table{t}, none: "this program has no connectors"}
}

func kindView(f *connectors.Factory) *view {
	t := newTable("FIELD", "TYPE", "REQUIRED", "DEFAULT", "DESCRIPTION")
	for i := range f.Fields {
		field := &f.Fields[i]
		t.add(field.ID, string(field.Type), yesNo(field.Required), fieldDefault(field), fieldText(field))
	}
	return &view{document: f.Schema(), tables: []*table{t}, none: "its configuration is not declared"}
}

func fieldDefault(f *dataservice.Field) string {
	if value := f.Default["value"]; value != nil {
		return fmt.Sprint(value)
	}
	return "-"
}

func fieldText(f *dataservice.Field) string {
	var words []string
	for _, o := range f.Options {
		words = append(words, o.Value)
	}
	if len(words) == 0 {
		return f.Label
	}
	return f.Label + ": " + strings.Join(slices.Clip(words), ", ")
}

func (p *program) connectorsCheckCommand() *cobra.Command {
	return p.shows(answerTime, &cobra.Command{
		Use: "check NAME", Short: "Test the connection of a connector that runs",
		Long:    `The same as "camena connection test".`,
		Example: "  camena connectors check orders-db",
	}, &output{}, testConnection)
}

// testConnection lets a connector reach its third party.
func testConnection(ctx context.Context, c *client.Client, args []string) (*view, error) {
	_, err := client.One[nothing](ctx, c.Connection(args[0]), dataservice.VerbTest, nothing{})
	return &view{document: map[string]string{"connector": args[0], "state": "ACTIVE"}, lines: []string{args[0] + " reaches its third party"}}, err
}
