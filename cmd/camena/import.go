package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
)

// importing is the command import.
type importing struct {
	p           *program
	check       bool
	keepUnknown bool
	source      string
	local       bool
	reportFile  string
	noProgress  bool
	output      output

	bus      *bus.Bus
	metadata *bus.Metadata
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
broken. What cannot be taken is told with its line, byte, JSON pointer and reason, and stops nothing else.
Importing again changes only what differs, so an import that was interrupted is completed by running it again.

What is imported belongs to the archive, by its name: it changes only on behalf of that, until it is rehomed.

It ends with 0 if everything was taken, 1 if some was refused or is missing, 2 if nothing was taken.`,
		Example: `  camena import CocoTypes.json CocoAssets.json
  camena import --check big.omarchive.gz       # only tell what would be refused
  camena import old.json --keep-unknown        # properties that types do not have become additionalProperties
  camena import pack.json --local              # what is imported belongs to this installation
  camena import pack.json --report report.json -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &exitError{code: exitNothing, err: errors.New("name the files to import")}
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
	checkFirst(cmd, func(*cobra.Command) error {
		if i.local && i.source != "" {
			return errors.New("give either --source or --local, not both")
		}
		return nil
	})
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
	var all []*imported
	err := i.p.withBus(ctx, 0, func(ctx context.Context, b *bus.Bus) (err error) {
		i.bus, i.progress = b, newProgress(i.p.stderr, i.noProgress)
		defer i.progress.end()
		if i.metadata, err = b.Metadata(ctx, source); err != nil {
			return err
		}
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
		return &exitError{code: exitNothing, err: err}
	}
	if err != nil {
		return err
	}
	return verdict(all)
}

// file imports one archive.
func (i *importing) file(ctx context.Context, name string) *imported {
	one := &imported{File: name, Check: i.check, Done: map[archive.Kind]*done{}}
	a, err := archive.Open(name)
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
	if err == nil && plan.Report.Broken == nil && !i.check {
		one.Source = i.owner(name, &plan.Report.Header)
		l := &loading{importing: i, plan: plan, one: one}
		err = l.run(ctx)
		one.Report = plan.Report
	}
	return one.fail(errors.Join(err, a.Close()))
}

func (one *imported) fail(err error) *imported {
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
func (i *importing) owner(file string, h *archive.Header) string {
	if i.local {
		return ""
	}
	return cmp.Or(i.source, h.Name, h.GUID, filepath.Base(file))
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
	var worst error
	took := false
	for _, one := range all {
		took = took || one.took()
		if err := one.verdict(); err != nil && worst == nil {
			worst = err
		}
	}
	switch {
	case worst == nil:
		return nil
	case took:
		return &exitError{code: exitFailed, err: worst}
	default:
		return &exitError{code: exitNothing, err: worst}
	}
}

// took reports whether something of the archive is in the repository, or would be.
func (one *imported) took() bool {
	for _, d := range one.Done {
		if d.Changed+d.Unchanged > 0 {
			return true
		}
	}
	for _, c := range one.Counts {
		if one.Check && c.Taken > 0 && one.Broken == nil {
			return true
		}
	}
	return false
}

func (one *imported) verdict() error {
	switch refused := one.refused(); {
	case one.err != nil && errors.Is(one.err, context.Canceled):
		return fmt.Errorf("%s: interrupted; run it again to complete the import", one.File)
	case one.err != nil && one.took():
		return fmt.Errorf("%s: %w; run it again to complete the import", one.File, one.err)
	case one.err != nil:
		return fmt.Errorf("%s: %w", one.File, one.err)
	case one.Broken != nil:
		return fmt.Errorf("%s: %s; nothing is taken of it", one.File, one.Broken)
	case refused > 0:
		return fmt.Errorf("%s: %d of %d items are refused", one.File, refused, one.found())
	default:
		return nil
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
