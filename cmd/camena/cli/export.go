package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
	"github.com/camena-io/camena/runtime/bus"
)

func (p *program) exportCommand() *cobra.Command {
	var s backup.ExportSettings
	var force bool
	var o output
	cmd := &cobra.Command{
		Use:   "export FILE|-",
		Short: "Write the whole repository, with its history, to a file",
		Long: `Write the whole repository to a file that "camena restore" reads: types, elements and relationships with
their history as far as it is kept, and deleted elements as long as they can be restored. The file has one
CloudEvent per line and is compressed if its name ends in .gz; - is the standard output. The file appears under
its name when it is complete. An existing file is refused unless --force is given. The node keeps running: the
export is consistent up to the sequence that is printed at its end.`,
		Example: `  camena export backup.ndjson.gz
  camena export --no-history present.ndjson     # the present state only
  camena export --since 4711 later.ndjson       # only what came after that; not for restoring
  camena export - | zstd > backup.zst`,
	}
	progress := p.newProgress(cmd)
	f := cmd.Flags()
	f.Uint64Var(&s.Since, "since", 0, "only events after this sequence of the out topic")
	f.BoolVar(&s.Latest, "no-history", false, "only the present state")
	f.BoolVar(&force, "force", false, "replace an existing file")
	cmd.MarkFlagsMutuallyExclusive("since", "no-history")
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := backup.CheckTarget(args[0], force); args[0] != "-" && err != nil {
			return exportError(err)
		}
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			s.Bus = b
			return p.export(ctx, args[0], s, progress, &o)
		})
	}
	return cmd
}

// export writes a file, or - the standard output, and prints what it has on the other
// output.
func (p *program) export(ctx context.Context, file string, s backup.ExportSettings, progress *progress, o *output) (err error) {
	progress.begin("exporting")
	s.Progress = func(done, total uint64) {
		progress.set(int64(min(done, math.MaxInt64)), int64(min(total, math.MaxInt64)), "events")
	}
	var done backup.Exported
	out := p.stdout
	if file == "-" {
		out = p.stderr
		done, err = backup.Export(ctx, s, p.stdout)
	} else {
		done, err = backup.ExportFile(ctx, s, file)
	}
	progress.end()
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer == "/since" {
		return withMessage(e, "--since: %s", e.Message)
	}
	if err != nil {
		return err
	}
	if o.json() {
		return o.print(out, &done)
	}
	return printExported(out, &done)
}

func printExported(w io.Writer, done *backup.Exported) error {
	text := fmt.Sprintf("exported %s up to sequence %d\n", plural(done.Records, "event"), done.UpTo)
	if done.Deleted > 0 {
		text += fmt.Sprintf("left out %s about deleted elements: --no-history\n", plural(done.Deleted, "event"))
	}
	if done.Swept > 0 {
		text += fmt.Sprintf("left out %s about elements whose CAMENA_RETENTION ended during the export\n", plural(done.Swept, "event"))
	}
	_, err := io.WriteString(w, text)
	return err
}

// exportError says what to do about a file that is not written.
func exportError(err error) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: name another file, or replace it with --force", err)
	case errors.Is(err, backup.ErrNotRegular):
		return fmt.Errorf("%w: write to the standard output, as -", err)
	default:
		return err
	}
}
