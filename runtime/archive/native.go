package archive

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// Format is the version of the native archives that this package writes, and
// the newest that it reads.
const Format = 1

// The first and the last line of a native archive are events of these types.
const (
	TypeArchiveBegin = "io.camena.archive.begin.v1"
	TypeArchiveEnd   = "io.camena.archive.end.v1"
)

// The extension attributes that say where in the stream an event stood.
const (
	extSequence = "streamsequence"
	extTime     = "streamtime"
	extSubject  = "streamsubject"
)

// Manifest is what the first line of a native archive says.
type Manifest struct {
	Format int `json:"format"`
	// Domain is that of the repository: subjects begin with it.
	Domain  string    `json:"domain,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// Records is how many were in the stream when the export began; there may be
	// fewer in the archive if some were trimmed meanwhile.
	Records uint64 `json:"records,omitzero"`
	// FirstSequence and LastSequence are the range of the stream, if known.
	FirstSequence uint64 `json:"firstSequence,omitzero"`
	LastSequence  uint64 `json:"lastSequence,omitzero"`
	// Since is set where older records are left out, Latest where former states are.
	Since  uint64 `json:"since,omitzero"`
	Latest bool   `json:"latest,omitzero"`
	// Counts are how many there are of what, for people.
	Counts map[string]uint64 `json:"counts,omitempty"`
}

// Summary is what the last line of a native archive says.
type Summary struct {
	Records       uint64 `json:"records"`
	FirstSequence uint64 `json:"firstSequence,omitzero"`
	LastSequence  uint64 `json:"lastSequence,omitzero"`
	// SHA256 is that of all lines before the last, in hexadecimal.
	SHA256 string `json:"sha256"`
}

// Record is an event of the out topic, and where in the stream it stood.
type Record struct {
	// Subject may be empty.
	Subject string
	// Sequence counts from 1 and grows from record to record.
	Sequence uint64
	// Time is when the stream stored it.
	Time  time.Time
	Event events.Event
}

// Writer writes a native archive.
type Writer struct {
	out      *bufio.Writer
	sum      hash.Hash
	summary  Summary
	manifest Manifest
	finish   func() error
	discard  func() error
	err      error
	// file is the one that is written, under another name until it is complete.
	file *native
}

// NewWriter writes the first line of a native archive to w, and then what it is
// given. The caller closes w after the writer.
func NewWriter(w io.Writer, m Manifest) (*Writer, error) {
	m.Format = Format
	nothing := func() error { return nil }
	out := &Writer{out: bufio.NewWriterSize(w, bufferSize), sum: sha256.New(), manifest: m, finish: nothing, discard: nothing}
	data, err := events.Marshal(m)
	if err != nil {
		return nil, err
	}
	begin := events.Event{ID: "begin", Source: "/archive", Type: TypeArchiveBegin, Time: m.Created, ContentType: events.JSON, Data: data}
	if err := out.line(&begin); err != nil {
		return nil, err
	}
	return out, nil
}

// Create writes a native archive to a file, compressed if the name ends in .gz.
// The file appears once the writer is closed.
func Create(name string, m Manifest) (*Writer, error) {
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	file := &native{File: temp, name: name, flush: func() error { return nil }}
	var target io.Writer = file
	if strings.HasSuffix(name, ".gz") {
		zip := gzip.NewWriter(file)
		target, file.flush = zip, zip.Close
	}
	w, err := NewWriter(target, m)
	if err != nil {
		return nil, errors.Join(err, file.discard())
	}
	w.file, w.discard, w.finish = file, file.discard, file.finish
	return w, nil
}

// native is the file of a native archive, which gets its name in the end.
type native struct {
	*os.File
	name  string
	flush func() error
}

func (n *native) discard() error { return errors.Join(n.Close(), os.Remove(n.Name())) }

// seal closes the file; on failure it is gone.
func (n *native) seal() error {
	if err := errors.Join(n.flush(), n.Sync()); err != nil {
		return errors.Join(err, n.discard())
	}
	if err := n.Close(); err != nil {
		return errors.Join(err, os.Remove(n.Name()))
	}
	return nil
}

func (n *native) finish() error {
	if err := n.seal(); err != nil {
		return err
	}
	return os.Rename(n.Name(), n.name)
}

// Write adds a record. After an error nothing more can be written.
func (w *Writer) Write(r *Record) error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.write(r); w.err == nil {
		w.summary.Records++
		w.summary.LastSequence = r.Sequence
		if w.summary.FirstSequence == 0 {
			w.summary.FirstSequence = r.Sequence
		}
	}
	return w.err
}

func (w *Writer) write(r *Record) error {
	if r.Sequence <= w.summary.LastSequence {
		return fmt.Errorf("sequence %d follows %d: sequences begin at 1 and grow", r.Sequence, w.summary.LastSequence)
	}
	if r.Event.Type == TypeArchiveBegin || r.Event.Type == TypeArchiveEnd {
		return fmt.Errorf("sequence %d is of type %s, which is no event of the out topic", r.Sequence, r.Event.Type)
	}
	e := r.Event
	e.Extensions = make(map[string]string, len(r.Event.Extensions)+3)
	for name, value := range r.Event.Extensions {
		switch name {
		case extSequence, extTime, extSubject:
			return fmt.Errorf("sequence %d has the attribute %s already", r.Sequence, name)
		}
		e.Extensions[name] = value
	}
	e.SetExtension(extSequence, strconv.FormatUint(r.Sequence, 10))
	e.SetExtension(extSubject, r.Subject)
	if !r.Time.IsZero() {
		e.SetExtension(extTime, r.Time.UTC().Format(time.RFC3339Nano))
	}
	if err := w.line(&e); err != nil {
		return fmt.Errorf("sequence %d: %w", r.Sequence, err)
	}
	return nil
}

// line writes an event, with its data byte by byte as they are.
func (w *Writer) line(e *events.Event) error {
	bare := *e
	bare.Data = nil
	if len(e.Data) > 0 && bare.ContentType == "" {
		bare.ContentType = events.JSON
	}
	line, err := events.EncodeStructured(&bare)
	if err != nil {
		return err
	}
	if len(e.Data) > 0 {
		line = append(line[:len(line)-1], dataMember(bare.ContentType, e.Data)...)
		line = append(line, '}')
	}
	line = append(line, '\n')
	w.sum.Write(line)
	_, err = w.out.Write(line)
	return err
}

func dataMember(contentType string, data []byte) []byte {
	// In an array, since it must be valid one level down.
	nested := append(append([]byte{'['}, data...), ']')
	if contentType == events.JSON && isOneLine(data) && jsontext.Value(nested).IsValid() {
		return append([]byte(`,"data":`), data...)
	}
	return append(base64.StdEncoding.AppendEncode([]byte(`,"data_base64":"`), data), '"')
}

// isOneLine reports whether data is one JSON value, if any, with nothing around
// it and on one line.
func isOneLine(data []byte) bool {
	for _, c := range data {
		if c == '\n' || c == '\r' {
			return false
		}
	}
	first, last := data[0], data[len(data)-1]
	return first > ' ' && last > ' ' && jsontext.Value(data).IsValid()
}

// Close writes the last line.
func (w *Writer) Close() (Summary, error) {
	if err := w.end(); err != nil {
		return Summary{}, err
	}
	return w.summary, w.finish()
}

// end writes the last line; on failure the archive is discarded.
func (w *Writer) end() error {
	if w.err != nil {
		return errors.Join(w.err, w.discard())
	}
	w.err = errors.New("the archive is closed")
	w.summary.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	data, err := events.Marshal(w.summary)
	if err == nil {
		err = w.line(&events.Event{
			ID: "end", Source: "/archive", Type: TypeArchiveEnd, Time: w.manifest.Created, ContentType: events.JSON, Data: data,
		})
	}
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		return errors.Join(err, w.discard())
	}
	return nil
}

// Discard gives up an archive that is not closed: a file does not appear.
func (w *Writer) Discard() error {
	w.err = errors.New("the archive is discarded")
	return w.discard()
}
