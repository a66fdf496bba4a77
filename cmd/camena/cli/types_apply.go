package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) typesApplyCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use: "apply -f FILE...", Short: "Add types, or change some in a compatible way",
		Long: `Add types, or change some in a way that leaves all metadata valid. The types of all files are defined together or
not at all, so they may refer to each other in any order. A definition is whole: give all attributes, also those that
the type has already.

  types:
    - kind: element
      name: Pump
      superType: Asset
      description: A pump.
      attributes:
        - {name: litresPerMinute, type: int, description: What it moves.}`,
		Example: `  camena types apply -f my-types.yaml --dry-run
  camena types apply -f my-types/              # every .yaml file of a folder`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringSliceVarP(&files, "file", "f", nil, "file of types, folder of such, or - for the standard input")
	o := p.operation(&verb{}, cmd)
	o.flags()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(files) == 0 {
			return errors.New("name the files with -f")
		}
		types, err := p.reader().Types(files...)
		if err != nil {
			return err
		}
		o.about = func([]string) string { return count(len(types.Command.Types), "type") }
		o.locate = types.Located
		return o.run(cmd.Context(), func(context.Context, *client.Client) (events.Command, error) { return types.Command, nil })
	}
	return cmd
}
