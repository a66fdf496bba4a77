package cli

import (
	"errors"
	"io"
	"os"

	"github.com/camena-io/camena/runtime/archive"
)

// archived is an archive that may have a copy to remove in the end.
type archived struct {
	*archive.Archive
	done func() error
}

// Close closes the archive.
func (a *archived) Close() error { return errors.Join(a.Archive.Close(), a.done()) }

// openArchive opens an archive, - from the standard input.
func (p *program) openArchive(name string) (*archived, error) {
	done := func() error { return nil }
	if name == "-" {
		var err error
		if name, done, err = spool(p.stdin); err != nil {
			return nil, err
		}
	}
	a, err := archive.Open(name)
	if err != nil {
		return nil, errors.Join(err, done())
	}
	return &archived{Archive: a, done: done}, nil
}

// spool copies what comes to a file, since it is read more than once.
func spool(in io.Reader) (name string, remove func() error, err error) {
	file, err := os.CreateTemp("", "camena-*")
	if err != nil {
		return "", nil, err
	}
	remove = func() error { return os.Remove(file.Name()) }
	_, err = io.Copy(file, in)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return file.Name(), remove, nil
}
