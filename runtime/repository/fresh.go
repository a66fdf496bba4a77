package repository

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// newGUID returns the guid of something that has no name to derive one from: a
// UUIDv7 of the time of the command, whose other bits follow from the command
// and from how many guids it needed before.
func (q *request) newGUID() guid {
	var n [3 * 8]byte
	binary.BigEndian.PutUint64(n[:], q.sequence)
	binary.BigEndian.PutUint64(n[8:], uint64(q.time.UnixNano()))
	binary.BigEndian.PutUint64(n[16:], uint64(q.made)) //nolint:gosec // it counts up from 0
	q.made++
	sum := sha256.Sum256(append(n[:], q.id...))
	id := uuid.UUID(sum[:16])
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(q.time.UnixMilli()))
	copy(id[:6], at[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
