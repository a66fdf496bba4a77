package egeria

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
)

// Archive is an open metadata archive. It can be read any number of times, by one
// reader at a time.
type Archive struct {
	file io.ReaderAt
	size int64
	done func() error
}

// Open opens the archive in a file. The caller closes it.
func Open(name string) (*Archive, error) {
	file, err := os.Open(name) //nolint:gosec // the file that the caller asked for
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if info.IsDir() {
		return nil, errors.Join(errors.New("it is a folder: name the files in it"), file.Close())
	}
	if !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("it is no regular file: an archive is read more than once"), file.Close())
	}
	return &Archive{file: file, size: info.Size(), done: file.Close}, nil
}

// Close closes the file that [Open] opened.
func (a *Archive) Close() error { return a.done() }

// errTooLarge refuses a value that would take too much memory.
var errTooLarge = errors.New("a single value is larger than this reader takes")

// bufferSize is how much is read from the file at once.
const bufferSize = 64 << 10

// text returns the uncompressed content of the file. Progress hears how many more
// bytes of the file are read.
func (a *Archive) text(ctx context.Context, progress func(int)) (*input, error) {
	section := io.NewSectionReader(a.file, 0, a.size)
	r, err := uncompressed(&metered{ctx: ctx, r: section, progress: progress})
	if err != nil {
		return nil, err
	}
	// The byte order mark of some editors is not JSON.
	if mark, _ := r.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, err = r.Discard(len(byteOrderMark))
	}
	return &input{r: r, line: 1}, err
}

const byteOrderMark = "\uFEFF"

// uncompressed returns the content of r, which gzip may have compressed.
func uncompressed(r io.Reader) (*bufio.Reader, error) {
	buffered := bufio.NewReaderSize(r, bufferSize)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return buffered, nil
	}
	unzip, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(unzip, bufferSize), nil
}

// metered counts the bytes that are read, and stops when its context is done.
type metered struct {
	ctx      context.Context //nolint:containedctx // an io.Reader has no other way to be stopped
	r        io.Reader
	progress func(int)
}

func (m *metered) Read(p []byte) (int, error) {
	if err := context.Cause(m.ctx); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.progress(n)
	return n, err
}

// input hands bytes to a decoder and keeps those that the decoder has not passed, to
// count lines.
type input struct {
	r io.Reader
	// read is how many bytes were handed over, limit how many may be.
	read, limit int64
	// window has the bytes from offset on; offset is on line.
	window       []byte
	offset, line int64
}

func (in *input) Read(p []byte) (int, error) {
	if in.read >= in.limit {
		return 0, errTooLarge
	}
	n, err := in.r.Read(p[:min(int64(len(p)), in.limit-in.read)])
	in.read += int64(n)
	in.window = append(in.window, p[:n]...)
	return n, err
}

// lineAt returns the line of an offset that the decoder has reached, and drops the
// bytes before it.
func (in *input) lineAt(offset int64) int64 {
	n := min(max(offset-in.offset, 0), int64(len(in.window)))
	in.line += int64(bytes.Count(in.window[:n], []byte("\n")))
	in.window, in.offset = in.window[n:], in.offset+n
	return in.line
}
