package coordinator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/camena-io/camena/runtime/bus"
)

// cache is a local copy of a bucket, kept current by a watch and by our own
// writes.
type cache[T any] struct {
	bus    *bus.Bus
	name   string
	bucket *bus.Bucket[T] // opened by Serve, before the cache is ready
	// changed is called, with the lock held, for changes of others; old or now
	// is nil where there was or is no value.
	changed func(old, now *T)

	mu       sync.Mutex
	entries  map[string]cached[T]
	complete bool
	revision uint64 // the last one seen
}

type cached[T any] struct {
	value    *T
	revision uint64
	seen     time.Time
}

func newCache[T any](b *bus.Bus, bucket string, changed func(old, now *T)) *cache[T] {
	return &cache[T]{bus: b, name: bucket, changed: changed, entries: map[string]cached[T]{}}
}

// Serve keeps the cache up to date until ctx is done.
func (c *cache[T]) Serve(ctx context.Context) (err error) {
	if c.bucket, err = bus.OpenBucket[T](ctx, c.bus, c.name); err != nil {
		return err
	}
	return c.bucket.Watch(ctx, c.apply)
}

func (c *cache[T]) apply(e *bus.Entry[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e == nil {
		c.complete = true
		c.changed(nil, nil)
		return
	}
	c.keep(e)
}

// keep stores an entry unless it has a newer one.
func (c *cache[T]) keep(e *bus.Entry[T]) {
	c.revision = max(c.revision, e.Revision)
	old := c.entries[e.Key]
	if e.Revision <= old.revision {
		return
	}
	if e.Value == nil {
		delete(c.entries, e.Key)
	} else {
		c.entries[e.Key] = cached[T]{value: e.Value, revision: e.Revision, seen: time.Now()}
	}
	c.changed(old.value, e.Value)
}

// ready reports whether the initial content of the bucket was read.
func (c *cache[T]) ready() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.complete
}

// values returns the values that were last seen after a time, and the highest
// revision seen.
func (c *cache[T]) values(after time.Time) (map[string]T, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	values := make(map[string]T, len(c.entries))
	for key, e := range c.entries {
		if e.seen.After(after) {
			values[key] = *e.value
		}
	}
	return values, c.revision
}

// write stores a value if the key is unchanged. Otherwise it reads the key again
// and returns the error.
func (c *cache[T]) write(ctx context.Context, key string, value *T) error {
	c.mu.Lock()
	known := c.entries[key].revision
	c.mu.Unlock()
	revision, err := c.bucket.Update(ctx, key, value, known)
	if errors.Is(err, bus.ErrTaken) {
		return errors.Join(err, c.reload(ctx, key))
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision = max(c.revision, revision)
	if revision > c.entries[key].revision {
		c.entries[key] = cached[T]{value: value, revision: revision, seen: time.Now()}
	}
	return nil
}

func (c *cache[T]) reload(ctx context.Context, key string) error {
	e, err := c.bucket.Get(ctx, key)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.Is(err, bus.ErrMissing):
		delete(c.entries, key)
	case err != nil:
		return err
	default:
		c.keep(&e)
	}
	return nil
}

// remove deletes a key.
func (c *cache[T]) remove(ctx context.Context, key string) error {
	if err := c.bucket.Delete(ctx, key); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
	return nil
}
