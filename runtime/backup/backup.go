// Package backup exports an installation to a file and restores one from it.
//
// A backup holds the change events of the out topic with their places in the
// stream: each line is a CloudEvent in structured mode. The first line says what
// the file holds; the last one says how many lines there must be and gives their
// checksum, so that a damaged file is noticed, with the line.
package backup

import (
	"fmt"
	"time"

	"github.com/camena-io/camena/events"
)

// Format is the version of the backups that this package writes, and the newest
// that it reads.
const Format = 1

// The first and the last line of a backup are events of these types.
const (
	typeBegin = "io.camena.archive.begin.v1"
	typeEnd   = "io.camena.archive.end.v1"
)

// The extension attributes that say where in the stream an event was.
const (
	extSequence = "streamsequence"
	extTime     = "streamtime"
	extSubject  = "streamsubject"
)

// Header is the first line of a backup.
type Header struct {
	Format int `json:"format"`
	// Domain is the first token of all subjects.
	Domain  string    `json:"domain,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// Records is how many the stream had when the export began. The backup has
	// fewer if some were trimmed meanwhile.
	Records       uint64 `json:"records,omitzero"`
	FirstSequence uint64 `json:"firstSequence,omitzero"`
	LastSequence  uint64 `json:"lastSequence,omitzero"`
	// Since is set if older records are left out, Latest if the history is.
	Since  uint64 `json:"since,omitzero"`
	Latest bool   `json:"latest,omitzero"`
}

// Summary is the last line of a backup.
type Summary struct {
	Records       uint64 `json:"records"`
	FirstSequence uint64 `json:"firstSequence,omitzero"`
	LastSequence  uint64 `json:"lastSequence,omitzero"`
	// SHA256 is the checksum of all lines before the last, in hexadecimal.
	SHA256 string `json:"sha256"`
}

// Record is an event of the out topic and its place in the stream.
type Record struct {
	Subject string
	// Sequence counts from 1 and grows from record to record.
	Sequence uint64
	// Time is when the stream stored it.
	Time  time.Time
	Event events.Event
}

// DamageError says where a file is not a whole backup.
type DamageError struct {
	Line int64
	// Offset is the number of bytes before the line, once uncompressed.
	Offset int64
	// Pointer is a JSON pointer into the line, if one value is wrong.
	Pointer string
	Reason  string
}

func (e *DamageError) Error() string {
	text := fmt.Sprintf("line %d, byte %d", e.Line, e.Offset)
	if e.Pointer != "" {
		text += ", " + e.Pointer
	}
	return text + ": " + e.Reason
}
