package cli

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// run exports the out topic to a file, - to stdout.
func (e *exporting) run(ctx context.Context, b *bus.Bus, file string, stdout io.Writer) (exported, error) {
	x, err := e.begin(ctx, b, file, stdout)
	if err != nil {
		return exported{}, err
	}
	if err := b.Copy(ctx, x.copying(), x.take); err != nil {
		return exported{}, errors.Join(err, x.w.Discard())
	}
	return x.finish(ctx, file)
}

func (e *exporting) begin(ctx context.Context, b *bus.Bus, file string, stdout io.Writer) (*exportRun, error) {
	if from, err := client.New(b, source).Restoring(ctx); err != nil || from != "" {
		return nil, errors.Join(err, errors.New("a restore was interrupted here, or still runs: there is nothing whole to export"))
	}
	info, err := b.StreamInfo(ctx, b.Topics().OutStream())
	if err != nil {
		return nil, err
	}
	state := info.State
	if e.since > state.LastSeq {
		return nil, fmt.Errorf("--since %d: the out topic ends at sequence %d", e.since, state.LastSeq)
	}
	x := &exportRun{
		exporting: e, bus: b, created: info.Created, seed: maphash.MakeSeed(), there: map[uint64]struct{}{}, total: state.Msgs,
		whole: e.since == 0 && !e.noHistory,
		done:  exported{UpTo: state.LastSeq},
		manifest: archive.Manifest{
			Domain: b.Topics().Domain(), Created: time.Now().UTC(), Records: state.Msgs,
			FirstSequence: state.FirstSeq, LastSequence: state.LastSeq, Since: e.since, Latest: e.noHistory,
		},
	}
	if e.noHistory {
		x.manifest.Records = state.NumSubjects // of each there is one
	}
	if file == "-" {
		x.w, err = archive.NewWriter(stdout, x.manifest)
	} else {
		x.w, err = archive.Create(file, x.manifest)
	}
	if err != nil {
		return nil, err
	}
	x.progress.begin("exporting")
	return x, nil
}

// exportRun is one export.
type exportRun struct {
	*exporting

	bus      *bus.Bus
	w        *archive.Writer
	manifest archive.Manifest
	done     exported
	// created is when the out topic was.
	created time.Time
	// total is how many events there were in the beginning, and read how many of
	// these were read; all of them were to be if whole is set.
	total, read uint64
	whole       bool
	// there are the subjects, as hashes, whose last event that was written says
	// that something is there.
	seed  maphash.Seed
	there map[uint64]struct{}
}

func (x *exportRun) copying() bus.Copying {
	c := bus.Copying{Stream: x.bus.Topics().OutStream(), Latest: x.noHistory}
	if x.since > 0 {
		c.From = x.since + 1
	}
	return c
}

// take writes what is in a message.
func (x *exportRun) take(m *bus.Message) error {
	if m.Sequence <= x.manifest.LastSequence {
		x.read++
	}
	x.progress.set(int64(min(x.read, math.MaxInt64)), int64(min(x.total, math.MaxInt64)), "events")
	x.done.UpTo = max(x.done.UpTo, m.Sequence)
	return x.write(m)
}

func (x *exportRun) write(m *bus.Message) error {
	event, err := m.Event()
	if err != nil {
		return fmt.Errorf("event %d of the out topic cannot be read: %w", m.Sequence, err)
	}
	subject := maphash.String(x.seed, m.Subject)
	if strings.HasSuffix(event.Type, ".deleted.v1") || event.Type == events.TypeElementMoved {
		delete(x.there, subject)
		if x.noHistory {
			x.done.Deleted++
			return nil
		}
	} else {
		x.there[subject] = struct{}{}
	}
	return x.w.Write(&archive.Record{Subject: m.Subject, Sequence: m.Sequence, Time: m.Time, Event: event})
}

// finish completes the file. What was deleted long ago may have been swept while
// the rest was read: if its first events were written, and its last ones, which
// say that it is deleted, were not there any more, it would be back after a
// restore. So it is left out.
func (x *exportRun) finish(ctx context.Context, file string) (exported, error) {
	swept, err := x.swept(ctx)
	switch {
	case err == nil && len(swept) == 0:
	case err == nil && file == "-":
		err = errors.New("what was deleted long ago was swept while it was exported: run it again, or export to a file")
	case err == nil:
		x.w, err = x.w.Rewrite(func(r *archive.Record) bool {
			_, gone := swept[maphash.String(x.seed, r.Subject)]
			if gone {
				x.done.Swept++
			}
			return !gone
		})
		if err != nil {
			return exported{}, err
		}
	}
	if err != nil {
		return exported{}, errors.Join(err, x.w.Discard())
	}
	x.done.Summary, err = x.w.Close()
	return x.done, err
}

// swept returns the subjects that were written and are not there any more.
func (x *exportRun) swept(ctx context.Context) (map[uint64]struct{}, error) {
	stream, err := x.bus.JetStream().Stream(ctx, x.bus.Topics().OutStream())
	if err != nil {
		return nil, err
	}
	if !stream.CachedInfo().Created.Equal(x.created) {
		return nil, errors.New("the out topic was made anew meanwhile, as by a restore: run it again")
	}
	if x.whole && x.read == x.total {
		return map[uint64]struct{}{}, nil
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, err
	}
	for subject := range info.State.Subjects {
		delete(x.there, maphash.String(x.seed, subject))
	}
	return x.there, nil
}
