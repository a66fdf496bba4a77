package index

import (
	"context"
	"log/slog"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Deletions are the elements and relationships that a command may restore, by the guid
// of the element that was deleted. Of each deletion, elements come first, then
// relationships, and last that element: if a crash cuts a large restoration in two, the
// rest is still to be done while that element is missing.
type Deletions map[guid][]*Record

// Restores reports whether a command restores something.
func Restores(c events.Command) bool { return len(restored(c)) > 0 }

// restored returns the elements that a command restores.
func restored(c events.Command) (refs []events.ElementRef) {
	switch c := c.(type) {
	case *events.Restore:
		return []events.ElementRef{c.Element}
	case *events.ChangeSet:
		steps, err := c.Steps()
		if err != nil {
			return nil
		}
		for _, step := range steps {
			refs = append(refs, restored(step)...)
		}
	}
	return refs
}

// LoadDeleted reads from the log what was deleted together with the elements that a
// command restores, and with their anchors. Most commands restore nothing.
func (x *Index) LoadDeleted(ctx context.Context, log Log, c events.Command) (Deletions, error) {
	var deletions Deletions
	load := func(id guid) error {
		sequence, ok := x.deletedAt(id)
		if !ok || deletions[id] != nil {
			return nil
		}
		family, err := x.readDeletion(ctx, log, id, sequence)
		deletions[id] = family
		return err
	}
	for _, ref := range restored(c) {
		if deletions == nil {
			deletions = Deletions{}
		}
		id := GUIDOf(ref)
		if err := load(id); err != nil {
			return nil, err
		}
		if family := deletions[id]; len(family) > 0 {
			if err := load(family[len(family)-1].Anchor); err != nil {
				return nil, err
			}
		}
	}
	return deletions, nil
}

// readDeletion reads the deletions of the command that deleted an element at a
// sequence, and returns those that belong to it.
func (x *Index) readDeletion(ctx context.Context, log Log, root guid, sequence uint64) ([]*Record, error) {
	e, ok, err := log.At(ctx, sequence)
	if err != nil || !ok {
		return nil, err
	}
	command, _, ok := commandOf(e.ID, sequence)
	if !ok {
		return nil, nil
	}
	first, err := firstOfCommand(ctx, log, e.ID, sequence)
	if err != nil {
		return nil, err
	}
	var deleted []*Record
	err = log.Between(ctx, first, sequence, func(e *Event) {
		if other, _, _ := commandOf(e.ID, e.Sequence); other != command {
			return
		}
		r, err := x.deletedState(e)
		if err != nil {
			x.log.ErrorContext(ctx, "a deletion cannot be read, nor restored", slog.Uint64("sequence", e.Sequence), slog.Any("error", err))
		} else if r != nil {
			deleted = append(deleted, r)
		}
	})
	return deletedWith(deleted, root), err
}

// firstOfCommand returns the sequence of the first event of a command. The numbers of
// a large deletion that a crash cut in two start again.
func firstOfCommand(ctx context.Context, log Log, id string, sequence uint64) (uint64, error) {
	command, first, _ := commandOf(id, sequence)
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

// commandOf returns the command that caused an event, and the sequence of its first
// event if all were published at once.
func commandOf(id string, sequence uint64) (command string, first uint64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[i+1:], 10, 64)
	if err != nil || sequence == 0 {
		return "", 0, false
	}
	// A restored out topic has no gaps: earlier events may be missing.
	return id[:i], sequence - min(n, sequence-1), true
}

// deletedState returns the last state of what an event deleted; nil if it deleted
// nothing, or purged it.
func (x *Index) deletedState(e *Event) (*Record, error) {
	f, err := stateChangeOf(x.Types, e)
	if err != nil || !f.IsDeletion() || f.Moved || f.Purged {
		return nil, err
	}
	c, err := events.Unmarshal[storedChange](e.Data)
	if err != nil {
		return nil, err
	}
	return parseState(x.Types(), c.Previous, f.Record.Relationship)
}

// deletedWith returns, of what one command deleted, an element, what was anchored to
// it, and the relationships of these, in the order of [Deletions]; nothing if the
// element is not there.
func deletedWith(deleted []*Record, root guid) []*Record {
	byID := map[guid]*Record{}
	for _, r := range deleted {
		byID[r.GUID] = r
	}
	if r := byID[root]; r == nil || r.Relationship {
		return nil
	}
	in := anchoredBelow(byID, root)
	var elements, links []*Record
	for _, r := range deleted {
		switch {
		case r.GUID == root || byID[r.GUID] != r: // deleted again later
		case r.Relationship && (in[r.End1] || in[r.End2]):
			links = append(links, r)
		case in[r.GUID]:
			elements = append(elements, r)
		}
	}
	return append(append(elements, links...), byID[root])
}

// anchoredBelow returns the root and the elements that are anchored to it, directly or
// not. Anchors can form a circle here: a command can delete an element, create it
// again, and anchor it the other way round.
func anchoredBelow(byID map[guid]*Record, root guid) map[guid]bool {
	anchored := map[guid][]guid{}
	for id, r := range byID {
		if r.Anchor != uuid.Nil {
			anchored[r.Anchor] = append(anchored[r.Anchor], id)
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
