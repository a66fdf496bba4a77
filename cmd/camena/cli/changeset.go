package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
)

func (p *program) changeSetCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "changeset", Short: "Apply several commands all together or not at all",
		Example: `  camena changeset apply -f change.yaml --dry-run`,
	}, p.changeSetApplyCommand())
}

func (p *program) changeSetApplyCommand() *cobra.Command {
	return p.filesCommand(&cobra.Command{
		Use: "apply -f FILE...", Short: "Apply the commands of files all together or not at all",
		Long: `Apply the commands of files, in order, all together or not at all. A file is a list, in YAML or
JSON, of commands with their type and their data, as docs/events.md describes them. The type may be
given in short: element.create for io.camena.element.create.v1. A command sees what those before it
did. The data of most commands may have an expectedVersion: if that is not the version there is,
nothing is changed.

  - type: element.create
    data: {element: {type: Topic, qualifiedName: "Topic::orders"}}
  - type: element.update
    data: {element: {qualifiedName: "Topic::old"}, properties: {displayName: x}, expectedVersion: 3}`,
		Example: `  camena changeset apply -f change.yaml
  camena changeset apply -f change.yaml --dry-run
  generate | camena changeset apply -f - --source IntegrationConnector::mine -o json`,
	}, "file of commands, or - for the standard input", func(files []string) (events.Command, func(error) error, error) {
		set, err := p.reader().ChangeSet(files...)
		if err != nil {
			return nil, nil, err
		}
		return set.Command, set.Located, nil
	})
}

// filesCommand completes a command that sends the command that read makes of files;
// locate names the place in them that an error is about.
func (p *program) filesCommand(cmd *cobra.Command, usage string, read func(files []string) (c events.Command, locate func(error) error, err error)) *cobra.Command {
	files := filesFlag(cmd, usage)
	o := &operation{verb: &verb{}, p: p, cmd: cmd}
	o.flags()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, locate, err := read(*files)
		if err != nil {
			return err
		}
		if err := c.Validate(); err != nil {
			return locate(err)
		}
		o.command, o.locate = c, locate
		return o.run(cmd.Context())
	}
	return cmd
}

// filesFlag adds the flag -f, which must be given.
func filesFlag(cmd *cobra.Command, usage string) *[]string {
	files := cmd.Flags().StringSliceP("file", "f", nil, usage)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if len(*files) == 0 {
			return errors.New("name the files with -f")
		}
		return nil
	}
	return files
}

// shortType is the type of a command without what all have in common.
func shortType(eventType string) string {
	return strings.TrimSuffix(strings.TrimPrefix(eventType, "io.camena."), ".v1")
}
