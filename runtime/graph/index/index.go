package index

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

// Index is the committed state. It is safe for concurrent use. Records in it never
// change, so a copy of an ordered tree is a snapshot.
type Index struct {
	mu sync.RWMutex
	// advanced is closed when the sequence grows; nil while nobody waits.
	advanced chan struct{}
	state
	texts *text.Index[*Record]
	log   *slog.Logger
}

// LastEvent is the last committed event of the out topic.
type LastEvent struct {
	// Sequence on the out topic, and Position, its in-sequence.
	Sequence, Position uint64
	// Stored is when it was stored.
	Stored time.Time
	ID     string
	// Cause is the id of the last event that could be read. It begins with the id of the
	// command at the position.
	Cause string
}

// state is what the events of the out topic lead to.
type state struct {
	last   LastEvent
	byGUID map[guid]*Record
	// byName are the elements whose guid does not follow from their name.
	byName map[string]*Record
	types  *btree.BTreeG[*Record] // elements by type, name
	scopes *btree.BTreeG[*Record] // what has a scope by source, scope, guid
	groups [groupKinds]*btree.BTreeG[member]
	fences map[string]uint64
	tombstoneSet
	typeSet
	counts typeCounts
}

// member is a record in a group.
type member struct {
	key    guid // of the group
	record *Record
}

// New returns an index with the shipped types and no elements.
func New(types *opentypes.Registry, log *slog.Logger) *Index {
	return &Index{log: log, texts: text.New[*Record](), state: newState(newTypeSet(types, func(name string, err error) {
		log.Error("a type defined on the bus contradicts the types of this version; its elements are kept but cannot be changed",
			slog.String("type", name), slog.Any("error", err))
	}))}
}

func newState(types typeSet) state {
	// The lock of the index guards the trees too.
	options := btree.Options{NoLocks: true}
	s := state{
		byGUID: map[guid]*Record{}, byName: map[string]*Record{}, fences: map[string]uint64{},
		types: btree.NewBTreeGOptions(byType, options), scopes: btree.NewBTreeGOptions(byScope, options),
		typeSet: types, tombstoneSet: newTombstones(), counts: typeCounts{elements: map[string]int{}, archived: map[string]int{}, relationships: map[string]int{}},
	}
	for kind := range s.groups {
		s.groups[kind] = btree.NewBTreeGOptions(byKey, options)
	}
	return s
}

func byType(a, b *Record) bool {
	if c := strings.Compare(a.Type.Name, b.Type.Name); c != 0 {
		return c < 0
	}
	return byName(a, b) < 0
}

func byName(a, b *Record) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), bytes.Compare(a.GUID[:], b.GUID[:]))
}

func byScope(a, b *Record) bool {
	if a.home != b.home {
		one, two := a.homeOrNone(), b.homeOrNone()
		return cmp.Or(strings.Compare(one.source, two.source), strings.Compare(one.scope, two.scope)) < 0
	}
	return bytes.Compare(a.GUID[:], b.GUID[:]) < 0
}

func byKey(a, b member) bool {
	return cmp.Or(bytes.Compare(a.key[:], b.key[:]), bytes.Compare(a.record.GUID[:], b.record.GUID[:])) < 0
}

// ByGUID implements [Lookup].
func (x *Index) ByGUID(id guid) *Record {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.byGUID[id]
}

// ByName implements [Lookup].
func (x *Index) ByName(name string) *Record {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lookUpName(name)
}

// lookUpName is ByName for a caller that holds the lock.
func (x *Index) lookUpName(name string) *Record {
	if r := x.byGUID[events.ElementKey(events.ByName(name))]; r != nil && r.Derived && r.Name == name {
		return r
	}
	return x.byName[name]
}

// ServeTexts keeps the text index up to date, until ctx is done. Without it a search
// waits for the changes since the last one.
func (x *Index) ServeTexts(ctx context.Context) { x.texts.Serve(ctx) }

// Generation returns the generation that a connector is fenced to.
func (x *Index) Generation(connector string) uint64 {
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
	groupKinds
)

// LinksOf is the relationships of an element.
func LinksOf(element uuid.UUID) Group { return Group{links, element} }

// AliasesOf is the relationships with guids of their own, by the guid that follows
// from their type and ends.
func AliasesOf(key uuid.UUID) Group { return Group{aliases, key} }

// AnchoredTo is the elements that are anchored to an element.
func AnchoredTo(element uuid.UUID) Group { return Group{anchored, element} }

// Groups returns the groups that a record belongs to.
func (r *Record) Groups() []Group { return r.appendGroups(nil) }

func (r *Record) appendGroups(groups []Group) []Group {
	if r.Relationship {
		groups = append(groups, LinksOf(r.End1), LinksOf(r.End2))
		if !r.Derived {
			groups = append(groups, AliasesOf(r.LinkKey()))
		}
	}
	if r.Anchor != uuid.Nil {
		groups = append(groups, AnchoredTo(r.Anchor))
	}
	return groups
}

// Group returns the records of a group, sorted by guid.
func (x *Index) Group(g Group) (found []*Record) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.ascend(g, guid{}, func(r *Record) bool {
		found = append(found, r)
		return true
	})
	return found
}

// ascend calls take with the records of a group after one, sorted by guid, until it
// returns false.
func (x *Index) ascend(g Group, after guid, take func(*Record) bool) {
	x.groups[g.kind].Ascend(member{key: g.key, record: &Record{GUID: after}}, func(m member) bool {
		return m.key == g.key && (m.record.GUID == after || take(m.record))
	})
}

// snapshot is the elements at one time.
type snapshot struct {
	types *btree.BTreeG[*Record]
	// names are the types that have elements.
	names []string
}

// snapshot returns a copy of the elements, and its sequence.
func (x *Index) snapshot() (snapshot, uint64) {
	x.mu.Lock() // copying marks the nodes of the original as shared
	defer x.mu.Unlock()
	return snapshot{types: x.types.Copy(), names: x.counts.typeNames()}, x.last.Sequence
}

// LastEvent returns the last committed event.
func (x *Index) LastEvent() LastEvent {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.last
}

// Reset drops everything, because the out topic was replaced.
func (x *Index) Reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state = newState(newTypeSet(x.shipped, x.unfit))
	x.texts.Clear()
}

// Reached returns the sequence of the last committed event, and its in-sequence.
func (x *Index) Reached() (sequence, position uint64) {
	last := x.LastEvent()
	return last.Sequence, last.Position
}

// Waiting returns the sequence of the last committed event, and a channel that is
// closed when another is committed.
func (x *Index) Waiting() (sequence uint64, advanced <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.advanced == nil {
		x.advanced = make(chan struct{})
	}
	return x.last.Sequence, x.advanced
}

// StateChange is the content of one event of the out topic.
type StateChange struct {
	Sequence, Position uint64
	// Stored is when it was stored, at when its command was.
	Stored, At time.Time
	ID         string
	Record     *Record // nil for a fence, and for a type
	// Moved says that the element goes on under another type; the record is
	// what ends.
	Moved bool
	// unread means that the event cannot be read.
	unread bool
	// Purged says that nothing of the history may stay.
	Purged     bool
	TypeDef    *events.TypeDef
	Connector  string
	Generation uint64
}

// Commit applies state changes in their order.
func (x *Index) Commit(facts ...StateChange) {
	if len(facts) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range facts {
		f := &facts[i]
		if f.Sequence <= x.last.Sequence {
			continue // committed before the follower started again
		}
		cause := f.ID
		if f.unread {
			cause = x.last.Cause
		}
		x.last = LastEvent{Sequence: f.Sequence, Position: f.Position, Stored: f.Stored, ID: f.ID, Cause: cause}
		x.take(f)
	}
	if x.advanced != nil {
		close(x.advanced)
		x.advanced = nil
	}
}

func (x *Index) take(f *StateChange) {
	switch {
	case f.TypeDef != nil:
		x.defined[f.TypeDef.Name], x.typeSet.current = *f.TypeDef, nil
	case f.Record == nil && f.Connector != "":
		x.fences[f.Connector] = f.Generation
	case f.Record != nil:
		if !f.Moved {
			x.put(f.Record)
		}
		if f.Record.Deleted {
			x.addTombstone(f)
		}
	}
}

func (x *Index) put(r *Record) {
	old := x.byGUID[r.GUID]
	if old != nil {
		x.remove(old)
	}
	now := r
	if r.Deleted {
		now = nil
	}
	if !r.Relationship {
		x.texts.Replace(old, now)
	}
	if now == nil {
		return
	}
	x.byGUID[r.GUID] = r
	x.counts.add(r, 1)
	var few [4]Group
	for _, g := range r.appendGroups(few[:0]) {
		x.groups[g.kind].Set(member{key: g.key, record: r})
	}
	if r.Scope() != "" {
		x.scopes.Set(r)
	}
	if r.Relationship {
		return
	}
	x.types.Set(r)
	if !r.Derived {
		x.byName[r.Name] = r
	}
}

func (x *Index) remove(r *Record) {
	delete(x.byGUID, r.GUID)
	x.counts.add(r, -1)
	var few [4]Group
	for _, g := range r.appendGroups(few[:0]) {
		x.groups[g.kind].Delete(member{key: g.key, record: r})
	}
	if r.Scope() != "" {
		x.scopes.Delete(r)
	}
	if r.Relationship {
		return
	}
	x.types.Delete(r)
	if x.byName[r.Name] == r {
		delete(x.byName, r.Name)
	}
}
