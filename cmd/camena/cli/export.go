package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
)

// exporting is the command export.
type exporting struct {
	since      uint64
	noHistory  bool
	noProgress bool
	force      bool
	output     output
	progress   *progress
}

func (p *program) exportCommand() *cobra.Command {
	e := &exporting{}
	cmd := &cobra.Command{
		Use:   "export FILE|-",
		Short: "Write the whole repository, with its history, to a file",
		Long: `Write the whole repository to a file that "camena restore" reads: types, elements and relationships with
their history as far as it is kept, and what was deleted as long as it can be restored. The file has a
CloudEvent a line, compressed if its name ends in .gz; - is the standard output. It appears under its name when
it is complete; one that is there already is refused, unless --force replaces it. The node need not stop: the
export is consistent up to the sequence that it tells at its end.`,
		Example: `  camena export backup.ndjson.gz
  camena export --no-history present.ndjson     # the present state only
  camena export --since 4711 later.ndjson       # only what came after that; not for restoring
  camena export - | zstd > backup.zst`,
		Args: oneFile("the file to write, or - for the standard output"),
	}
	f := cmd.Flags()
	f.Uint64Var(&e.since, "since", 0, "only events behind this sequence of the out topic")
	f.BoolVar(&e.noHistory, "no-history", false, "only the present state")
	f.BoolVar(&e.force, "force", false, "replace the file if it is there already")
	f.BoolVar(&e.noProgress, "no-progress", false, "do not tell how far it has come")
	checkFirst(cmd, func(*cobra.Command) error {
		if e.noHistory && e.since > 0 {
			return errors.New("give either --since or --no-history, not both")
		}
		return nil
	})
	e.output.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := e.free(args[0]); err != nil {
			return err
		}
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			e.progress = newProgress(p.stderr, e.noProgress)
			defer e.progress.end()
			s, err := e.run(ctx, b, args[0], p.stdout)
			if err != nil {
				return err
			}
			e.progress.end()
			return e.tell(p, args[0], &s)
		})
	}
	return cmd
}

// free checks that a file can be written under that name, before what takes long.
func (e *exporting) free(file string) error {
	if file == "-" {
		return nil
	}
	folder := filepath.Dir(file)
	parent, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no folder %s", file, folder)
	case err != nil:
		return err
	case !parent.IsDir():
		return fmt.Errorf("%s: %s is no folder", file, folder)
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder: name the file to write", file)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file: write to the standard output, as -", file)
	case !e.force:
		return fmt.Errorf("%s is there already: name another file, or replace it with --force", file)
	default:
		return nil
	}
}

func (e *exporting) tell(p *program, file string, s *exported) error {
	out := p.stdout
	if file == "-" {
		out = p.stderr
	}
	if e.output.json() {
		return e.output.print(out, s)
	}
	text := fmt.Sprintf("exported %s up to sequence %d\n", plural(s.Records, "event"), s.UpTo)
	if s.Deleted > 0 {
		text += fmt.Sprintf("left out %s about what is not there any more: --no-history\n", plural(s.Deleted, "event"))
	}
	if s.Swept > 0 {
		text += fmt.Sprintf("left out %s of what was swept meanwhile: it was deleted longer ago than CAMENA_RETENTION\n", plural(s.Swept, "event"))
	}
	_, err := io.WriteString(out, text)
	return err
}

// exported is what was exported.
type exported struct {
	archive.Summary
	// UpTo is the sequence of the out topic up to which the file holds everything.
	UpTo uint64 `json:"upTo"`
	// Deleted and Swept are how many events were left out: of what is not there any
	// more, where only the present state was asked for, and of what was swept while
	// the rest was read.
	Deleted uint64 `json:"deleted,omitzero"`
	Swept   uint64 `json:"swept,omitzero"`
}
