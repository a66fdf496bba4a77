package graph

import (
	"cmp"
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
	// position is the in-sequence of the command.
	position uint64
	// purged says that the history has to go, and is not known to have gone.
	purged bool
}

// graves are the deletions that have not been swept.
type graves struct {
	// tombstones, oldest first.
	tombstones []Tombstone
	// last is the sequence of the last deletion of what is not there any more.
	last map[guid]uint64
}

func newGraves() graves { return graves{last: map[guid]uint64{}} }

// bury notes a deletion.
func (x *Index) bury(f *Fact) {
	t := Tombstone{GUID: f.record.guid, Type: f.record.typ, Relationship: f.record.relationship, Sequence: f.sequence, Stored: f.stored}
	t.position, t.purged = f.position, f.purged
	x.tombstones = append(x.tombstones, t)
	if !f.moved {
		x.last[t.GUID] = t.Sequence
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

// Secrets returns the deletions of the last command whose history has to go
// before another one is applied: what that makes anew would hide them from who
// reads the last event of each subject only. The parts of a large deletion carry
// the in-sequence of it or the one before.
func (x *Index) Secrets() []Tombstone {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var secret []Tombstone
	for _, t := range slices.Backward(x.tombstones) {
		if t.position+1 < x.position {
			break
		}
		if t.purged {
			secret = append(secret, t)
		}
	}
	slices.Reverse(secret)
	return secret
}

// Unerased returns the deletions whose history had to go, and of which nobody has
// said that it has: who writes since a moment ago does not know what the writers
// before could erase.
func (x *Index) Unerased() []Tombstone {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var list []Tombstone
	for _, t := range x.tombstones {
		if t.purged {
			list = append(list, t)
		}
	}
	return list
}

// Erased notes that the history of a deletion is gone.
func (x *Index) Erased(t Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := slices.BinarySearchFunc(x.tombstones, t.Sequence, func(t Tombstone, sequence uint64) int { return cmp.Compare(t.Sequence, sequence) })
	if ok {
		x.tombstones[i].purged = false
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
