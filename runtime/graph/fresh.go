package graph

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// freshGUID returns a UUIDv7 of the time of a request, whose other bits follow from
// the request and from how many guids it needed before.
func freshGUID(q *Request, before int) guid {
	b := binary.BigEndian.AppendUint64(nil, q.Sequence)
	b = binary.BigEndian.AppendUint64(b, uint64(q.Time.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(before)) //nolint:gosec // it counts up from 0
	sum := sha256.Sum256(append(b, q.ID...))
	fresh := uuid.UUID(sum[:16])
	millis := binary.BigEndian.AppendUint64(nil, uint64(q.Time.UnixMilli()))
	copy(fresh[:6], millis[2:])
	fresh[6] = fresh[6]&0x0f | 0x70
	fresh[8] = fresh[8]&0x3f | 0x80
	return fresh
}
