package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/manifest"
)

func (p *program) applyCommand() *cobra.Command {
	return p.resourceCommand(&cobra.Command{
		Use:   "apply -f FILE...",
		Short: "Make the metadata what resource files say",
		Long: `Make the metadata what resource files say: types, integration groups, integration connectors, elements,
relationships. What is as the files say is left unchanged. Where there can be only one relationship, the one in the
file replaces the present one. Each document is applied as a whole or not at all. After one that is refused none is
applied, but the mistakes in all are named. docs/configuration.md describes the files.`,
		Example: `  camena apply -f examples/quickstart.yaml
  camena apply -f connectors/        # every .yaml file of a folder
  generate | camena apply -f -`,
	}, (*manifest.Applier).Apply)
}

func (p *program) deleteCommand() *cobra.Command {
	return p.resourceCommand(&cobra.Command{
		Use:   "delete -f FILE...",
		Short: "Remove what resource files describe",
		Long: `Remove what resource files describe, in reverse order. A connector stops; what it cataloged stays, unless
--cataloged is given.`,
		Example: `  camena delete -f examples/quickstart.yaml
  camena delete -f examples/quickstart.yaml --cataloged`,
	}, (*manifest.Applier).Delete)
}

func (p *program) resourceCommand(cmd *cobra.Command, do func(*manifest.Applier, context.Context, []manifest.Resource) error) *cobra.Command {
	var cataloged bool
	files := filesFlag(cmd, "resource file, folder of such, or - for the standard input")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		resources, err := p.readResources(*files)
		if err != nil {
			return err
		}
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			a := p.applier(client.New(b, source))
			a.Cataloged = cataloged
			return do(a, ctx, resources)
		})
	}
	if cmd.Name() == "delete" {
		cmd.Flags().BoolVar(&cataloged, "cataloged", false, "also what the connectors in the files have cataloged as their own")
	}
	return cmd
}

// reader reads the files that a command names.
func (p *program) reader() *manifest.Reader {
	return &manifest.Reader{Stdin: p.stdin, Connectors: p.offered}
}

// readResources reads files and prints what in them looks like a mistake.
func (p *program) readResources(files []string) ([]manifest.Resource, error) {
	r := p.reader()
	resources, err := r.Resources(files...)
	for _, w := range r.Warnings {
		fmt.Fprintln(p.stderr, "camena: warning:", w)
	}
	return resources, err
}

// applier applies resources in the name of the user, and prints the outcomes.
func (p *program) applier(c *client.Client) *manifest.Applier {
	return &manifest.Applier{Client: c, Actor: p.config.User, Report: p.printOutcome}
}

func (p *program) printOutcome(o manifest.Outcome) {
	what := o.Kind + " " + printable(o.Name) + " "
	switch o.Action {
	case manifest.Missing:
		what += "was not there"
	case manifest.Kept:
		what += "stay"
	case manifest.CatalogKept:
		what = fmt.Sprintf(`what %s cataloged stays; "camena delete --cataloged" with the same files removes it`, printable(o.Name))
	case manifest.CatalogDeleted:
		what = fmt.Sprintf("%d elements of %s deleted", o.Elements, printable(o.Name))
	default:
		what += string(o.Action)
	}
	fmt.Fprintln(p.stdout, what)
}
