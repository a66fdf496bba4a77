package text

import (
	"slices"
	"sync"
)

const (
	// batchSize is the number of changes that are applied while searches wait.
	batchSize = 1024
	// backlog is the number of queued changes that are applied at once.
	backlog = 64 << 10
)

// change is the change of one item: one of the two may be the zero T.
type change[T Item] struct{ old, now T }

// queue holds changes that are not applied yet.
type queue[T Item] struct {
	mu      sync.Mutex
	changes []change[T]
	added   uint64
	cleared bool
	full    chan struct{} // has a value when there is a backlog
}

func (q *queue[T]) add(c change[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.added++
	if q.changes = append(q.changes, c); len(q.changes) == backlog {
		select {
		case q.full <- struct{}{}:
		default:
		}
	}
}

func (q *queue[T]) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changes, q.cleared = nil, true
}

// count returns the number of changes that were ever added.
func (q *queue[T]) count() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.added
}

// take removes the oldest changes, and reports whether everything before them is
// cleared.
func (q *queue[T]) take() (changes []change[T], cleared bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	cleared, q.cleared = q.cleared, false
	n := min(len(q.changes), batchSize)
	changes = slices.Clone(q.changes[:n])
	clear(q.changes[:n]) // the items may be garbage
	if q.changes = q.changes[n:]; len(q.changes) == 0 {
		q.changes = nil
	}
	return changes, cleared
}
