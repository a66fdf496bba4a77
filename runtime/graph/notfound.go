package graph

import (
	"fmt"
	"hash/maphash"
	"math"
	"time"

	"github.com/camena-io/camena/events"
)

// absence is the error about an element that is not there, which says what became
// of it as long as that is known.
func errNotFound(v view, ref events.ElementRef, pointer string) error {
	name := ref.GUID
	if name == "" {
		name = fmt.Sprintf("%q", ref.QualifiedName)
	}
	t, ok := v.lastDeletion(ref)
	at := time.Unix(0, t.at)
	switch {
	case !ok:
		return events.Errorf(events.CodeNotFound, pointer, "there is no element %s", name)
	case t.Relationship:
		return events.Errorf(events.CodeNotFound, pointer, "there is no element %s: that was a relationship, %s, deleted at %s", name, article(t.Type.Name), moment(at))
	case t.purge:
		return events.Errorf(events.CodeNotFound, pointer, "there is no element %s: it was purged at %s", name, moment(at))
	}
	return events.Errorf(events.CodeNotFound, pointer, "there is no element %s: it was deleted at %s; camena elements restore%s brings it back",
		name, moment(at), t.otherGUID(ref))
}

// otherName is the guid, with a blank before it, where the name that was asked for
// does not lead to it.
func (t *Tombstone) otherGUID(ref events.ElementRef) string {
	if guidOf(ref) == t.GUID {
		return ""
	}
	return " " + t.GUID.String()
}

// lostForGood is the error about what cannot be restored.
func errNotRestorable(v view, ref events.ElementRef) error {
	t, ok := v.lastDeletion(ref)
	at := time.Unix(0, t.at)
	switch {
	case ok && t.Relationship:
		return events.Errorf(events.CodeNotFound, "/element", "%s was a relationship, %s, deleted at %s: it comes back with the end that was deleted together with it; "+
			"restore that, or link the two anew", nameOf(ref), article(t.Type.Name), moment(at))
	case ok && t.purge:
		return events.Errorf(events.CodeNotFound, "/element", "%s was purged at %s: nothing is kept of it that could be restored", nameOf(ref), moment(at))
	case ok && t.GUID != guidOf(ref):
		return events.Errorf(events.CodeNotFound, "/element", "%s, deleted at %s, had not the guid that belongs to its name: restore it by its guid, %s",
			nameOf(ref), moment(at), t.GUID)
	}
	return events.Errorf(events.CodeNotFound, "/element", "there is no deleted element %s, or its history is gone; where it had not the guid that belongs to its name, give the guid",
		nameOf(ref))
}

// fate returns the last deletion of what is named, if that has not been swept.
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

// fateOf finds the last deletion of an element whose name did not lead to its guid.
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

func (o *overlay) lastDeletion(ref events.ElementRef) (Tombstone, bool) {
	return o.base.lastDeletion(ref)
}
