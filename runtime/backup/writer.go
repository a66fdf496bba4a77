package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// Writer writes a backup.
type Writer struct {
	out     *bufio.Writer
	sum     hash.Hash
	summary Summary
	header  Header
	err     error
}

// NewWriter writes the first line of a backup to w.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format = Format
	out := &Writer{out: bufio.NewWriterSize(w, bufferSize), sum: sha256.New(), header: h}
	err := out.mark("begin", typeBegin, h)
	return out, err
}

// mark writes the first or the last line.
func (w *Writer) mark(id, eventType string, v any) error {
	data, err := events.Marshal(v)
	if err != nil {
		return err
	}
	return w.line(&events.Event{
		ID: id, Source: "/archive", Type: eventType, Time: w.header.Created, ContentType: events.JSON, Data: data,
	})
}

// Write adds a record. After an error nothing more can be written.
func (w *Writer) Write(r *Record) error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.write(r); w.err == nil {
		w.summary.add(r)
	}
	return w.err
}

func (w *Writer) write(r *Record) error {
	if r.Sequence <= w.summary.LastSequence {
		return fmt.Errorf("sequence %d follows %d: sequences begin at 1 and grow", r.Sequence, w.summary.LastSequence)
	}
	if r.Event.Type == typeBegin || r.Event.Type == typeEnd {
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

// line writes an event with its data unchanged, byte for byte.
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
	// Within an array, because it must be valid one level deeper.
	nested := append(append([]byte{'['}, data...), ']')
	if contentType == events.JSON && isOneLine(data) && jsontext.Value(nested).IsValid() {
		return append([]byte(`,"data":`), data...)
	}
	return append(base64.StdEncoding.AppendEncode([]byte(`,"data_base64":"`), data), '"')
}

// isOneLine reports whether data is one JSON value on one line, without spaces
// around it.
func isOneLine(data []byte) bool {
	for _, c := range data {
		if c == '\n' || c == '\r' {
			return false
		}
	}
	first, last := data[0], data[len(data)-1]
	return first > ' ' && last > ' ' && jsontext.Value(data).IsValid()
}

// Close writes the last line. The caller closes what the backup is written to.
func (w *Writer) Close() (Summary, error) {
	if w.err != nil {
		return Summary{}, w.err
	}
	w.err = errors.New("the backup is closed")
	w.summary.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	return w.summary, errors.Join(w.mark("end", typeEnd, w.summary), w.out.Flush())
}
