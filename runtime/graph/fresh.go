package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// newGUID returns the guid of something that has no name to derive one from.
func (q *Request) newGUID() guid {
	q.made++
	return freshGUID(q.ID, q.Sequence, q.Time, q.made-1)
}

// freshGUID returns a UUIDv7 of the time of a command, whose other bits follow
// from the command and from how many guids it needed before.
func freshGUID(id string, sequence uint64, at time.Time, made int) guid {
	var n [3 * 8]byte
	binary.BigEndian.PutUint64(n[:], sequence)
	binary.BigEndian.PutUint64(n[8:], uint64(at.UnixNano()))
	binary.BigEndian.PutUint64(n[16:], uint64(made)) //nolint:gosec // it counts up from 0
	sum := sha256.Sum256(append(n[:], id...))
	fresh := uuid.UUID(sum[:16])
	var millis [8]byte
	binary.BigEndian.PutUint64(millis[:], uint64(at.UnixMilli()))
	copy(fresh[:6], millis[2:])
	fresh[6] = fresh[6]&0x0f | 0x70
	fresh[8] = fresh[8]&0x3f | 0x80
	return fresh
}
