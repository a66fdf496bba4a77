package graph

import (
	"context"
	"log/slog"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Graves are what restorations can bring back, by the element that is asked for,
// which comes last, and by what that was anchored to.
type Deletions map[guid][]*record

// Restores reports whether a command is to bring something back.
func Restores(c events.Command) bool { return len(restored(c)) > 0 }

// restored returns the elements that a command is to bring back.
func restored(c events.Command) []events.ElementRef {
	switch c := c.(type) {
	case *events.Restore:
		return []events.ElementRef{c.Element}
	case *events.ChangeSet:
		steps, err := c.Steps()
		if err != nil {
			return nil
		}
		var refs []events.ElementRef
		for _, step := range steps {
			refs = append(refs, restored(step)...)
		}
		return refs
	default:
		return nil
	}
}

// Exhume reads what was deleted together with the elements that a command is to
// bring back, in the order of the deletion: the index knows of what is gone only
// where it lies.
func (x *Index) LoadDeleted(ctx context.Context, log Log, c events.Command) (Deletions, error) {
	refs := restored(c)
	if len(refs) == 0 {
		return nil, nil //nolint:nilnil // most commands restore nothing
	}
	deletions := Deletions{}
	for _, ref := range refs {
		id := guidOf(ref)
		if err := x.loadDeleted(ctx, log, id, deletions); err != nil {
			return nil, err
		}
		if root := deletions.root(id); root != nil && root.anchor != uuid.Nil {
			if err := x.loadDeleted(ctx, log, root.anchor, deletions); err != nil {
				return nil, err
			}
		}
	}
	return deletions, nil
}

// rootOf returns a deleted element as it was, nil if it cannot be brought back.
func (g Deletions) root(id guid) *record {
	if all := g[id]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// exhume adds what was deleted together with an element, if that is deleted.
func (x *Index) loadDeleted(ctx context.Context, log Log, id guid, deletions Deletions) error {
	sequence, ok := x.deletedAt(id)
	if !ok || deletions[id] != nil {
		return nil
	}
	var err error
	deletions[id], err = x.readDeletion(ctx, log, id, sequence)
	return err
}

// guidOf returns the guid that a reference gives, or that belongs to its name.
func guidOf(ref events.ElementRef) guid {
	if ref.GUID != "" {
		ref.QualifiedName = ""
	}
	return events.ElementKey(ref)
}

// exhumeAt reads the deletions of one command that ends, or goes on, with that
// of an element at a sequence.
func (x *Index) readDeletion(ctx context.Context, log Log, root guid, sequence uint64) ([]*record, error) {
	e, ok, err := log.At(ctx, sequence)
	if err != nil || !ok {
		return nil, err
	}
	first, err := firstOfCommand(ctx, log, e.ID, sequence)
	if err != nil || first == 0 {
		return nil, err
	}
	command, _, _ := commandOf(e.ID, sequence)
	var deletions []*record
	err = log.Between(ctx, first, sequence, func(e *Event) {
		if other, _, _ := commandOf(e.ID, e.Sequence); other != command {
			return
		}
		r, err := x.deletedState(e)
		if err != nil {
			x.log.ErrorContext(ctx, "a deletion cannot be read, nor restored", slog.Uint64("sequence", e.Sequence), slog.Any("error", err))
		} else if r != nil {
			deletions = append(deletions, r)
		}
	})
	if err != nil {
		return nil, err
	}
	return deletedWith(deletions, root), nil
}

// beginOf returns the sequence of the first event of the command that caused the
// one with an id; 0 if that cannot be told.
func firstOfCommand(ctx context.Context, log Log, id string, sequence uint64) (first uint64, err error) {
	command, first, ok := commandOf(id, sequence)
	if !ok {
		return 0, nil
	}
	// A large deletion that a crash cut in two begins to count again.
	for first > 1 {
		e, _, err := log.At(ctx, first-1)
		if err != nil {
			return 0, err
		}
		other, from, ok := commandOf(e.ID, first-1)
		if !ok || other != command {
			break
		}
		first = from
	}
	return first, nil
}

// causeOf returns the command that caused an event, and where the first event of
// it is, if it was all published at once.
func commandOf(id string, sequence uint64) (command string, first uint64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[i+1:], 10, 64)
	if err != nil || sequence == 0 {
		return "", 0, false
	}
	// In an out topic that was restored there are no gaps: events before it may be
	// missing.
	return id[:i], sequence - min(n, sequence-1), true
}

// grave returns what an event deleted, as it was before; nil if it deleted
// nothing, or left nothing.
func (x *Index) deletedState(e *Event) (*record, error) {
	f, err := stateChangeOf(x.registry, e)
	if err != nil || !f.IsDeletion() || f.moved || f.purged {
		return nil, err
	}
	c, err := events.Unmarshal[storedChange](e.Data)
	if err != nil {
		return nil, err
	}
	return parseState(x.registry(), c.Previous, f.record.relationship)
}

// together returns, of what one command deleted, what went with an element: what
// was anchored to it, and the relationships of all these. It ends with the
// element; without that there is nothing. A relationship does not come back alone.
func deletedWith(deletions []*record, root guid) []*record {
	byID := map[guid]*record{}
	for _, r := range deletions {
		byID[r.guid] = r
	}
	if r := byID[root]; r == nil || r.relationship {
		return nil
	}
	in := anchoredBelow(byID, root)
	var found []*record
	for _, r := range deletions {
		if r.guid != root && byID[r.guid] == r && (in[r.guid] || r.relationship && (in[r.end1] || in[r.end2])) {
			found = append(found, r)
		}
	}
	return append(found, byID[root])
}

// below returns the root, and which elements are anchored to it, directly or not.
// Anchors may lead in a circle here: what was deleted and made anew by the same
// command can be anchored the other way round than it was.
func anchoredBelow(byID map[guid]*record, root guid) map[guid]bool {
	anchored := map[guid][]guid{}
	for id, r := range byID {
		if !r.relationship && r.anchor != uuid.Nil {
			anchored[r.anchor] = append(anchored[r.anchor], id)
		}
	}
	in := map[guid]bool{root: true}
	for next := []guid{root}; len(next) > 0; next = next[1:] {
		for _, id := range anchored[next[0]] {
			if !in[id] {
				in[id] = true
				next = append(next, id)
			}
		}
	}
	return in
}
