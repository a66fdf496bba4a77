package graph

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/btree"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/text"
)

// Index is the committed state. Records in it never change, so a snapshot of
// the ordered trees stays what it is while writing goes on.
type Index struct {
	mu sync.RWMutex
	// sequence of the out topic up to which the index reflects it, and the
	// in-sequence that the last event there carried.
	sequence, position uint64
	// stored is when the last event was, id is what it is called.
	stored time.Time
	id     string
	// cause is the id of the last event that could be read.
	cause string
	// advanced is closed when sequence grows; nil while nobody waits.
	advanced chan struct{}

	byGUID map[guid]*record
	// byName are the elements whose guid does not follow from their name.
	byName map[string]*record
	// aliases are the relationships with guids of their own, by the derived guid.
	aliases *btree.BTreeG[end]
	fences  map[string]uint64
	tombstoneSet
	typeSet
	counts typeCounts
	texts  *text.Index[*record]
	trees
	log *slog.Logger
}

// trees are the ordered parts of the index.
type trees struct {
	types  *btree.BTreeG[*record] // elements by type, name
	scopes *btree.BTreeG[*record] // what has a scope by source, scope, guid
	ends   *btree.BTreeG[end]     // relationships by element, guid
	// anchors are the elements that have an anchor, by that and their guid.
	anchors *btree.BTreeG[*record]
}

type end struct {
	element guid
	link    *record
}

// New returns an index in which nothing is but the types that are there without
// having been defined.
func New(types *opentypes.Registry, log *slog.Logger) *Index {
	x := newIndex(newTypeSet(types, func(name string, err error) {
		log.Error("a type that is defined on the bus does not fit to those of this version; elements of it are kept, but cannot be written",
			slog.String("type", name), slog.Any("error", err))
	}))
	x.log = log
	return x
}

func newIndex(types typeSet) *Index {
	// The lock of the index guards the trees too.
	options := btree.Options{NoLocks: true}
	return &Index{
		byGUID: map[guid]*record{}, byName: map[string]*record{}, aliases: btree.NewBTreeGOptions(byEnd, options), fences: map[string]uint64{},
		typeSet: types, tombstoneSet: newTombstones(), counts: newTypeCounts(), texts: text.New[*record](),
		trees: trees{
			types:   btree.NewBTreeGOptions(byType, options),
			scopes:  btree.NewBTreeGOptions(byScope, options),
			ends:    btree.NewBTreeGOptions(byEnd, options),
			anchors: btree.NewBTreeGOptions(byAnchor, options),
		},
	}
}

func byType(a, b *record) bool {
	if c := strings.Compare(a.typ.Name, b.typ.Name); c != 0 {
		return c < 0
	}
	return byName(a, b) < 0
}

func byName(a, b *record) int {
	return cmp.Or(strings.Compare(a.name, b.name), bytes.Compare(a.guid[:], b.guid[:]))
}

func byScope(a, b *record) bool {
	if a.home != b.home {
		one, two := a.homeOrNone(), b.homeOrNone()
		return cmp.Or(strings.Compare(one.source, two.source), strings.Compare(one.scope, two.scope)) < 0
	}
	return bytes.Compare(a.guid[:], b.guid[:]) < 0
}

func byEnd(a, b end) bool {
	return cmp.Or(bytes.Compare(a.element[:], b.element[:]), bytes.Compare(a.link.guid[:], b.link.guid[:])) < 0
}

func byAnchor(a, b *record) bool {
	return cmp.Or(bytes.Compare(a.anchor[:], b.anchor[:]), bytes.Compare(a.guid[:], b.guid[:])) < 0
}

func (x *Index) get(id guid) *record {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.byGUID[id]
}

// at looks something up together with the sequence at which that holds.
func (x *Index) at(look func() *record) (uint64, *record) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.sequence, look()
}

func (x *Index) named(name string) *record {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lookUpName(name)
}

// lookUpName is named for who has the lock.
func (x *Index) lookUpName(name string) *record {
	if r := x.byGUID[events.ElementKey(events.ByName(name))]; r != nil && r.derived && r.name == name {
		return r
	}
	return x.byName[name]
}

// ServeTexts keeps the text index up to date, until ctx is done. Without it a search
// waits for the changes since the last one.
func (x *Index) ServeTexts(ctx context.Context) { x.texts.Serve(ctx) }

// GUID returns the guid of the element with a qualified name, or else the one
// that it would have.
func (x *Index) GUID(qualifiedName string) string {
	if r := x.named(qualifiedName); r != nil {
		return r.guid.String()
	}
	return events.GUIDOf(qualifiedName)
}

func (x *Index) fenced(connector string) uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.fences[connector]
}

// Group names records that are looked up together.
type Group struct {
	kind groupKind
	key  guid
}

type groupKind byte

const (
	links groupKind = iota
	aliases
	anchored
)

// LinksOf is the relationships of an element.
func LinksOf(element uuid.UUID) Group { return Group{links, element} }

// AliasesOf is the relationships with guids of their own, by the guid that follows
// from their type and ends.
func AliasesOf(key uuid.UUID) Group { return Group{aliases, key} }

// AnchoredTo is the elements that are anchored to an element.
func AnchoredTo(element uuid.UUID) Group { return Group{anchored, element} }

// Groups returns the groups that a record belongs to.
func (r *record) Groups() (groups []Group) {
	if r.relationship {
		groups = append(groups, LinksOf(r.end1), LinksOf(r.end2))
		if !r.derived {
			groups = append(groups, AliasesOf(r.linkKey()))
		}
	}
	if r.anchor != uuid.Nil {
		groups = append(groups, AnchoredTo(r.anchor))
	}
	return groups
}

// group returns the records of a group, sorted by guid.
func (x *Index) group(g Group) (found []*record) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	tree := x.ends
	switch g.kind {
	case anchored:
		x.anchors.Ascend(&record{anchor: g.key}, func(r *record) bool {
			if r.anchor == g.key {
				found = append(found, r)
			}
			return r.anchor == g.key
		})
		return found
	case aliases:
		tree = x.aliases
	}
	tree.Ascend(end{element: g.key, link: &record{}}, func(e end) bool {
		if e.element == g.key {
			found = append(found, e.link)
		}
		return e.element == g.key
	})
	return found
}

// snapshot is the index at one moment.
type snapshot struct {
	trees
	// names are the types of elements that there are.
	names []string
}

// snapshot returns the ordered trees as they are now, and the sequence they
// reflect.
func (x *Index) snapshot() (snapshot, uint64) {
	x.mu.Lock() // copying marks the nodes of the original as shared
	defer x.mu.Unlock()
	return snapshot{
		trees: trees{types: x.types.Copy(), scopes: x.scopes.Copy(), ends: x.ends.Copy(), anchors: x.anchors.Copy()}, names: x.counts.typeNames(),
	}, x.sequence
}

// tallied calls look with the tally and returns the sequence at which it holds.
func (x *Index) withCounts(look func(*typeCounts)) uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	look(&x.counts)
	return x.sequence
}

// LastEvent returns the position, when the last event was stored, and its id.
func (x *Index) LastEvent() (position uint64, stored time.Time, id string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.position, x.stored, x.id
}

// Cause returns the id of the last event that could be read. It begins with the id of
// the command at the position.
func (x *Index) Cause() string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.cause
}

// Reset forgets everything, because the out topic is not what it was.
func (x *Index) Reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	fresh := newIndex(newTypeSet(x.shipped, x.unfit))
	x.sequence, x.position, x.stored, x.id, x.cause = 0, 0, time.Time{}, "", ""
	x.byGUID, x.byName, x.aliases, x.fences, x.trees = fresh.byGUID, fresh.byName, fresh.aliases, fresh.fences, fresh.trees
	x.tombstoneSet, x.typeSet, x.counts = fresh.tombstoneSet, fresh.typeSet, fresh.counts
	x.texts.Clear()
}

// Reached returns how far the index reflects the out topic, and the in-sequence
// that led there.
func (x *Index) Reached() (sequence, position uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.sequence, x.position
}

// Waiting returns the sequence, and a channel that is closed when it grows.
func (x *Index) Waiting() (sequence uint64, advanced <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.advanced == nil {
		x.advanced = make(chan struct{})
	}
	return x.sequence, x.advanced
}

// Fact is what one message of the out topic says.
type StateChange struct {
	sequence, position uint64
	// stored is when it was stored, at when its command was.
	stored, at time.Time
	id         string
	record     *record // nil for a fence, and for a type
	// moved says that the element goes on under another type; the record is
	// what ends.
	moved bool
	// unread means that the event cannot be read.
	unread bool
	// purged says that nothing of the history may stay.
	purged     bool
	typeDef    *events.TypeDef
	connector  string
	generation uint64
}

// Commit takes over facts in their order.
func (x *Index) Commit(facts ...StateChange) {
	if len(facts) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range facts {
		f := &facts[i]
		if f.sequence <= x.sequence {
			continue // it was here before the follower began again
		}
		x.sequence, x.position, x.stored, x.id = f.sequence, f.position, f.stored, f.id
		if !f.unread {
			x.cause = f.id
		}
		x.take(f)
	}
	if x.advanced != nil {
		close(x.advanced)
		x.advanced = nil
	}
}

func (x *Index) take(f *StateChange) {
	switch {
	case f.typeDef != nil:
		x.define(f.typeDef)
	case f.record == nil && f.connector != "":
		x.fences[f.connector] = f.generation
	case f.record != nil:
		f.record.sequence = f.sequence
		if !f.moved {
			x.put(f.record)
		}
		if f.record.deleted {
			x.addTombstone(f)
		}
	}
}

func (x *Index) put(r *record) {
	old := x.byGUID[r.guid]
	if old != nil {
		x.remove(old)
	}
	if !r.relationship {
		x.replaceText(old, r)
	}
	if r.deleted {
		return
	}
	x.byGUID[r.guid] = r
	if r.anchor != uuid.Nil {
		x.anchors.Set(r)
	}
	x.counts.add(r, 1)
	if r.scope() != "" {
		x.scopes.Set(r)
	}
	if r.relationship {
		x.ends.Set(end{element: r.end1, link: r})
		x.ends.Set(end{element: r.end2, link: r})
		if !r.derived {
			x.aliases.Set(end{element: r.linkKey(), link: r})
		}
		return
	}
	x.types.Set(r)
	if !r.derived {
		x.byName[r.name] = r
	}
}

func (x *Index) replaceText(old, now *record) {
	if now.deleted {
		now = nil
	}
	x.texts.Replace(old, now)
}

func (x *Index) remove(r *record) {
	delete(x.byGUID, r.guid)
	if r.anchor != uuid.Nil {
		x.anchors.Delete(r)
	}
	x.counts.add(r, -1)
	if r.scope() != "" {
		x.scopes.Delete(r)
	}
	if r.relationship {
		x.ends.Delete(end{element: r.end1, link: r})
		x.ends.Delete(end{element: r.end2, link: r})
		if !r.derived {
			x.aliases.Delete(end{element: r.linkKey(), link: r})
		}
		return
	}
	x.types.Delete(r)
	if !r.derived && x.byName[r.name] == r {
		delete(x.byName, r.name)
	}
}
