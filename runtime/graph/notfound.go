package graph

import (
	"fmt"
	"hash/maphash"
	"math"
	"time"

	"github.com/camena-io/camena/events"
)

// errNotFound is the error about an element that is not there. It tells when it was
// deleted, while that is still known.
func errNotFound(v view, ref events.ElementRef, pointer string) error {
	name := ref.GUID
	if name == "" {
		name = fmt.Sprintf("%q", ref.QualifiedName)
	}
	became := ""
	if t, ok := v.lastDeletion(ref); ok {
		became = t.describe()
		if !t.Relationship && !t.purge {
			became += "; restore it to bring it back"
			if t.GUID != guidOf(ref) {
				became += ", by its guid, " + t.GUID.String()
			}
		}
	}
	return events.Errorf(events.CodeNotFound, pointer, "there is no element %s%s", name, became)
}

// errNotRestorable is the error about an element that cannot be restored.
func errNotRestorable(v view, ref events.ElementRef) error {
	const without = "there is no deleted element %s, or its history is gone; if its guid does not follow from its name, give the guid"
	t, ok := v.lastDeletion(ref)
	switch {
	case !ok:
		return events.Errorf(events.CodeNotFound, "/element", without, nameOf(ref))
	case t.Relationship:
		return events.Errorf(events.CodeNotFound, "/element", "%s%s; restore the element that was deleted with it, or link the two again", nameOf(ref), t.describe())
	case t.purge:
		return events.Errorf(events.CodeNotFound, "/element", "%s%s: nothing is left to restore", nameOf(ref), t.describe())
	case t.GUID != guidOf(ref):
		return events.Errorf(events.CodeNotFound, "/element", "%s%s: restore it by its guid, %s", nameOf(ref), t.describe(), t.GUID)
	}
	return events.Errorf(events.CodeNotFound, "/element", without, nameOf(ref))
}

// describe tells what was deleted, and when.
func (t *Tombstone) describe() string {
	at := formatTime(time.Unix(0, t.at))
	switch {
	case t.Relationship:
		return ": it was a relationship, " + article(t.Type.Name) + ", deleted at " + at
	case t.purge:
		return ": it was purged at " + at
	default:
		return ": it was deleted at " + at
	}
}

// lastDeletion returns the last deletion of an element, while it is known.
func (x *Index) lastDeletion(ref events.ElementRef) (Tombstone, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if t := x.tombstone(x.last[guidOf(ref)]); t != nil {
		return *t, true
	}
	if ref.GUID != "" {
		return Tombstone{}, false
	}
	return x.lastDeletionByName(ref.QualifiedName)
}

// lastDeletionByName finds the last deletion of an element whose guid does not follow
// from its name.
func (x *Index) lastDeletionByName(name string) (found Tombstone, ok bool) {
	hash := maphash.String(x.seed, name)
	x.names.Descend(formerName{name: hash, until: math.MaxInt64, sequence: math.MaxUint64}, func(f formerName) bool {
		if t := x.tombstone(f.sequence); f.name == hash && t != nil {
			found, ok = *t, true
		}
		return false
	})
	return found, ok
}
