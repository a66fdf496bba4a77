package backup

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// ExportSettings say what to export.
type ExportSettings struct {
	Bus *bus.Bus
	// Since leaves out the events up to a sequence of the out topic, Latest all but
	// the present state.
	Since  uint64
	Latest bool
	// Progress, if set, is called after each event.
	Progress func(done, total uint64)
}

// Exported is what an export holds.
type Exported struct {
	Summary
	// UpTo is the sequence of the out topic up to which the backup is complete.
	UpTo uint64 `json:"upTo"`
	// Deleted is how many events about deleted elements [ExportSettings.Latest]
	// left out, Swept how many were left out because their subject was removed from
	// the stream during the export.
	Deleted uint64 `json:"deleted,omitzero"`
	Swept   uint64 `json:"swept,omitzero"`
}

// ErrSwept is returned by [Export] if elements whose retention ended were removed
// from the stream during the export: their deletion may be missing in the backup.
// [ExportFile] leaves such elements out instead.
var ErrSwept = errors.New("the history of deleted elements was removed during the export: run it again, or export to a file")

// Export writes a backup to w, while the installation runs. The backup is
// complete only if there is no error.
func Export(ctx context.Context, s ExportSettings, w io.Writer) (Exported, error) {
	x, err := newExport(ctx, s)
	if err != nil {
		return Exported{}, err
	}
	removed, err := x.write(ctx, w)
	switch {
	case err == nil && len(removed) > 0:
		err = ErrSwept
	case err == nil:
		x.done.Summary, err = x.w.Close()
	}
	return x.done, err
}

// ExportFile exports to a file, which appears under its name once it is complete.
// It is compressed if the name ends in .gz.
func ExportFile(ctx context.Context, s ExportSettings, name string) (Exported, error) {
	x, err := newExport(ctx, s)
	if err != nil {
		return Exported{}, err
	}
	out, err := create(name)
	if err != nil {
		return Exported{}, err
	}
	removed, err := x.write(ctx, out)
	if err == nil {
		x.done.Summary, err = x.w.Close()
	}
	if err == nil && len(removed) > 0 {
		out, err = x.without(removed, out)
	}
	if err != nil {
		return Exported{}, errors.Join(err, out.discard())
	}
	return x.done, out.commit()
}

// export is one export.
type export struct {
	ExportSettings

	header  Header
	created time.Time // when the out topic was created
	w       *Writer
	done    Exported
	read    uint64 // of the events that the stream had in the beginning
	// present has the subjects, as hashes, whose last written event is not a
	// deletion.
	seed    maphash.Seed
	present map[uint64]struct{}
}

func newExport(ctx context.Context, s ExportSettings) (*export, error) {
	b := s.Bus
	if from, err := client.New(b, "").Restoring(ctx); err != nil || from != "" {
		return nil, errors.Join(err, client.ErrRestoring)
	}
	info, err := b.StreamInfo(ctx, b.Topics().OutStream())
	if err != nil {
		return nil, err
	}
	state := info.State
	if s.Since > state.LastSeq {
		return nil, events.Errorf(events.CodeInvalid, "/since", "the out topic ends at sequence %d, before %d", state.LastSeq, s.Since)
	}
	x := &export{
		ExportSettings: s, created: info.Created, seed: maphash.MakeSeed(), present: map[uint64]struct{}{},
		done: Exported{UpTo: state.LastSeq},
		header: Header{
			Domain: b.Topics().Domain(), Created: time.Now().UTC(), Records: state.Msgs,
			FirstSequence: state.FirstSeq, LastSequence: state.LastSeq, Since: s.Since, Latest: s.Latest,
		},
	}
	if s.Latest {
		x.header.Records = state.NumSubjects
	}
	return x, nil
}

// write writes all records. It returns the subjects that were removed from the
// stream meanwhile.
func (x *export) write(ctx context.Context, w io.Writer) (removed map[uint64]struct{}, err error) {
	if x.w, err = NewWriter(w, x.header); err != nil {
		return nil, err
	}
	c := bus.CopyOptions{Stream: x.Bus.Topics().OutStream(), Latest: x.Latest}
	if x.Since > 0 {
		c.From = x.Since + 1
	}
	if err := x.Bus.Copy(ctx, c, x.add); err != nil {
		return nil, err
	}
	return x.removed(ctx)
}

func (x *export) add(m *bus.Message) error {
	if m.Sequence <= x.header.LastSequence {
		x.read++
	}
	if x.Progress != nil {
		x.Progress(x.read, x.header.Records)
	}
	x.done.UpTo = max(x.done.UpTo, m.Sequence)
	event, err := m.Event()
	if err != nil {
		return fmt.Errorf("event %d of the out topic cannot be read: %w", m.Sequence, err)
	}
	subject := x.hash(m.Subject)
	if strings.HasSuffix(event.Type, ".deleted.v1") || event.Type == events.TypeElementMoved {
		delete(x.present, subject)
		if x.Latest {
			x.done.Deleted++
			return nil
		}
	} else {
		x.present[subject] = struct{}{}
	}
	return x.w.Write(&Record{Subject: m.Subject, Sequence: m.Sequence, Time: m.Time, Event: event})
}

func (x *export) hash(subject string) uint64 { return maphash.String(x.seed, subject) }

// removed returns the subjects that were written as present and are no longer in
// the stream: the retention of deleted elements ended after their first events
// were written and before their deletion was. A restore would bring them back.
func (x *export) removed(ctx context.Context) (map[uint64]struct{}, error) {
	stream, err := x.Bus.JetStream().Stream(ctx, x.Bus.Topics().OutStream())
	if err != nil {
		return nil, err
	}
	if !stream.CachedInfo().Created.Equal(x.created) {
		return nil, events.Errorf(events.CodeConflict, "", "the out topic was created again during the export, as by a restore: run it again")
	}
	if x.Since == 0 && !x.Latest && x.read == x.header.Records {
		return map[uint64]struct{}{}, nil
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, err
	}
	for subject := range info.State.Subjects {
		delete(x.present, x.hash(subject))
	}
	return x.present, nil
}

// without replaces a file by one without some subjects. It returns the file to
// go on with.
func (x *export) without(removed map[uint64]struct{}, old *output) (*output, error) {
	if err := old.flush(); err != nil {
		return old, err
	}
	next, err := create(old.name)
	if err != nil {
		return old, err
	}
	if _, err = old.file.Seek(0, io.SeekStart); err == nil {
		err = x.filter(removed, old.file, next)
	}
	return next, errors.Join(err, old.discard())
}

func (x *export) filter(removed map[uint64]struct{}, from io.Reader, to io.Writer) error {
	r, err := NewReader(from)
	if err == nil {
		x.w, err = NewWriter(to, x.header)
	}
	for err == nil {
		var record *Record
		record, err = r.Next()
		if errors.Is(err, io.EOF) {
			x.done.Summary, err = x.w.Close()
			return err
		}
		if err != nil {
			break
		}
		if _, gone := removed[x.hash(record.Subject)]; gone {
			x.done.Swept++
			continue
		}
		err = x.w.Write(record)
	}
	return err
}
