package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/camena-io/camena/events"
)

// MaxLine is how many bytes a line of a native archive may have.
const MaxLine = 64 << 20

// Reader reads a native archive.
type Reader struct {
	in       *bufio.Reader
	sum      hash.Hash
	manifest Manifest
	summary  Summary
	line     int64
	offset   int64
	begin    int64
	err      error
}

// NewReader reads the first line of a native archive, which may be compressed.
// What is wrong with the archive is a [*DamageError].
func NewReader(r io.Reader) (*Reader, error) {
	in, err := uncompressed(r)
	n := &Reader{in: in, sum: sha256.New()}
	if err != nil {
		return nil, n.blame(err)
	}
	text, err := n.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, n.damage("", "the file is empty")
	case err != nil:
		return nil, err
	}
	if err := n.readManifest(text); err != nil {
		return nil, err
	}
	n.sum.Write(text)
	return n, nil
}

func (r *Reader) readManifest(text []byte) error {
	e, err := events.Decode(nil, text)
	if err != nil {
		if bytes.Contains(text, []byte(`"OpenMetadataArchive"`)) {
			return r.damage("", "this is an open metadata archive: camena import reads that")
		}
		return r.damage("", fmt.Sprintf("this does not begin as an archive of Camena: %s", err))
	}
	if e.Type != TypeArchiveBegin {
		return r.damage("/type", fmt.Sprintf("this does not begin as an archive of Camena: expected an event of type %s, found %q", TypeArchiveBegin, short(e.Type)))
	}
	// A newer format may have more to say than is known here.
	version, err := events.Property[int](properties(e.Data), "format")
	switch {
	case err != nil || version < 1:
		return r.damage("/data/format", "the version of the format is missing")
	case version > Format:
		return r.damage("/data/format", fmt.Sprintf("the archive is of format %d; this Camena reads up to format %d", version, Format))
	}
	if r.manifest, err = events.Unmarshal[Manifest](e.Data); err != nil {
		return r.damage("/data", err.Error())
	}
	return nil
}

func properties(data []byte) events.Properties {
	p, err := events.ParseProperties(data)
	if err != nil {
		return events.Properties{}
	}
	return p
}

// Manifest returns what the first line says.
func (r *Reader) Manifest() Manifest { return r.manifest }

// Summary returns what was read so far; once [Reader.Next] returned [io.EOF], of
// all of it.
func (r *Reader) Summary() Summary { return r.summary }

// Next returns the next record. It returns [io.EOF] behind the last one, if
// nothing is missing and nothing was changed. After an error there is no more.
func (r *Reader) Next() (*Record, error) {
	if r.err != nil {
		return nil, r.err
	}
	record, err := r.record()
	r.err = err
	return record, err
}

func (r *Reader) record() (*Record, error) {
	text, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, r.damage("", fmt.Sprintf("the archive ends here, after %d records, without its last line: it is truncated", r.summary.Records))
	case err != nil:
		return nil, err
	}
	e, err := events.Decode(nil, text)
	if err != nil {
		return nil, r.wrong(err)
	}
	switch e.Type {
	case TypeArchiveBegin:
		return nil, r.damage("/type", "another archive begins here")
	case TypeArchiveEnd:
		return nil, r.end(&e)
	}
	record, err := recordOf(e)
	if err != nil {
		return nil, r.wrong(err)
	}
	if record.Sequence <= r.summary.LastSequence {
		return nil, r.damage("/"+extSequence, fmt.Sprintf("sequence %d follows %d: a record is missing or twice", record.Sequence, r.summary.LastSequence))
	}
	r.sum.Write(text)
	r.summary.Records++
	r.summary.LastSequence = record.Sequence
	if r.summary.FirstSequence == 0 {
		r.summary.FirstSequence = record.Sequence
	}
	return record, nil
}

// recordOf takes out of an event what says where it stood.
func recordOf(e events.Event) (*Record, error) {
	r := &Record{Subject: e.Extension(extSubject)}
	var err error
	if r.Sequence, err = e.Uint(extSequence); err != nil {
		return nil, err
	}
	if r.Sequence == 0 {
		return nil, events.Errorf(events.CodeInvalid, extSequence, "missing: the sequence of the event in the stream")
	}
	if text := e.Extension(extTime); text != "" {
		if r.Time, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, events.Errorf(events.CodeInvalid, extTime, "%q is not a time such as 2006-01-02T15:04:05Z", short(text))
		}
	}
	for _, name := range [...]string{extSequence, extSubject, extTime} {
		e.SetExtension(name, "")
	}
	r.Event = e
	return r, nil
}

// end compares what the last line says with what was read.
func (r *Reader) end(e *events.Event) error {
	said, err := events.Unmarshal[Summary](e.Data)
	if err != nil {
		return r.damage("/data", err.Error())
	}
	r.summary.SHA256 = hex.EncodeToString(r.sum.Sum(nil))
	switch read := r.summary; {
	case said.Records != read.Records:
		return r.damage("/data/records", fmt.Sprintf("the archive should have %d records, but has %d", said.Records, read.Records))
	case said.FirstSequence != read.FirstSequence || said.LastSequence != read.LastSequence:
		return r.damage("/data", fmt.Sprintf("the archive should hold sequences %d to %d, but holds %d to %d",
			said.FirstSequence, said.LastSequence, read.FirstSequence, read.LastSequence))
	case said.SHA256 != read.SHA256:
		return r.damage("/data/sha256", "the archive was changed since it was written: the checksum does not match")
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		if err != nil {
			return err
		}
		return r.damage("", "something follows the last line of the archive")
	}
	return io.EOF
}

// next returns the next line with its end; [io.EOF] is the end of the file at
// the end of a line.
func (r *Reader) next() ([]byte, error) {
	var text []byte
	r.line++
	r.begin = r.offset
	for {
		part, err := r.in.ReadSlice('\n')
		text = append(text, part...)
		r.offset += int64(len(part))
		switch {
		case err == nil:
			return text, nil
		case errors.Is(err, bufio.ErrBufferFull) && len(text) <= MaxLine:
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, r.damage("", fmt.Sprintf("the line is longer than %d bytes", MaxLine))
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			r.begin = r.offset
			return nil, r.damage("", "the archive ends here, in the middle of a line: it is truncated")
		default:
			return nil, r.blame(err)
		}
	}
}

// blame tells damage from failures to read.
func (r *Reader) blame(err error) error {
	if !isDamage(err) {
		return err
	}
	r.begin = r.offset
	return r.damage("", fmt.Sprintf("the compressed file is damaged here: %s", err))
}

// wrong says what is wrong with the present line.
func (r *Reader) wrong(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" && e.Pointer[0] != '/' {
		return r.damage(member(e.Pointer), e.Message)
	}
	return r.damage("", err.Error())
}

func (r *Reader) damage(pointer, reason string) error {
	return &DamageError{Where: Place{Line: max(r.line, 1), Offset: r.begin, Pointer: pointer}, Reason: reason}
}

// Verify reads a native archive to its end, and returns what it holds.
func Verify(ctx context.Context, in io.Reader) (Manifest, Summary, error) {
	r, err := NewReader(&metered{ctx: ctx, r: in, progress: func(int) {}})
	if err != nil {
		return Manifest{}, Summary{}, err
	}
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return r.manifest, r.summary, nil
		} else if err != nil {
			return r.manifest, r.summary, err
		}
	}
}
