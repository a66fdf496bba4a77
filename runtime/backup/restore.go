package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/topics"
)

// Backup is a file that was read to its end and is whole.
type Backup struct {
	name   string
	header Header
	sum    string
	// Records are restored; Fences are left out, because they tell the generations
	// that the former nodes gave their connectors.
	Records, Fences uint64
	largest         int64 // in bytes, as a message
}

// Verify reads the backup in a file. Progress, if not nil, hears how much of the
// file was read.
func Verify(ctx context.Context, name string, progress func(read, size int64)) (*Backup, error) {
	b := &Backup{name: name}
	err := b.read(ctx, progress, func(record *Record) error {
		if !strings.HasPrefix(record.Subject, b.header.Domain+".out.") {
			return events.Errorf(events.CodeInvalid, "", "event %d: its subject %q is not one of the out topic", record.Sequence, record.Subject)
		}
		m, err := b.message(record, b.header.Domain)
		if err != nil {
			return err
		}
		b.largest = max(b.largest, int64(m.Size()))
		b.Records++
		return nil
	})
	return b, err
}

// Latest reports whether the backup holds the present state only.
func (b *Backup) Latest() bool { return b.header.Latest }

// open opens the file of a backup and returns its size.
func open(name string) (*os.File, int64, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, 0, err
	case info.IsDir():
		return nil, 0, errors.New("it is a folder: name the file to restore")
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("it is not a regular file, but has to be read twice")
	}
	file, err := os.Open(name) //nolint:gosec // the caller names the file
	return file, info.Size(), err
}

// read calls each for the records to restore.
func (b *Backup) read(ctx context.Context, progress func(read, size int64), each func(*Record) error) error {
	file, size, err := open(b.name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	in := &counter{r: file}
	r, err := NewReader(in)
	if err != nil {
		return err
	}
	if b.header = r.Header(); b.header.Since > 0 {
		return events.Errorf(events.CodeInvalid, "", "it holds only what came after sequence %d: only a whole export can be restored", b.header.Since)
	}
	b.Fences = 0
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			b.sum = r.Summary().SHA256
			return nil
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if progress != nil {
			progress(in.n, size)
		}
		if record.Event.Type == events.TypeConnectorFenced {
			b.Fences++
		} else if err := each(record); err != nil {
			return err
		}
	}
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// message returns an event as the out topic holds it. It has no position in the
// in topic, because that of another installation means nothing here.
func (b *Backup) message(record *Record, domain string) (*nats.Msg, error) {
	m := nats.NewMsg(domain + strings.TrimPrefix(record.Subject, b.header.Domain))
	e := record.Event
	e.SetExtension(events.ExtInSequence, "0")
	data, err := events.Encode(&e, m.Header)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", record.Sequence, err)
	}
	m.Data = data
	return m, nil
}

// RestoreSettings say where to restore to.
type RestoreSettings struct {
	Bus *bus.Bus
	// Node is named to others who want to apply commands meanwhile.
	Node string
	// Force throws away everything in the installation first.
	Force bool
	// Progress, if set, is called after each event, with bytes of the file.
	Progress func(read, size int64)
}

// Restored is how far a restore came.
type Restored struct {
	// Begun says that the installation refuses questions until a restore of the
	// same file is complete.
	Begun bool
	// Records are in the out topic; Dropped of them were removed again, because
	// this installation keeps less history.
	Records, Dropped uint64
}

// Restore makes an empty installation what the backup says. No repository may
// run: Restore holds the lease of the writer, and waits for that of a node that
// was killed to run out. An interrupted restore continues when it is run again
// with the same file. An installation that is not empty is a
// [events.CodeConflict], unless it is forced.
func (b *Backup) Restore(ctx context.Context, s RestoreSettings) (Restored, error) {
	r := &restore{Backup: b, RestoreSettings: s, client: client.New(s.Bus, "")}
	err := holdWriter(ctx, s.Bus, s.Node, r.run)
	return r.done, err
}

// restore is one restore.
type restore struct {
	*Backup
	RestoreSettings

	client *client.Client
	done   Restored
	batch  []*nats.Msg
	bytes  int
}

const (
	spare      = 1 << 10 // what a batch adds to a message
	batchSize  = 500
	batchBytes = 1 << 20
)

func (r *restore) run(ctx context.Context) error {
	if most := r.Bus.MaxPayload() - spare; r.largest > most {
		return events.Errorf(events.CodeTooLarge, "", "the largest event has %d bytes, but NATS takes %d: raise its max_payload", r.largest, most)
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	skip := r.done.Records
	err := r.read(ctx, r.Progress, func(record *Record) error {
		if skip > 0 {
			skip--
			return nil
		}
		return r.add(ctx, record)
	})
	if err == nil {
		err = r.flush(ctx)
	}
	if err != nil {
		return err
	}
	state, err := r.Bus.StreamState(ctx, r.Bus.Topics().OutStream())
	if err != nil {
		return err
	}
	r.done.Dropped = r.done.Records - min(r.done.Records, state.Msgs)
	if err := r.client.SetRestoring(ctx, ""); err != nil {
		return err
	}
	r.done.Begun = false
	return nil
}

// prepare finds out how much an interrupted restore of the same file left, or
// makes the installation empty.
func (r *restore) prepare(ctx context.Context) error {
	t := r.Bus.Topics()
	noted, err := r.client.Restoring(ctx)
	if err != nil {
		return err
	}
	out, err := r.Bus.StreamState(ctx, t.OutStream())
	if err != nil {
		return err
	}
	in, err := r.Bus.StreamState(ctx, t.InStream())
	if err != nil {
		return err
	}
	other := readNote(noted)
	switch {
	case r.Force:
		err = r.clear(ctx)
	case other.Sum == r.sum:
		r.done.Begun, r.done.Records = true, out.LastSeq
		return nil
	case noted != "":
		err = events.Errorf(events.CodeConflict, "", "the restore of another backup was interrupted here%s: continue that one", other)
	case out.LastSeq > 0:
		err = events.Errorf(events.CodeConflict, "", "the repository is not empty: it is at sequence %d and holds %d events", out.LastSeq, out.Msgs)
	case in.Msgs > 0:
		err = events.Errorf(events.CodeConflict, "", "%d commands for the former metadata wait on the in topic", in.Msgs)
	}
	if err != nil {
		return err
	}
	data, err := events.Marshal(note{Sum: r.sum, Domain: r.header.Domain, Created: r.header.Created, Records: r.Records})
	if err != nil {
		return err
	}
	r.done.Begun = true
	return r.client.SetRestoring(ctx, string(data))
}

// note tells which backup is being restored.
type note struct {
	Sum     string    `json:"sum"`
	Domain  string    `json:"domain"`
	Created time.Time `json:"created,omitzero"`
	Records uint64    `json:"records"`
}

// readNote reads a note. Former versions noted the checksum only.
func readNote(text string) note {
	n, err := events.Unmarshal[note]([]byte(text))
	if err != nil {
		return note{Sum: text}
	}
	return n
}

func (n note) String() string {
	if n.Domain == "" {
		return ""
	}
	return fmt.Sprintf(" (of the domain %s, made at %s, with %d events)", n.Domain, n.Created.Format(time.RFC3339), n.Records)
}

// clear makes the installation empty. If that is interrupted, nobody may take the
// rest for the metadata.
func (r *restore) clear(ctx context.Context) error {
	r.done.Begun = true
	if err := r.client.SetRestoring(ctx, "nothing"); err != nil {
		return err
	}
	t := r.Bus.Topics()
	for _, stream := range []string{t.OutStream(), t.InStream()} {
		if err := r.Bus.Renew(ctx, stream); err != nil {
			return err
		}
	}
	return r.client.ForgetPositions(ctx)
}

func (r *restore) add(ctx context.Context, record *Record) error {
	m, err := r.message(record, r.Bus.Topics().Domain())
	if err != nil {
		return err
	}
	if len(r.batch) == batchSize || len(r.batch) > 0 && r.bytes+m.Size() > batchBytes {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.batch = append(r.batch, m)
	r.bytes += m.Size()
	return nil
}

func (r *restore) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	if err := r.Bus.Append(ctx, r.Bus.Topics().OutStream(), r.done.Records, r.batch); err != nil {
		return err
	}
	r.done.Records += uint64(len(r.batch))
	r.batch, r.bytes = nil, 0
	return nil
}

var (
	errHeld = errors.New("another node has the lease")
	errDone = errors.New("done")
)

// holdWriter runs work while it holds the lease of the writer.
func holdWriter(ctx context.Context, b *bus.Bus, node string, work func(context.Context) error) error {
	lease, err := b.NewLease(ctx, topics.RepositoryLease, "restore on "+node, uuid.NewString())
	if err != nil {
		return err
	}
	holding, release := context.WithCancelCause(ctx)
	defer release(nil)
	patience := time.AfterFunc(topics.LeaseTTL+time.Second, func() { release(errHeld) })
	defer patience.Stop()
	begun := false
	held := lease.Hold(holding, func(ctx context.Context) error {
		if !patience.Stop() {
			return errHeld
		}
		begun = true
		err = work(ctx)
		release(errDone)
		return err
	})
	switch {
	case begun:
		return err
	case !errors.Is(held, errHeld):
		return held
	}
	holder, err := lease.Holder(ctx)
	return errors.Join(err, events.Errorf(events.CodeRefused, "", "a repository runs on node %q: stop all nodes with the role repository first", holder))
}
