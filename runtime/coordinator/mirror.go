package coordinator

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/camena-io/camena/runtime/bus"
)

// mirror is what a bucket holds, as far as the watch and our own writes tell.
type mirror[T any] struct {
	bucket *bus.Bucket[T]
	// news is called, with the lock held, for what somebody else has changed;
	// old or now is nil where there was or is nothing.
	news func(old, now *T)

	mu       sync.Mutex
	held     map[string]held[T]
	complete bool
	revision uint64 // the last one seen
}

type held[T any] struct {
	value    *T
	revision uint64
	seen     time.Time
}

func newMirror[T any](bucket *bus.Bucket[T], news func(old, now *T)) *mirror[T] {
	return &mirror[T]{bucket: bucket, news: news, held: map[string]held[T]{}}
}

// Serve keeps the mirror up to date until ctx is done.
func (m *mirror[T]) Serve(ctx context.Context) error { return m.bucket.Watch(ctx, m.take) }

func (m *mirror[T]) take(e *bus.Entry[T]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e == nil {
		m.complete = true
		m.news(nil, nil)
		return
	}
	m.keep(e)
}

// keep takes over an entry unless it knows a newer one.
func (m *mirror[T]) keep(e *bus.Entry[T]) {
	m.revision = max(m.revision, e.Revision)
	old := m.held[e.Key]
	if e.Revision <= old.revision {
		return
	}
	if e.Value == nil {
		delete(m.held, e.Key)
	} else {
		m.held[e.Key] = held[T]{value: e.Value, revision: e.Revision, seen: time.Now()}
	}
	m.news(old.value, e.Value)
}

// ready reports whether all that the bucket held at first has been seen.
func (m *mirror[T]) ready() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.complete
}

// snapshot returns what is there, and a revision that nothing there exceeds.
func (m *mirror[T]) snapshot() (map[string]held[T], uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.held), m.revision
}

// write stores a value if the key still is as the mirror knows it. If not, it
// reads the key again and returns the error.
func (m *mirror[T]) write(ctx context.Context, key string, value *T) error {
	m.mu.Lock()
	known := m.held[key].revision
	m.mu.Unlock()
	revision, err := m.bucket.Update(ctx, key, value, known)
	if errors.Is(err, bus.ErrTaken) {
		return errors.Join(err, m.reload(ctx, key))
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.revision = max(m.revision, revision)
	if revision > m.held[key].revision {
		m.held[key] = held[T]{value: value, revision: revision, seen: time.Now()}
	}
	return nil
}

func (m *mirror[T]) reload(ctx context.Context, key string) error {
	e, err := m.bucket.Get(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case errors.Is(err, bus.ErrMissing):
		delete(m.held, key)
	case err != nil:
		return err
	default:
		m.keep(&e)
	}
	return nil
}

// remove deletes a key.
func (m *mirror[T]) remove(ctx context.Context, key string) error {
	if err := m.bucket.Delete(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.held, key)
	return nil
}
