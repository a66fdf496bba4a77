package graph

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/btree"

	"github.com/camena-io/camena/events"
)

// Tombstone is a deletion that has not been swept. There may be as many as there
// are elements, so it has no gaps, and times are Unix nanoseconds.
type Tombstone struct {
	GUID         uuid.UUID
	Type         *events.ElementType
	Relationship bool
	// purged says that the history has to go, and is not known to have gone.
	purged bool
	// purge says that the history had to go, whether or not it has.
	purge bool
	// Sequence of the event on the out topic.
	Sequence uint64
	// position is the in-sequence of the command.
	position uint64
	// stored is when the event was stored, at when the command was, which is what
	// the event says.
	stored, at int64
	// name is the hash of the qualified name, 0 if that leads to the guid.
	name uint64
}

// graves are the deletions that have not been swept.
type tombstoneSet struct {
	// tombstones, oldest first.
	tombstones []Tombstone
	// last is the sequence of the last deletion of what is not there any more.
	last map[guid]uint64
	// names are the deletions of elements whose names do not lead to their guids.
	names *btree.BTreeG[formerName]
	seed  maphash.Seed
}

// formerName is the hash of a name that an element had until it was deleted.
type formerName struct {
	name     uint64
	until    int64
	sequence uint64
}

func newTombstones() tombstoneSet {
	names := btree.NewBTreeGOptions(byFormerName, btree.Options{NoLocks: true})
	return tombstoneSet{last: map[guid]uint64{}, names: names, seed: maphash.MakeSeed()}
}

func byFormerName(a, b formerName) bool {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.until, b.until), cmp.Compare(a.sequence, b.sequence)) < 0
}

// bury notes a deletion.
func (x *Index) addTombstone(f *StateChange) {
	t := Tombstone{GUID: f.record.guid, Type: f.record.typ, Relationship: f.record.relationship, Sequence: f.sequence, purged: f.purged, purge: f.purged}
	t.position, t.stored, t.at = f.position, f.stored.UnixNano(), f.at.UnixNano()
	// What is left of a purge does not tell the name, and who deleted it shall not
	// know more than who reads that.
	if r := f.record; r.named() && !r.derived && !f.moved && !f.purged {
		t.name = maphash.String(x.seed, r.name)
		x.names.Set(t.formerName())
	}
	x.tombstones = append(x.tombstones, t)
	if !f.moved {
		x.last[t.GUID] = t.Sequence
	}
}

func (t *Tombstone) formerName() formerName {
	return formerName{name: t.name, until: t.at, sequence: t.Sequence}
}

// buried returns the sequence of the event that deleted what has that guid, if
// it is not there any more and its history is still kept.
func (x *Index) deletedAt(id guid) (sequence uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sequence, ok = x.last[id]
	return sequence, ok && x.byGUID[id] == nil
}

// Secrets returns the deletions of the last command whose history has to go
// before another one is applied: what that makes anew would hide them from who
// reads the last event of each subject only. The parts of a large deletion carry
// the in-sequence of it or the one before.
func (x *Index) PendingPurges() []Tombstone {
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
func (x *Index) UnfinishedPurges() []Tombstone {
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
func (x *Index) PurgeDone(t Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if t := x.tombstone(t.Sequence); t != nil {
		t.purged = false
	}
}

// tombstone returns the deletion with a sequence, nil if it has been swept.
func (x *Index) tombstone(sequence uint64) *Tombstone {
	i, ok := slices.BinarySearchFunc(x.tombstones, sequence, func(t Tombstone, sequence uint64) int { return cmp.Compare(t.Sequence, sequence) })
	if !ok {
		return nil
	}
	return &x.tombstones[i]
}

// OldestTombstone returns the oldest deletion, if it is from before a time and
// not the last event. What is there again since then, under the same type, keeps
// its history.
func (x *Index) OldestTombstone(before time.Time) (Tombstone, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 {
		t := x.tombstones[0]
		if t.stored >= before.UnixNano() || t.Sequence == x.sequence {
			return Tombstone{}, false
		}
		if now := x.byGUID[t.GUID]; now == nil || now.typ.Name != t.Type.Name {
			return t, true
		}
		x.dropTombstone(t)
	}
	return Tombstone{}, false
}

func (x *Index) dropTombstone(t Tombstone) {
	x.tombstones = x.tombstones[1:]
	if x.last[t.GUID] == t.Sequence {
		delete(x.last, t.GUID)
	}
	if t.name != 0 {
		x.names.Delete(t.formerName())
	}
}

// Forget drops the oldest deletion, that was swept.
func (x *Index) Forget(t Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.tombstones) > 0 && x.tombstones[0].Sequence == t.Sequence {
		x.dropTombstone(t)
	}
}

// ForgetSwept drops, on a node that only follows, what the writer has swept.
func (x *Index) ForgetSwept(before time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 && x.tombstones[0].stored < before.UnixNano() {
		x.dropTombstone(x.tombstones[0])
	}
}

// buriedAs returns the element that had a name at a time, and had it until it was
// deleted, though the name does not lead to its guid. A name is that of one
// element at a time: it is the first that was deleted after it.
func (x *Index) formerHolder(name string, at time.Time) (id guid, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	hash := maphash.String(x.seed, name)
	x.names.Ascend(formerName{name: hash, until: at.UnixNano() + 1}, func(f formerName) bool {
		if t := x.tombstone(f.sequence); f.name == hash && t != nil {
			id, ok = t.GUID, true
		}
		return false
	})
	return id, ok
}
