package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// importing is the command import.
type importing struct {
	p           *program
	check       bool
	keepUnknown bool
	source      string
	local       bool
	reportFile  string
	report      *os.File
	noProgress  bool
	output      output

	bus      *bus.Bus
	metadata *client.Client
	progress *progress
	types    *importTypes
}

func (p *program) importCommand() *cobra.Command {
	i := &importing{p: p}
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Load open metadata archives of Egeria",
		Long: `Load open metadata archives of Egeria, plain or compressed by gzip: types, elements, classifications and
relationships, with their guids. First each archive is read from end to end, and nothing is sent if it is
broken. What cannot be taken is told with its line, byte (from 0), JSON pointer and reason, and stops nothing else.
Importing again changes only what differs, so an import that was interrupted is completed by running it again.

What is imported belongs to the archive, by its name: it changes only on behalf of that, until it is rehomed. An
archive that has no name is refused, unless --source or --local says whose it shall be.

With --check nothing is changed: everything is sent as a dry run, so that the repository tells what it would refuse.
What refers to other items of the archive is tried with stand-ins for those, and what is of types that the archive
itself defines cannot be tried: the report says of how much only the import will tell.

It ends with 0 if everything was taken, 1 if some was refused or is missing, 2 if nothing was taken.`,
		Example: `  camena import CocoTypes.json CocoAssets.json
  camena import --check big.omarchive.gz       # only tell what would be refused
  unzip -p packs.zip a.omarchive | camena import -
  camena import old.json --keep-unknown        # properties that types do not have become additionalProperties
  camena import pack.json --local              # what is imported belongs to this installation
  camena import pack.json --report report.json -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &exitError{code: exitNothing, err: errors.New("name the files to import, or - for the standard input")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return i.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.BoolVar(&i.check, "check", false, "only tell what would be taken and what not")
	f.BoolVar(&i.keepUnknown, "keep-unknown", false, "put properties that a type does not have into additionalProperties, instead of refusing the element")
	f.StringVar(&i.source, "source", "", "the metadata source that the imported belongs to; default: the name of the archive")
	f.BoolVar(&i.local, "local", false, "let the imported belong to nobody: everybody may change it")
	f.StringVar(&i.reportFile, "report", "", "file for the whole report, as JSON")
	f.BoolVar(&i.noProgress, "no-progress", false, "do not tell how far it has come")
	cmd.MarkFlagsMutuallyExclusive("source", "local")
	i.output.flag(cmd)
	return cmd
}

// imported is what became of one file.
type imported struct {
	File   string `json:"file"`
	Source string `json:"source,omitempty"`
	Check  bool   `json:"check,omitzero"`
	archive.Report
	// Done is what the repository did with what the report counts as taken.
	Done map[archive.Kind]*done `json:"done"`
	// Untried is how many items a check could not try.
	Untried map[archive.Kind]int `json:"untried,omitempty"`
	// Failure is what ended the import before its end.
	Failure string `json:"failure,omitempty"`

	err error
}

// done counts what the repository has applied.
type done struct {
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
}

func (i *importing) run(ctx context.Context, files []string) error {
	if err := i.openReport(); err != nil {
		return &exitError{code: exitNothing, err: err}
	}
	defer func() { _ = i.report.Close() }() // nil, if there is none, says so
	var all []*imported
	err := i.p.withBus(ctx, 0, func(ctx context.Context, b *bus.Bus) (err error) {
		i.bus, i.progress = b, newProgress(i.p.stderr, i.noProgress)
		defer i.progress.end()
		i.metadata = client.New(b, source)
		for _, name := range files {
			one := i.file(ctx, name)
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

// file imports one archive.
func (i *importing) file(ctx context.Context, name string) *imported {
	one := &imported{File: name, Check: i.check, Done: map[archive.Kind]*done{}}
	a, err := i.p.openArchive(name)
	if err != nil {
		return one.fail(err)
	}
	if i.types, err = readTypes(ctx, i.metadata); err != nil {
		return one.fail(errors.Join(err, a.Close()))
	}
	i.progress.begin("reading " + filepath.Base(name))
	plan, err := a.Check(ctx, i.settings())
	if plan != nil {
		one.Report = plan.Report
	}
	if err == nil && plan.Report.Broken == nil {
		one.Source, err = i.owner(&plan.Report.Header)
	}
	if err == nil && plan.Report.Broken == nil {
		err = i.load(ctx, plan, one)
		one.Report = plan.Report
	}
	return one.fail(errors.Join(err, a.Close()))
}

// load sends what the plan takes.
func (i *importing) load(ctx context.Context, plan *archive.Plan, one *imported) error {
	l := &loading{importing: i, plan: plan, one: one}
	if i.check {
		return l.rehearse(ctx)
	}
	return l.run(ctx)
}

func (one *imported) fail(err error) *imported {
	// The file is named before it.
	if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == one.File {
		err = e.Err
	}
	if err != nil {
		one.err, one.Failure = err, err.Error()
	}
	return one
}

func (i *importing) settings() archive.Settings {
	const envelope = 16 << 10
	s := archive.Settings{
		TypeDef: i.types.def, Elements: i.existing, MaxCommand: int(i.bus.MaxPayload()) - envelope,
		Progress: func(done, total int64) { i.progress.set(done, total, "") },
	}
	if i.keepUnknown {
		s.UnknownProperties = events.KeepUnknown
	}
	return s
}

// owner is the metadata source that the imported belongs to, "" if nobody.
func (i *importing) owner(h *archive.Header) (string, error) {
	if i.local {
		return "", nil
	}
	name := cmp.Or(i.source, h.Source())
	if name == "" {
		return "", errors.New("the archive does not say whose it is, in archiveName or archiveGUID of its archiveProperties; " +
			"name its metadata source with --source, or let it belong to nobody with --local")
	}
	return name, nil
}

// category says what kind of source that is.
func category(h *archive.Header) events.OriginCategory {
	if h.Type == "METADATA_EXPORT" {
		return events.OriginExportArchive
	}
	return events.OriginContentPack
}

// verdict is the error that tells of the worst that happened.
func verdict(all []*imported) error {
	var worst *imported
	took, failed := false, 0
	for _, one := range all {
		took = took || one.took()
		if one.severity() == 0 {
			continue
		}
		failed++
		if worst == nil || one.severity() > worst.severity() {
			worst = one
		}
	}
	if worst == nil {
		return nil
	}
	err := fmt.Errorf("%s: %s", worst.File, worst.trouble())
	if failed > 1 {
		err = fmt.Errorf("%w (%d of %d files are not taken as a whole)", err, failed, len(all))
	}
	if took {
		return &exitError{code: exitFailed, err: err}
	}
	return &exitError{code: exitNothing, err: err}
}

// took reports whether something of the archive is in the repository, or would be.
func (one *imported) took() bool {
	for _, d := range one.Done {
		if d.Changed+d.Unchanged > 0 {
			return true
		}
	}
	for _, c := range one.Counts {
		if one.Check && c.Taken > 0 && one.Broken == nil && one.err == nil {
			return true
		}
	}
	return false
}

// severity says how bad it is: what was refused is less than what was not read.
func (one *imported) severity() int {
	switch {
	case one.isInterrupted():
		return 4
	case one.err != nil && one.took():
		return 3
	case one.err != nil || one.Broken != nil:
		return 2
	case one.refused() > 0:
		return 1
	default:
		return 0
	}
}

func (one *imported) isInterrupted() bool { return errors.Is(one.err, context.Canceled) }

// trouble says what went wrong, "" if nothing did.
func (one *imported) trouble() string {
	switch refused := one.refused(); {
	case one.isInterrupted() && one.Check:
		return "interrupted"
	case one.isInterrupted():
		return "interrupted; run it again to complete the import"
	case one.err != nil && one.took():
		return one.Failure + "; run it again to complete the import"
	case one.err != nil:
		return one.Failure
	case one.Broken != nil:
		return one.Broken.String() + "; nothing is taken of it"
	case refused > 0:
		return fmt.Sprintf("%d of %d items are refused", refused, one.found())
	default:
		return ""
	}
}

func (one *imported) refused() (n int) {
	for _, c := range one.Counts {
		n += c.Refused
	}
	return n
}

func (one *imported) found() (n int) {
	for _, c := range one.Counts {
		n += c.Found
	}
	return n
}
