package archive

import (
	"errors"
	"io"
	"os"
)

// Rewrite gives up an archive that [Create] began, for another one of that name
// that begins with those of its records that are to be kept. Either is gone after
// an error.
func (w *Writer) Rewrite(keep func(*Record) bool) (next *Writer, err error) {
	if w.file == nil {
		return nil, errors.New("what was written to a stream cannot be read again")
	}
	if err := w.end(); err != nil {
		return nil, err
	}
	if err := w.file.seal(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(w.file.Name())) }()
	in, err := os.Open(w.file.Name())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r, err := NewReader(in)
	if err != nil {
		return nil, err
	}
	if next, err = Create(w.file.name, w.manifest); err != nil {
		return nil, err
	}
	if err := next.take(r, keep); err != nil {
		return nil, errors.Join(err, next.Discard())
	}
	return next, nil
}

// take writes the records of another archive.
func (w *Writer) take(r *Reader, keep func(*Record) bool) error {
	for {
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case !keep(record):
			continue
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
}
