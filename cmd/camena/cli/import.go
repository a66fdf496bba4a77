package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/egeria"
)

// importer is the command import.
type importer struct {
	p           *program
	options     egeria.Options
	keepUnknown bool
	reportFile  string
	report      io.Writer
	progress    *progress
	output      output
}

func (p *program) importCommand() *cobra.Command {
	i := &importer{p: p, options: egeria.Options{Sender: source}}
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Load open metadata archives of Egeria",
		Long: `Load open metadata archives of Egeria, plain or compressed by gzip: types, elements, classifications and
relationships, with their guids. Each archive is first read from end to end; nothing of a broken archive is sent.
What cannot be taken is reported with its line, byte (from 0), JSON pointer and reason; the rest is taken. Importing
again changes only what differs, so run an interrupted import again to complete it.

The imported elements belong to the archive, by its name: only imports on its behalf change them, until they are
rehomed. An archive without a name is refused, unless --source or --local says whose elements they are.

With --check nothing is changed: the import is rehearsed on a copy of the repository's metadata, and reports what the
import would report. The copy needs about 2 KB of memory for each element and relationship.

The exit code is 0 if everything was taken, 1 if some was refused or is missing, 2 if nothing was taken.`,
		Example: `  camena import CocoTypes.json CocoAssets.json
  camena import --check big.omarchive.gz       # report what would be refused
  unzip -p packs.zip a.omarchive | camena import -
  camena import old.json --keep-unknown        # properties that types do not have become additionalProperties
  camena import pack.json --local              # the elements belong to this installation
  camena import pack.json --report report.json -o json`,
		RunE: func(cmd *cobra.Command, args []string) error { return i.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.BoolVar(&i.options.Check, "check", false, "only report what the import would take and refuse")
	f.BoolVar(&i.keepUnknown, "keep-unknown", false, "put properties that a type does not have into additionalProperties, instead of refusing the element")
	f.StringVar(&i.options.Source, "source", "", "metadata source that the imported elements belong to; default: the name of the archive")
	f.BoolVar(&i.options.Local, "local", false, "let the imported elements belong to no source: everybody may change them")
	f.StringVar(&i.reportFile, "report", "", "file for the whole report, as JSON")
	i.progress = p.newProgress(cmd)
	cmd.MarkFlagsMutuallyExclusive("source", "local")
	i.output.flag(cmd)
	return cmd
}

func (i *importer) run(ctx context.Context, files []string) error {
	if len(files) == 0 {
		return &exitError{code: exitNothing, err: errors.New("name the files to import, or - for the standard input")}
	}
	i.report = io.Discard
	if i.reportFile != "" { // it is opened before anything is imported
		file, err := os.OpenFile(i.reportFile, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return &exitError{code: exitNothing, err: fmt.Errorf("the report: %w", err)}
		}
		defer func() { _ = file.Close() }()
		i.report = file
	}
	var all []*egeria.Result
	err := i.p.withBus(ctx, 0, func(ctx context.Context, b *bus.Bus) error {
		defer i.progress.end()
		load := i.importer(b)
		for _, name := range files {
			one := i.file(ctx, load, name)
			all = append(all, one)
			i.progress.end()
			if err := i.show(one); err != nil {
				return err
			}
			if ctx.Err() != nil {
				break
			}
		}
		return i.summarize(all)
	})
	if err != nil && len(all) == 0 {
		return &exitError{code: exitNothing, err: errors.Join(err, i.writeReport(all))}
	}
	if err != nil {
		return err
	}
	return verdict(all)
}

// importer returns an importer that shows its progress.
func (i *importer) importer(b *bus.Bus) *egeria.Importer {
	o := i.options
	o.Actor = i.p.config.User
	if i.keepUnknown {
		o.UnknownProperties = events.KeepUnknown
	}
	units := map[egeria.Stage]string{egeria.StageReading: "bytes", egeria.StageLoading: "changes", egeria.StageSending: "items"}
	var stage egeria.Stage
	o.Progress = func(s egeria.Stage, done, total int64) {
		if s != stage {
			stage = s
			i.progress.begin(string(s))
		}
		i.progress.set(done, total, units[s])
	}
	return egeria.NewImporter(b, o)
}

// file imports a file, "-" from the standard input.
func (i *importer) file(ctx context.Context, load *egeria.Importer, name string) *egeria.Result {
	file, remove, err := i.p.input(name)
	if err != nil {
		return egeria.NewResult(name, err)
	}
	defer remove()
	a, err := egeria.Open(file)
	if err != nil {
		return egeria.NewResult(name, err)
	}
	defer func() { _ = a.Close() }() // it was only read
	return load.Import(ctx, name, a)
}

// verdict returns the error of the file that went worst, nil if all are imported.
func verdict(all []*egeria.Result) error {
	failed := slices.DeleteFunc(slices.Clone(all), func(r *egeria.Result) bool { return r.Severity() == 0 })
	if len(failed) == 0 {
		return nil
	}
	worst := slices.MaxFunc(failed, func(a, b *egeria.Result) int { return a.Severity() - b.Severity() })
	err := fmt.Errorf("%s: %s", worst.File, trouble(worst))
	if len(failed) > 1 {
		err = fmt.Errorf("%w (%d of %d files are not taken as a whole)", err, len(failed), len(all))
	}
	code := exitNothing
	if slices.ContainsFunc(all, (*egeria.Result).Took) {
		code = exitFailed
	}
	return &exitError{code: code, err: err}
}

// trouble returns the problem of a file and what to do, "" if there is none.
func trouble(one *egeria.Result) string {
	const again = "; run it again to complete the import"
	switch refused := one.Refused(); {
	case one.Interrupted() && one.Check:
		return "interrupted"
	case one.Interrupted():
		return "interrupted" + again
	case errors.Is(one.Err, egeria.ErrNoOwner):
		return one.Failure + "; name their metadata source with --source, or let them belong to nobody with --local"
	case one.Err != nil && one.Took():
		return one.Failure + again
	case one.Err != nil:
		return one.Failure
	case one.Broken != nil && one.Broken.Where.Pointer == "/specversion":
		return one.Broken.String() + "; camena restore reads that"
	case one.Broken != nil:
		return one.Broken.String() + "; nothing is taken of it"
	case refused > 0:
		return fmt.Sprintf("%d of %d items are refused", refused, one.Found())
	default:
		return ""
	}
}
