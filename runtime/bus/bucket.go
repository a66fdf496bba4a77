package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/topics"
)

// Bucket is a key-value bucket whose values are JSON documents of type T. Keys
// are any text.
type Bucket[T any] struct {
	bus *Bus
	kv  jetstream.KeyValue
}

// Entry is one key of a bucket. A deleted key has a nil Value.
type Entry[T any] struct {
	Key      string
	Value    *T
	Revision uint64
	Time     time.Time
}

// OpenBucket opens a bucket that [Bus.Ensure] has created.
func OpenBucket[T any](ctx context.Context, b *Bus, name string) (*Bucket[T], error) {
	var kv jetstream.KeyValue
	err := b.persist(ctx, "bucket "+name, func(ctx context.Context) (err error) {
		kv, err = b.js.KeyValue(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Bucket[T]{bus: b, kv: kv}, nil
}

// Put writes a value whatever was there, and returns its revision.
func (k *Bucket[T]) Put(ctx context.Context, key string, value *T) (uint64, error) {
	data, err := events.Marshal(value)
	if err != nil {
		return 0, err
	}
	revision, err := k.kv.Put(ctx, topics.Escape(key), data)
	return revision, k.fail("put", key, err)
}

// Update writes a value if the key still has that revision; revision 0 means
// that the key must not exist. Otherwise the error is [ErrTaken].
func (k *Bucket[T]) Update(ctx context.Context, key string, value *T, revision uint64) (uint64, error) {
	data, err := events.Marshal(value)
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		revision, err = k.kv.Create(ctx, topics.Escape(key), data)
	} else {
		revision, err = k.kv.Update(ctx, topics.Escape(key), data, revision)
	}
	return revision, k.fail("update", key, err)
}

// Delete removes a key; a key that is not there is no error.
func (k *Bucket[T]) Delete(ctx context.Context, key string) error {
	return k.fail("delete", key, k.kv.Purge(ctx, topics.Escape(key)))
}

// Get reads a key; [ErrMissing] if it is not there.
func (k *Bucket[T]) Get(ctx context.Context, key string) (Entry[T], error) {
	e, err := k.kv.Get(ctx, topics.Escape(key))
	if err != nil {
		return Entry[T]{}, k.fail("get", key, err)
	}
	return k.entry(e)
}

// List reads all keys. It leaves out, as Watch does, those that cannot be read:
// they are logged.
func (k *Bucket[T]) List(ctx context.Context) ([]Entry[T], error) {
	watcher, err := k.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, k.fail("list", "", err)
	}
	defer k.stop(watcher)
	var list []Entry[T]
	for {
		select {
		case e, ok := <-watcher.Updates():
			if !ok {
				return nil, k.fail("list", "", jetstream.ErrConsumerDeleted)
			}
			if e == nil {
				return list, nil
			}
			if entry, ok := k.readable(ctx, e); ok {
				list = append(list, entry)
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Watch calls handle for every key that is there, then with nil, then for every
// change, until ctx is done. After a break it begins anew: keys that vanished
// meanwhile are told by their absence between the start and the nil.
func (k *Bucket[T]) Watch(ctx context.Context, handle func(*Entry[T])) error {
	wait := pause{first: 100 * time.Millisecond, max: time.Second}
	for {
		err := k.watchOnce(ctx, handle)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k.bus.set.Logger.DebugContext(ctx, "watching again", slog.String("bucket", k.kv.Bucket()), slog.Any("error", err))
		if wait.sleep(ctx) != nil {
			return context.Cause(ctx)
		}
	}
}

func (k *Bucket[T]) watchOnce(ctx context.Context, handle func(*Entry[T])) error {
	watcher, err := k.kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer k.stop(watcher)
	for {
		select {
		case e, ok := <-watcher.Updates():
			if !ok {
				return jetstream.ErrConsumerDeleted
			}
			if e == nil {
				handle(nil)
				continue
			}
			if entry, ok := k.readable(ctx, e); ok {
				handle(&entry)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (k *Bucket[T]) stop(w jetstream.KeyWatcher) {
	if err := w.Stop(); err != nil {
		k.bus.set.Logger.Debug("stop watching", slog.String("bucket", k.kv.Bucket()), slog.Any("error", err))
	}
	// The watcher's goroutine ends when it has got rid of what it holds.
	for range w.Updates() {
	}
}

// readable decodes an entry. One that cannot be decoded, such as another
// version's, must not hide all the others.
func (k *Bucket[T]) readable(ctx context.Context, e jetstream.KeyValueEntry) (Entry[T], bool) {
	entry, err := k.entry(e)
	if err != nil {
		k.bus.set.Logger.WarnContext(ctx, "skipping a key that cannot be read", slog.String("bucket", k.kv.Bucket()),
			slog.String("key", e.Key()), slog.Any("error", err))
	}
	return entry, err == nil
}

func (k *Bucket[T]) entry(e jetstream.KeyValueEntry) (Entry[T], error) {
	key, err := topics.Unescape(e.Key())
	if err != nil {
		return Entry[T]{}, err
	}
	entry := Entry[T]{Key: key, Revision: e.Revision(), Time: e.Created()}
	if e.Operation() != jetstream.KeyValuePut {
		return entry, nil
	}
	value, err := events.Unmarshal[T](e.Value())
	if err != nil {
		return entry, fmt.Errorf("bucket %s, key %s: %w", k.kv.Bucket(), key, err)
	}
	entry.Value = &value
	return entry, nil
}

func (k *Bucket[T]) fail(what, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted):
		err = ErrMissing
	case errors.Is(err, jetstream.ErrKeyExists), IsSequence(err):
		err = fmt.Errorf("%w (%w)", ErrTaken, err)
	}
	return fmt.Errorf("bucket %s: %s %s: %w", k.kv.Bucket(), what, key, err)
}
