package files

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"unicode/utf8"
)

// sampleSize is the number of bytes read to detect the encoding of a file.
const sampleSize = 4 << 10

// encoding is the character encoding of a text.
type encoding uint8

const (
	unknownEncoding encoding = iota
	encodingUTF8
	encodingUTF16BE
	encodingUTF16LE
	encodingUTF32BE
	encodingUTF32LE
)

// String returns the IANA name of the encoding, "" if it is unknown.
func (e encoding) String() string {
	return [...]string{"", "UTF-8", "UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"}[e]
}

// detectEncoding guesses the encoding of a file from its first bytes. It is
// unknown for an unreadable file, which is cataloged all the same.
func detectEncoding(path string) encoding {
	// The path may name a pipe by now, which must not block.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the user configures the path
	if err != nil {
		return unknownEncoding
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return unknownEncoding
	}
	start := make([]byte, sampleSize)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return unknownEncoding
	}
	return encodingOf(start[:n], n == sampleSize)
}

// encodingOf looks for a byte order mark, then for valid UTF-8. A cut text may
// end in the middle of a character.
func encodingOf(start []byte, cut bool) encoding {
	switch {
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE, 0, 0}):
		return encodingUTF32LE
	case bytes.HasPrefix(start, []byte{0, 0, 0xFE, 0xFF}):
		return encodingUTF32BE
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}):
		return encodingUTF16LE
	case bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return encodingUTF16BE
	}
	for i := 1; cut && i < utf8.UTFMax; i++ {
		if tail := start[len(start)-i:]; utf8.RuneStart(tail[0]) && !utf8.FullRune(tail) {
			start = start[:len(start)-i]
			break
		}
	}
	if utf8.Valid(start) && bytes.IndexByte(start, 0) < 0 {
		return encodingUTF8
	}
	return unknownEncoding
}
