package backup

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// MaxLine is the most bytes a line of a backup may have.
const MaxLine = 64 << 20

// bufferSize is how much is read from a file at once.
const bufferSize = 64 << 10

// Reader reads a backup.
type Reader struct {
	in      *bufio.Reader
	sum     hash.Hash
	header  Header
	summary Summary
	line    int64 // the present one, and the bytes before it and up to its end
	begin   int64
	offset  int64
}

// NewReader reads the first line of a backup, which may be compressed by gzip. A
// file that is not a whole backup is a [*DamageError], here and in [Reader.Next].
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, bufferSize), sum: sha256.New()}
	magic, err := r.in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(r.in)
		if err != nil {
			return nil, r.readError(err)
		}
		r.in = bufio.NewReaderSize(zip, bufferSize)
	}
	text, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, r.damage("", "the file is empty")
	case err != nil:
		return nil, err
	}
	r.sum.Write(text)
	err = r.readHeader(text)
	return r, err
}

func (r *Reader) readHeader(text []byte) error {
	e, err := events.Decode(nil, text)
	switch {
	case err != nil && bytes.Contains(text, []byte(`"OpenMetadataArchive"`)):
		return r.damage("", "this is an open metadata archive, which can be imported, not restored")
	case err != nil:
		return r.damage("", "this is not a backup of Camena: %s", err)
	case e.Type != typeBegin:
		return r.damage("/type", "this is not a backup of Camena: the first line is not an event of type %s", typeBegin)
	}
	// A newer format may have fields that are unknown here.
	p, err := events.ParseProperties(e.Data)
	if err != nil {
		return r.damage("/data", "%s", err)
	}
	version, err := events.Property[int](p, "format")
	switch {
	case err != nil || version < 1:
		return r.damage("/data/format", "the version of the format is missing")
	case version > Format:
		return r.damage("/data/format", "the backup is of format %d; this Camena reads up to format %d", version, Format)
	}
	if r.header, err = events.Unmarshal[Header](e.Data); err != nil {
		return r.damage("/data", "%s", err)
	}
	return nil
}

// Header returns the first line.
func (r *Reader) Header() Header { return r.header }

// Summary returns what was read so far; after [io.EOF] that is the whole backup.
func (r *Reader) Summary() Summary { return r.summary }

// Next returns the next record. It returns [io.EOF] after the last one, if
// nothing is missing and nothing was changed.
func (r *Reader) Next() (*Record, error) {
	text, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, r.damage("", "the backup ends here, after %d records, without its last line: it is truncated", r.summary.Records)
	case err != nil:
		return nil, err
	}
	e, err := events.Decode(nil, text)
	if err != nil {
		return nil, r.invalid(err)
	}
	switch e.Type {
	case typeBegin:
		return nil, r.damage("/type", "another backup begins here")
	case typeEnd:
		return nil, r.end(&e)
	}
	record, err := recordOf(e)
	if err != nil {
		return nil, r.invalid(err)
	}
	if record.Sequence <= r.summary.LastSequence {
		return nil, r.damage("/"+extSequence, "sequence %d follows %d: a record is missing or repeated", record.Sequence, r.summary.LastSequence)
	}
	r.sum.Write(text)
	r.summary.add(record)
	return record, nil
}

func (s *Summary) add(r *Record) {
	s.Records++
	s.LastSequence = r.Sequence
	if s.FirstSequence == 0 {
		s.FirstSequence = r.Sequence
	}
}

// recordOf takes the place in the stream out of an event.
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
			return nil, events.Errorf(events.CodeInvalid, extTime, "expected a time such as 2006-01-02T15:04:05Z")
		}
	}
	for _, name := range [...]string{extSequence, extSubject, extTime} {
		e.SetExtension(name, "")
	}
	r.Event = e
	return r, nil
}

// end compares the last line with what was read.
func (r *Reader) end(e *events.Event) error {
	want, err := events.Unmarshal[Summary](e.Data)
	if err != nil {
		return r.damage("/data", "%s", err)
	}
	r.summary.SHA256 = hex.EncodeToString(r.sum.Sum(nil))
	switch got := r.summary; {
	case want.Records != got.Records:
		return r.damage("/data/records", "the backup should have %d records, but has %d", want.Records, got.Records)
	case want.FirstSequence != got.FirstSequence || want.LastSequence != got.LastSequence:
		return r.damage("/data", "the backup should hold sequences %d to %d, but holds %d to %d",
			want.FirstSequence, want.LastSequence, got.FirstSequence, got.LastSequence)
	case want.SHA256 != got.SHA256:
		return r.damage("/data/sha256", "the backup was changed since it was written: the checksum does not match")
	}
	if _, err := r.next(); err == nil {
		return r.damage("", "something follows the last line of the backup")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return io.EOF
}

// next returns the next line with its end; [io.EOF] is the end of the file after
// a whole line.
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
			return nil, r.damage("", "the line is longer than %d bytes", MaxLine)
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			r.begin = r.offset
			return nil, r.damage("", "the backup ends here, in the middle of a line: it is truncated")
		default:
			return nil, r.readError(err)
		}
	}
}

// readError tells a damaged compressed file from a failure to read.
func (r *Reader) readError(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if !corrupt && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, gzip.ErrChecksum) && !errors.Is(err, gzip.ErrHeader) {
		return err
	}
	r.begin = r.offset
	return r.damage("", "the compressed file is damaged here: %s", err)
}

// invalid returns what is wrong with the present line.
func (r *Reader) invalid(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" && e.Pointer[0] != '/' {
		return r.damage(string(jsontext.Pointer("").AppendToken(e.Pointer)), "%s", e.Message)
	}
	return r.damage("", "%s", err)
}

func (r *Reader) damage(pointer, format string, args ...any) error {
	return &DamageError{Line: max(r.line, 1), Offset: r.begin, Pointer: pointer, Reason: fmt.Sprintf(format, args...)}
}
