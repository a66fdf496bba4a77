package backup

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// ErrNotRegular is returned for a file that cannot be replaced, such as a device.
var ErrNotRegular = errors.New("is not a regular file")

// CheckTarget checks that a file can be written, before an export takes long. One
// that exists is an [fs.ErrExist] unless it is to be replaced.
func CheckTarget(file string, replace bool) error {
	info, err := os.Stat(file)
	if err != nil {
		folder := filepath.Dir(file)
		if parent, missing := os.Stat(folder); missing != nil || !parent.IsDir() {
			return fmt.Errorf("%s: there is no folder %s", file, folder)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder: name the file to write", file)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s %w", file, ErrNotRegular)
	case !replace:
		return &existsError{file}
	default:
		return nil
	}
}

// existsError says that a file exists.
type existsError struct{ file string }

func (e *existsError) Error() string { return e.file + " exists" }

// Is makes it an [fs.ErrExist].
func (*existsError) Is(target error) bool { return target == fs.ErrExist }
