package index

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/btree"

	"github.com/camena-io/camena/events"
)

// Tombstone is a deletion whose history is still stored. There may be as many as there
// are elements, so it has no gaps, and times are Unix nanoseconds.
type Tombstone struct {
	GUID         uuid.UUID
	Type         *events.ElementType
	Relationship bool
	// purged means that the history has to go and is not known to have gone; purge
	// that it had to go, whether or not it has.
	purged, purge bool
	// Sequence of the event on the out topic.
	Sequence uint64
	// position is the in-sequence of the command.
	position uint64
	// stored is when the event was stored, at its own time.
	stored, at int64
	// name is the hash of the qualified name; 0 if the guid follows from the name.
	name uint64
}

// tombstoneSet is the deletions whose history is still stored.
type tombstoneSet struct {
	// tombstones, oldest first.
	tombstones []Tombstone
	// latest is the sequence of the last deletion by guid.
	latest map[guid]uint64
	// names are the deletions of elements whose guids do not follow from their names.
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
	return tombstoneSet{latest: map[guid]uint64{}, names: names, seed: maphash.MakeSeed()}
}

func byFormerName(a, b formerName) bool {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.until, b.until), cmp.Compare(a.sequence, b.sequence)) < 0
}

func (x *Index) addTombstone(f *StateChange) {
	r := f.Record
	t := Tombstone{
		GUID: r.GUID, Type: r.Type, Relationship: r.Relationship, Sequence: f.Sequence, purged: f.Purged, purge: f.Purged,
		position: f.Position, stored: f.Stored.UnixNano(), at: f.At.UnixNano(),
	}
	// A purged element keeps no name, so that a writer and a reader of the stream build
	// the same index.
	if r.HasName() && !r.Derived && !f.Moved && !f.Purged {
		t.name = maphash.String(x.seed, r.Name)
		x.names.Set(t.formerName())
	}
	x.tombstones = append(x.tombstones, t)
	if !f.Moved {
		x.latest[t.GUID] = t.Sequence
	}
}

func (t *Tombstone) formerName() formerName {
	return formerName{name: t.name, until: t.at, sequence: t.Sequence}
}

// deletedAt returns the sequence at which something was deleted, if it is still
// deleted and its history is stored.
func (x *Index) deletedAt(id guid) (sequence uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sequence, ok = x.latest[id]
	return sequence, ok && x.byGUID[id] == nil
}

// PendingPurges returns the purges of the last command. They have to be done before
// the next command: if that creates something again, who reads only the last event of
// each subject no longer sees the purge. The parts of a large deletion carry the
// in-sequence of the command or the one before.
func (x *Index) PendingPurges() []Tombstone {
	x.mu.RLock()
	defer x.mu.RUnlock()
	first := len(x.tombstones)
	for first > 0 && x.tombstones[first-1].position+1 >= x.last.Position {
		first--
	}
	return unfinished(x.tombstones[first:])
}

// UnfinishedPurges returns the purged elements whose history may still be stored. A
// new writer purges them again: it cannot know what its predecessor finished.
func (x *Index) UnfinishedPurges() []Tombstone {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return unfinished(x.tombstones)
}

func unfinished(list []Tombstone) (purged []Tombstone) {
	for i := range list {
		if list[i].purged {
			purged = append(purged, list[i])
		}
	}
	return purged
}

// PurgeDone notes that the history of a purged element is gone.
func (x *Index) PurgeDone(t Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if t := x.tombstone(t.Sequence); t != nil {
		t.purged = false
	}
}

// tombstone returns the deletion with a sequence, nil if it is forgotten.
func (x *Index) tombstone(sequence uint64) *Tombstone {
	i, ok := slices.BinarySearchFunc(x.tombstones, sequence, func(t Tombstone, sequence uint64) int { return cmp.Compare(t.Sequence, sequence) })
	if !ok {
		return nil
	}
	return &x.tombstones[i]
}

// OldestTombstone returns the oldest deletion if it is from before a time and not the
// last event. What was created again under the same type keeps its history.
func (x *Index) OldestTombstone(before time.Time) (Tombstone, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 {
		t := x.tombstones[0]
		if t.stored >= before.UnixNano() || t.Sequence == x.last.Sequence {
			return Tombstone{}, false
		}
		if now := x.byGUID[t.GUID]; now == nil || now.Type.Name != t.Type.Name {
			return t, true
		}
		x.dropTombstone(t)
	}
	return Tombstone{}, false
}

func (x *Index) dropTombstone(t Tombstone) {
	x.tombstones = x.tombstones[1:]
	if x.latest[t.GUID] == t.Sequence {
		delete(x.latest, t.GUID)
	}
	if t.name != 0 {
		x.names.Delete(t.formerName())
	}
}

// Forget drops the oldest deletion, whose history is gone.
func (x *Index) Forget(t Tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.tombstones) > 0 && x.tombstones[0].Sequence == t.Sequence {
		x.dropTombstone(t)
	}
}

// ForgetSwept drops, on a node that only follows, deletions from before a time, which
// the writer has swept.
func (x *Index) ForgetSwept(before time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 && x.tombstones[0].stored < before.UnixNano() {
		x.dropTombstone(x.tombstones[0])
	}
}

// formerHolder returns the element that had a name at a time and kept it until it was
// deleted, if its guid does not follow from the name. As one element has a name at a
// time, it is the first that was deleted after it.
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
