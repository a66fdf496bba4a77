package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// restoring is the command restore.
type restoring struct {
	force    bool
	progress *progress

	file string
	// where it restores to.
	where string
	// sum and records are what the file has, fences what is left out of it, largest
	// is its largest event; latest is set if there is no history in it.
	sum     string
	created time.Time
	records uint64
	fences  uint64
	largest int64
	latest  bool

	bus    *bus.Bus
	domain string
	// begun is set when the installation can be used no more until all is restored.
	begun bool
	// last is how many events are restored, dropped how many of them there are no
	// more, since others pushed them out.
	last    uint64
	dropped uint64
	batch   []*nats.Msg
	bytes   int
}

// verify reads the file to its end.
func (r *restoring) verify(ctx context.Context, file string) error {
	r.file = file
	r.progress.begin("verifying")
	err := r.read(ctx, func(record *archive.Record) error {
		size, err := r.check(record)
		r.largest = max(r.largest, size)
		r.records++
		return err
	})
	if d, ok := errors.AsType[*archive.DamageError](err); ok {
		return fmt.Errorf("%s: %s; nothing is restored", d.Where, d.Reason)
	}
	return err
}

// read hands over the records that are to be restored.
func (r *restoring) read(ctx context.Context, each func(*archive.Record) error) error {
	file, err := os.Open(r.file)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errors.New("it is a folder: name the file to restore")
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file: it is read twice; - restores the standard input")
	}
	in := &counted{r: file}
	return r.readFrom(in, func(record *archive.Record) error {
		r.progress.set(in.n, info.Size(), "")
		if err := context.Cause(ctx); err != nil {
			return err
		}
		// Which generation connectors are fenced to belongs to the nodes that ran
		// there; here they begin anew.
		if record.Event.Type == events.TypeConnectorFenced {
			r.fences++
			return nil
		}
		return each(record)
	})
}

func (r *restoring) readFrom(in io.Reader, each func(*archive.Record) error) error {
	reader, err := archive.NewReader(in)
	if err != nil {
		return err
	}
	m := reader.Manifest()
	if m.Since > 0 {
		return fmt.Errorf("it holds only what came after sequence %d: only a whole export can be restored", m.Since)
	}
	r.domain, r.latest, r.created, r.fences = m.Domain, m.Latest, m.Created, 0
	for {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			r.sum = reader.Summary().SHA256
			return nil
		}
		if err == nil {
			err = each(record)
		}
		if err != nil {
			return err
		}
	}
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// check returns the size of the message that a record becomes.
func (r *restoring) check(record *archive.Record) (int64, error) {
	if !strings.HasPrefix(record.Subject, r.domain+".out.") {
		return 0, fmt.Errorf("event %d: its subject %q is not one of the out topic", record.Sequence, record.Subject)
	}
	m, err := r.message(record, r.domain)
	if err != nil {
		return 0, err
	}
	return int64(m.Size()), nil
}

// message is an event as it stood in the out topic. The position in the in topic
// is none: it was in that of another installation, and a writer goes on behind it.
func (r *restoring) message(record *archive.Record, domain string) (*nats.Msg, error) {
	m := nats.NewMsg(domain + strings.TrimPrefix(record.Subject, r.domain))
	e := record.Event
	e.SetExtension(events.ExtInSequence, "0")
	data, err := events.Encode(&e, m.Header)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", record.Sequence, err)
	}
	m.Data = data
	return m, nil
}

// run writes the events to the out topic.
func (r *restoring) run(ctx context.Context, b *bus.Bus) error {
	r.bus = b
	const spare = 1 << 10 // for what a batch adds
	if most := b.MaxPayload() - spare; r.largest > most {
		return fmt.Errorf("the largest event has %d bytes, but NATS takes %d: raise its max_payload", r.largest, most)
	}
	there, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	r.progress.begin("restoring")
	skipped := uint64(0)
	r.last = there
	err = r.read(ctx, func(record *archive.Record) error {
		if skipped < there {
			skipped++
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
	state, err := b.StreamState(ctx, b.Topics().OutStream())
	if err != nil {
		return err
	}
	r.dropped = r.last - min(r.last, state.Msgs)
	if err := client.New(b, source).SetRestoring(ctx, ""); err != nil {
		return err
	}
	r.begun = false
	return nil
}

// prepare returns how many events are there from an interrupted restore of the
// same file.
func (r *restoring) prepare(ctx context.Context) (uint64, error) {
	t := r.bus.Topics()
	from, err := client.New(r.bus, source).Restoring(ctx)
	if err != nil {
		return 0, err
	}
	out, err := r.bus.StreamState(ctx, t.OutStream())
	if err != nil {
		return 0, err
	}
	in, err := r.bus.StreamState(ctx, t.InStream())
	if err != nil {
		return 0, err
	}
	switch {
	case r.force:
		out.LastSeq = 0
		err = r.clear(ctx)
	case begunFrom(from).Sum == r.sum:
		r.begun = true
		return out.LastSeq, nil
	case from != "":
		err = fmt.Errorf("the restore of another file was interrupted here%s: go on with that, or begin anew with --force", begunFrom(from))
	case out.LastSeq > 0:
		err = fmt.Errorf("the repository is not empty: it is at sequence %d and holds %s; restore into an empty data folder or domain, or throw away what is there with --force",
			out.LastSeq, plural(out.Msgs, "event"))
	case in.Msgs > 0:
		err = fmt.Errorf("%s on the in topic, meant for what was there when they were sent: throw them away with --force",
			plural(in.Msgs, "command"))
	}
	if err != nil {
		return 0, err
	}
	r.begun = true
	return 0, r.note(ctx)
}

// begunFile is the file with which a restore has begun.
type begunFile struct {
	Sum     string    `json:"sum"`
	Domain  string    `json:"domain"`
	Created time.Time `json:"created,omitzero"`
	Records uint64    `json:"records"`
}

// note says with which file the restore has begun.
func (r *restoring) note(ctx context.Context) error {
	data, err := events.Marshal(&begunFile{Sum: r.sum, Domain: r.domain, Created: r.created, Records: r.records})
	if err != nil {
		return err
	}
	return client.New(r.bus, source).SetRestoring(ctx, string(data))
}

// begunFrom reads what was noted. Former versions noted the sum only.
func begunFrom(noted string) begunFile {
	f, err := events.Unmarshal[begunFile]([]byte(noted))
	if err != nil {
		return begunFile{Sum: noted}
	}
	return f
}

// String tells the file from others.
func (f begunFile) String() string {
	if f.Domain == "" {
		return ""
	}
	return fmt.Sprintf(", an export of the domain %s made at %s with %s", f.Domain, timestamp(f.Created), plural(f.Records, "event"))
}

// clear throws away what is there.
func (r *restoring) clear(ctx context.Context) error {
	t := r.bus.Topics()
	// If it is interrupted, nobody must take the rest for the metadata.
	r.begun = true
	if err := client.New(r.bus, source).SetRestoring(ctx, "nothing"); err != nil {
		return err
	}
	for _, stream := range []string{t.OutStream(), t.InStream()} {
		if err := r.bus.Renew(ctx, stream); err != nil {
			return err
		}
	}
	return client.New(r.bus, source).ForgetPositions(ctx)
}

const (
	restoreBatch = 500
	restoreBytes = 1 << 20
)

func (r *restoring) add(ctx context.Context, record *archive.Record) error {
	m, err := r.message(record, r.bus.Topics().Domain())
	if err != nil {
		return err
	}
	if size := m.Size(); len(r.batch) == restoreBatch || len(r.batch) > 0 && r.bytes+size > restoreBytes {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.batch = append(r.batch, m)
	r.bytes += m.Size()
	return nil
}

func (r *restoring) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	if err := r.bus.Append(ctx, r.bus.Topics().OutStream(), r.last, r.batch); err != nil {
		return err
	}
	r.last += uint64(len(r.batch))
	r.batch, r.bytes = nil, 0
	return nil
}
