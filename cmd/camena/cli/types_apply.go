package cli

import (
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
)

func (p *program) typesApplyCommand() *cobra.Command {
	return p.filesCommand(&cobra.Command{
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
	}, "file of types, folder of such, or - for the standard input", func(files []string) (events.Command, func(error) error, error) {
		types, err := p.reader().Types(files...)
		if err != nil {
			return nil, nil, err
		}
		return types.Command, types.Located, nil
	})
}
