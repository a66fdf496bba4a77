package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	cells "github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
)

// program is what all commands share.
type program struct {
	config config
	// offered are the connectors that a node of this binary can run.
	offered connectors.Set
	// more are commands of other packages.
	more []NewCommand
	// errorForm is the form in which the error of the command is printed.
	errorForm string
	// dataGiven says that the environment names the data folder: the commands then
	// look for an installation nowhere else.
	dataGiven bool
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
}

// run runs one command; it returns the error that ends it, if any.
func (p *program) run(ctx context.Context, args []string) error {
	root := p.rootCommand() //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if _, coded := errors.AsType[*exitError](err); !coded && errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	p.errorForm = formOf(cmd)
	return err
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "camena",
		Short: "Runs metadata connectors on a message bus",
		Long: `Camena runs metadata connectors on a message bus: connectors catalog third-party technology, every
change of metadata is an event on NATS JetStream, and the stream of these events is the store.

"camena serve" starts a node, with a NATS server of its own unless CAMENA_NATS_URL names another.
The other commands show a running installation and change it: the one at CAMENA_NATS_URL; without
that, the one that serves from the data folder; without that, unless CAMENA_DATA is set, the one at
` + defaultURL + `.`,
		Example: `  camena serve -f examples/quickstart.yaml
  camena watch
  camena elements list --type DataFile
  camena connectors refresh quickstart`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return p.configure(cmd) },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")
	})
	root.AddCommand(
		p.serveCommand(),
		p.applyCommand(), p.deleteCommand(), p.importCommand(), p.exportCommand(), p.restoreCommand(), p.changeSetCommand(),
		p.watchCommand(), p.elementsCommand(), p.typesCommand(), p.connectorsCommand(), p.nodesCommand(), p.deadLettersCommand(),
		p.healthCommand(), p.versionCommand(),
		p.connectionCommand(), p.describeCommand(), p.queryCommand(), p.execCommand(), p.servicesCommand(),
	)
	for _, command := range p.more {
		root.AddCommand(command(p.reporter))
	}
	p.finish(root)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 100 "))
	return root
}

// group returns a command that has only commands below it.
func group(cmd *cobra.Command, below ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(below...)
	return cmd
}

// finish adds what all commands have: completion, and an error for a command that
// does not exist.
func (p *program) finish(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		p.finish(c)
	}
	p.complete(cmd)
	cmd.Long = wrapped(cmd.Long)
	if cmd.Args == nil {
		cmd.Args = checkArguments
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, chooseCommand
	}
}

// checkArguments checks arguments by the use line of their command: one in brackets may
// be missing, one after a bar stands for all before it, and flags come last.
func checkArguments(cmd *cobra.Command, args []string) error {
	use, _, _ := strings.Cut(strings.ReplaceAll(cmd.Use, "[-", "-"), " -")
	use, _, either := strings.Cut(use, " | ")
	names := strings.Fields(use)[1:]
	least := len(names) - strings.Count(use, "[")
	if either {
		least = 1
	}
	switch {
	case strings.Contains(use, "..."):
		return nil
	case len(args) < least:
		return fmt.Errorf("%s is missing; see %q", strings.ReplaceAll(names[len(args)], "|", " or "), cmd.CommandPath()+" --help")
	case len(args) > len(names):
		return fmt.Errorf("%q is one argument too many; see %q", args[len(names)], cmd.CommandPath()+" --help")
	case slices.Contains(args, ""):
		return fmt.Errorf("%s is empty", strings.Trim(names[slices.Index(args, "")], "[]"))
	}
	return nil
}

// wrapped returns a text whose paragraphs are wrapped at 100 columns. One that has
// indented lines stays as it is.
func wrapped(long string) string {
	paragraphs := strings.Split(long, "\n\n")
	for i, p := range paragraphs {
		if !strings.Contains(p, "\n ") && !strings.HasPrefix(p, " ") {
			paragraphs[i] = cells.WrapSoft(strings.Join(strings.Fields(p), " "), 100)
		}
	}
	lines := strings.Split(strings.Join(paragraphs, "\n\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// chooseCommand runs a command that only has commands below it.
func chooseCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var near []string
	for cmd.SuggestionsMinimumDistance = 1; len(near) == 0 && cmd.SuggestionsMinimumDistance < 3; cmd.SuggestionsMinimumDistance++ {
		near = cmd.SuggestionsFor(args[0])
	}
	meant := ""
	if len(near) > 0 {
		meant = fmt.Sprintf("; did you mean %s?", near[0])
	}
	return fmt.Errorf("%q has no command %q%s; see %q", cmd.CommandPath(), args[0], meant, cmd.CommandPath()+" --help")
}

func (p *program) configure(cmd *cobra.Command) error {
	c, warnings, err := loadConfig()
	if err != nil {
		return err
	}
	for _, w := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "camena: warning:", w)
	}
	p.config = c
	_, p.dataGiven = os.LookupEnv("CAMENA_DATA")
	return nil
}

// logger writes to the standard error, from the given level on unless the
// environment says otherwise.
func (p *program) logger(level slog.Level) *slog.Logger {
	if p.config.LogLevel != "" {
		_ = level.UnmarshalText([]byte(p.config.LogLevel)) // checked before
	}
	options := &slog.HandlerOptions{Level: level}
	if p.config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, options))
	}
	return slog.New(slog.NewTextHandler(p.stderr, options))
}
