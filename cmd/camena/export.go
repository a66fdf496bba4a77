package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
)

// exporting is the command export.
type exporting struct {
	since      uint64
	noHistory  bool
	noProgress bool
	output     output
	progress   *progress
}

func (p *program) exportCommand() *cobra.Command {
	e := &exporting{}
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the whole repository, with its history, to a file",
		Long: `Write the whole repository to a file that "camena restore" reads: types, elements and relationships with
their history as far as it is kept, and what was deleted as long as it can be restored. The file has a
CloudEvent a line, compressed if its name ends in .gz; - is the standard output. It appears under its name when
it is complete. The node need not stop: the export is consistent up to the sequence that it tells at its end.`,
		Example: `  camena export backup.ndjson.gz
  camena export --no-history present.ndjson     # the present state only
  camena export --since 4711 later.ndjson       # only what came after that; not for restoring
  camena export - | zstd > backup.zst`,
		Args: one("the file to write", "camena export --help"),
	}
	f := cmd.Flags()
	f.Uint64Var(&e.since, "since", 0, "only events behind this sequence of the out topic")
	f.BoolVar(&e.noHistory, "no-history", false, "only the present state")
	f.BoolVar(&e.noProgress, "no-progress", false, "do not tell how far it has come")
	checkFirst(cmd, func(*cobra.Command) error {
		if e.noHistory && e.since > 0 {
			return errors.New("give either --since or --no-history, not both")
		}
		return nil
	})
	e.output.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			e.progress = newProgress(p.stderr, e.noProgress)
			defer e.progress.end()
			s, err := e.run(ctx, b, args[0], p.stdout)
			if err != nil {
				return err
			}
			e.progress.end()
			return e.tell(p, args[0], s)
		})
	}
	return cmd
}

func (e *exporting) tell(p *program, file string, s archive.Summary) error {
	out := p.stdout
	if file == "-" {
		out = p.stderr
	}
	if e.output.json() {
		return printJSON(out, s)
	}
	_, err := fmt.Fprintf(out, "exported %s up to sequence %d\n", plural(s.Records, "event"), s.LastSequence)
	return err
}

func (e *exporting) run(ctx context.Context, b *bus.Bus, file string, stdout io.Writer) (archive.Summary, error) {
	stream := b.Topics().OutStream()
	state, err := b.StreamState(ctx, stream)
	if err != nil {
		return archive.Summary{}, err
	}
	if from, err := b.Restoring(ctx); err != nil || from != "" {
		return archive.Summary{}, errors.Join(err, errors.New("the repository is being restored, or that was interrupted: there is nothing whole to export"))
	}
	m := archive.Manifest{
		Domain: b.Topics().Domain(), Created: time.Now().UTC(), Records: state.Msgs,
		FirstSequence: state.FirstSeq, LastSequence: state.LastSeq, Since: e.since, Latest: e.noHistory,
	}
	var w *archive.Writer
	if file == "-" {
		w, err = archive.NewWriter(stdout, m)
	} else {
		w, err = archive.Create(file, m)
	}
	if err != nil {
		return archive.Summary{}, err
	}
	e.progress.begin("exporting")
	from := uint64(0)
	if e.since > 0 {
		from = e.since + 1
	}
	var done int64
	err = b.Copy(ctx, bus.Copying{Stream: stream, From: from, Latest: e.noHistory}, func(m *bus.Message) error {
		done++
		e.progress.set(done, int64(min(state.Msgs, math.MaxInt64)), "events")
		return e.write(w, m)
	})
	if err != nil {
		return archive.Summary{}, errors.Join(err, w.Discard())
	}
	return w.Close()
}

func (e *exporting) write(w *archive.Writer, m *bus.Message) error {
	event, err := m.Event()
	if err != nil {
		return fmt.Errorf("event %d of the out topic cannot be read: %w", m.Sequence, err)
	}
	if e.noHistory && (strings.HasSuffix(event.Type, ".deleted.v1") || event.Type == events.TypeElementMoved) {
		return nil
	}
	return w.Write(&archive.Record{Subject: m.Subject, Sequence: m.Sequence, Time: m.Time, Event: event})
}
