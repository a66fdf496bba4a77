package backup

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// output is a file that has another name until it is complete.
type output struct {
	io.Writer
	file *os.File
	zip  *gzip.Writer // nil if the file is not compressed
	name string
}

// create begins a file, compressed if its name ends in .gz.
func create(name string) (*output, error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	o := &output{Writer: file, file: file, name: name}
	if strings.HasSuffix(name, ".gz") {
		o.zip = gzip.NewWriter(file)
		o.Writer = o.zip
	}
	return o, nil
}

// flush completes what was written; the file keeps its temporary name.
func (o *output) flush() error {
	if o.zip == nil {
		return nil
	}
	return o.zip.Close()
}

// commit gives the file its name. On failure the file is gone.
func (o *output) commit() error {
	if err := errors.Join(o.flush(), o.file.Sync()); err != nil {
		return errors.Join(err, o.discard())
	}
	err := o.file.Close()
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.file.Name()))
	}
	return nil
}

func (o *output) discard() error { return errors.Join(o.file.Close(), os.Remove(o.file.Name())) }
