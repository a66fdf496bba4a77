package graph

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Tombstone is a deletion that has not been swept.
type Tombstone struct {
	GUID         uuid.UUID
	Type         *events.ElementType
	Relationship bool
	// Sequence of the event on the out topic, and when that was Stored.
	Sequence uint64
	Stored   time.Time
}

// graves are the deletions that have not been swept.
type graves struct {
	// tombstones, oldest first.
	tombstones []Tombstone
	// last is the sequence of the last deletion of what is not there any more.
	last map[guid]uint64
	// secret are the deletions whose history has to go at once: the writer removes
	// it before it applies another command. unerased are those where it could not.
	secret, unerased []Tombstone
	// secretAt is the in-sequence of the last of them.
	secretAt uint64
}

func newGraves() graves { return graves{last: map[guid]uint64{}} }

// bury notes a deletion.
func (x *Index) bury(f *Fact) {
	t := Tombstone{GUID: f.record.guid, Type: f.record.typ, Relationship: f.record.relationship, Sequence: f.sequence, Stored: f.stored}
	x.tombstones = append(x.tombstones, t)
	if !f.moved {
		x.last[t.GUID] = t.Sequence
	}
	if f.purged {
		x.secret, x.secretAt = append(x.secret, t), f.position
	}
}

// buried returns the sequence of the event that deleted what has that guid, if
// it is not there any more and its history is still kept.
func (x *Index) buried(id guid) (sequence uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sequence, ok = x.last[id]
	return sequence, ok && x.byGUID[id] == nil
}

// Secrets takes the deletions whose history has to go at once.
func (x *Index) Secrets() []Tombstone {
	x.mu.Lock()
	defer x.mu.Unlock()
	secret := slices.Concat(x.secret, x.unerased)
	x.secret, x.unerased = nil, nil
	return secret
}

// Remember keeps deletions whose history could not be removed for the next
// [Index.Secrets].
func (x *Index) Remember(list ...Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unerased = append(x.unerased, list...)
}

// erased forgets what the writer has erased, since it went on to a later command.
// The parts of a large deletion carry the in-sequence of it or the one before.
func (x *Index) erased(position uint64) {
	if len(x.secret) > 0 && position > x.secretAt+1 {
		x.secret = nil
	}
}

// OldestTombstone returns the oldest deletion, if it is from before a time and
// not the last event. What is there again since then, under the same type, keeps
// its history.
func (x *Index) OldestTombstone(before time.Time) (Tombstone, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 {
		t := x.tombstones[0]
		if !t.Stored.Before(before) || t.Sequence == x.sequence {
			return Tombstone{}, false
		}
		if now := x.byGUID[t.GUID]; now == nil || now.typ.Name != t.Type.Name {
			return t, true
		}
		x.unbury(t)
	}
	return Tombstone{}, false
}

func (x *Index) unbury(t Tombstone) {
	x.tombstones = x.tombstones[1:]
	if x.last[t.GUID] == t.Sequence {
		delete(x.last, t.GUID)
	}
}

// Forget drops the oldest deletion, that was swept.
func (x *Index) Forget(t Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.tombstones) > 0 && x.tombstones[0].Sequence == t.Sequence {
		x.unbury(t)
	}
}

// ForgetSwept drops, on a node that only follows, what the writer has swept.
func (x *Index) ForgetSwept(before time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 && x.tombstones[0].Stored.Before(before) {
		x.unbury(x.tombstones[0])
	}
}

// latestTombstones returns the last deletions of elements, newest first.
func (x *Index) latestTombstones(most int) (list []Tombstone) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, t := range slices.Backward(x.tombstones) {
		if len(list) == most {
			break
		}
		if !t.Relationship {
			list = append(list, t)
		}
	}
	return list
}
