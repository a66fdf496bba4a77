package index

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Lookup finds single records.
type Lookup interface {
	// ByGUID returns the element or relationship with a guid, nil if there is none.
	ByGUID(id guid) *Record
	// ByName returns the element with a qualified name, nil if there is none.
	ByName(name string) *Record
	// LastDeletion returns the last deletion of an element or relationship, while it is
	// known.
	LastDeletion(ref events.ElementRef) (Tombstone, bool)
}

// GUIDOf returns the guid that a reference gives, or that belongs to its name.
func GUIDOf(ref events.ElementRef) uuid.UUID {
	if ref.GUID != "" {
		ref.QualifiedName = ""
	}
	return events.ElementKey(ref)
}

func nameOf(ref events.ElementRef) string { return cmp.Or(ref.GUID, ref.QualifiedName) }

// Element returns the element that a reference names.
func Element(v Lookup, ref events.ElementRef, pointer string) (*Record, error) {
	var r *Record
	if ref.GUID == "" {
		if r = v.ByName(ref.QualifiedName); r == nil {
			return nil, errNotFound(v, ref, pointer+"/qualifiedName")
		}
		return r, nil
	}
	if r = v.ByGUID(GUIDOf(ref)); r == nil {
		return nil, errNotFound(v, ref, pointer+"/guid")
	}
	if r.Relationship {
		return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s is a relationship of type %s, not an element; to remove it, unlink it", r.GUID, r.Type.Name)
	}
	return r, nil
}

// errNotFound is the error about an element that is not there. It tells when it was
// deleted, while that is still known.
func errNotFound(v Lookup, ref events.ElementRef, pointer string) error {
	name := ref.GUID
	if name == "" {
		name = fmt.Sprintf("%q", ref.QualifiedName)
	}
	became := ""
	if t, ok := v.LastDeletion(ref); ok {
		became = t.describe()
		if !t.Relationship && !t.purge {
			became += "; restore it to bring it back"
			if t.GUID != GUIDOf(ref) {
				became += ", by its guid, " + t.GUID.String()
			}
		}
	}
	return events.Errorf(events.CodeNotFound, pointer, "there is no element %s%s", name, became)
}

// NotRestorable is the error about an element that cannot be restored.
func NotRestorable(v Lookup, ref events.ElementRef) error {
	const without = "there is no deleted element %s, or its history is gone; if its guid does not follow from its name, give the guid"
	t, ok := v.LastDeletion(ref)
	switch {
	case !ok:
		return events.Errorf(events.CodeNotFound, "/element", without, nameOf(ref))
	case t.Relationship:
		return events.Errorf(events.CodeNotFound, "/element", "%s%s; restore the element that was deleted with it, or link the two again", nameOf(ref), t.describe())
	case t.purge:
		return events.Errorf(events.CodeNotFound, "/element", "%s%s: nothing is left to restore", nameOf(ref), t.describe())
	case t.GUID != GUIDOf(ref):
		return events.Errorf(events.CodeNotFound, "/element", "%s%s: restore it by its guid, %s", nameOf(ref), t.describe(), t.GUID)
	}
	return events.Errorf(events.CodeNotFound, "/element", without, nameOf(ref))
}

// describe tells what was deleted, and when.
func (t *Tombstone) describe() string {
	at := formatTime(time.Unix(0, t.at))
	switch {
	case t.Relationship:
		return ": it was a relationship of type " + t.Type.Name + ", deleted at " + at
	case t.purge:
		return ": it was purged at " + at
	default:
		return ": it was deleted at " + at
	}
}

// LastDeletion returns the last deletion of an element, while it is known.
func (x *Index) LastDeletion(ref events.ElementRef) (Tombstone, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if t := x.tombstone(x.latest[GUIDOf(ref)]); t != nil {
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
