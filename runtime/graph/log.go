package graph

import "context"

// Log is where the events lie that an index was made of.
type Log interface {
	// At returns the event with a sequence; it is not ok when there is none any
	// more.
	At(ctx context.Context, sequence uint64) (e Event, ok bool, err error)
	// Between hands over the events from a sequence up to another.
	Between(ctx context.Context, first, last uint64, take func(*Event)) error
	// Of hands over the events about the element or relationship with a guid,
	// oldest first. It returns how many are kept of one at most; 0 means all.
	Of(ctx context.Context, guid string, take func(*Event) error) (most int64, err error)
}
