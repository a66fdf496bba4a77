package index

import (
	"context"
)

// Log is the stored events that an index was made of.
type Log interface {
	// At returns the event with a sequence; not ok if it is gone.
	At(ctx context.Context, sequence uint64) (e Event, ok bool, err error)
	// Between passes on the events from the first to the last sequence.
	Between(ctx context.Context, first, last uint64, take func(*Event)) error
	// Of passes on the events of the element or relationship with a guid, oldest
	// first, and returns how many of each are kept; 0 means all.
	Of(ctx context.Context, guid string, take func(*Event) error) (most int64, err error)
}

// Events is a log in memory. The event of a sequence is at the index before it; an
// erased event is empty.
type Events []Event

var _ Log = Events(nil)

// At implements [Log].
func (l Events) At(_ context.Context, sequence uint64) (e Event, ok bool, err error) {
	if sequence == 0 || sequence > uint64(len(l)) || l[sequence-1].Type == "" {
		return e, false, nil
	}
	return l[sequence-1], true, nil
}

// Between implements [Log].
func (l Events) Between(_ context.Context, first, last uint64, take func(*Event)) error {
	for i := range l[first-1 : last] {
		if e := &l[first-1:][i]; e.Type != "" {
			take(e)
		}
	}
	return nil
}

// Of implements [Log]. All are kept.
func (l Events) Of(_ context.Context, guid string, take func(*Event) error) (most int64, err error) {
	for i := range l {
		if l[i].GUID != guid {
			continue
		}
		if err := take(&l[i]); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// Erase empties the events before a deletion of what it deleted.
func (l Events) Erase(t Tombstone) {
	guid := t.GUID.String()
	for i := range l[:t.Sequence-1] {
		if l[i].GUID == guid {
			l[i] = Event{}
		}
	}
}
