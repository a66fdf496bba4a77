package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/topics"
)

// Bucket is a key-value bucket whose values are JSON documents of type T. A key
// is any text.
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
		kv, err = b.KeyValue(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Bucket[T]{bus: b, kv: kv}, nil
}

// KeyValue returns a bucket without the conversion of values. Each bucket is opened once.
func (b *Bus) KeyValue(ctx context.Context, name string) (jetstream.KeyValue, error) {
	b.opening.Lock()
	defer b.opening.Unlock()
	if kv, ok := b.buckets[name]; ok {
		return kv, nil
	}
	kv, err := b.js.KeyValue(ctx, name)
	if err == nil {
		b.buckets[name] = kv
	}
	return kv, err
}

// Put writes a value unconditionally, and returns its revision.
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
	value, err := k.decode(key, e.Value())
	return Entry[T]{Key: key, Value: value, Revision: e.Revision(), Time: e.Created()}, err
}

// List reads all keys, in their order. Like Watch it logs those that cannot be
// read and leaves them out.
func (k *Bucket[T]) List(ctx context.Context) ([]Entry[T], error) {
	entries := map[string]Entry[T]{}
	f := k.all()
	f.ends = true
	err := k.bus.Follow(ctx, f, func(m *Message) error {
		e, ok := k.readable(ctx, m)
		if ok && e.Value != nil {
			entries[e.Key] = e
		} else {
			delete(entries, e.Key)
		}
		return nil
	})
	if err != nil {
		return nil, k.fail("list", "", err)
	}
	return slices.SortedFunc(maps.Values(entries), func(a, b Entry[T]) int { return strings.Compare(a.Key, b.Key) }), nil
}

// all follows the last message of every key.
func (k *Bucket[T]) all() FollowOptions {
	return FollowOptions{Stream: "KV_" + k.kv.Bucket(), Subjects: []string{k.subject(">")}, Start: FromLatest}
}

func (k *Bucket[T]) subject(key string) string { return "$KV." + k.kv.Bucket() + "." + key }

// Watch calls handle for every key that exists, then with nil, then for every
// change, until ctx is done. After a break it starts again: a key that was deleted
// meanwhile is missing before the nil.
//
// It does not use the watcher of nats.go, which needs half a minute to notice that
// the server was restarted.
func (k *Bucket[T]) Watch(ctx context.Context, handle func(*Entry[T])) error {
	f := k.all()
	f.restarts = true
	var left uint64 // messages of the initial state that are not delivered yet
	f.present = func(messages uint64) {
		left = messages
		if left == 0 {
			handle(nil)
		}
	}
	return k.bus.Follow(ctx, f, func(m *Message) error {
		if entry, ok := k.readable(ctx, m); ok {
			handle(&entry)
		}
		if left == 0 {
			return nil
		}
		left = min(left-1, m.Pending)
		if left == 0 {
			handle(nil)
		}
		return nil
	})
}

// readable decodes an entry. One that cannot be decoded, for example because a
// later version wrote it, does not hide the others.
func (k *Bucket[T]) readable(ctx context.Context, m *Message) (Entry[T], bool) {
	entry := Entry[T]{Key: strings.TrimPrefix(m.Subject, k.subject("")), Revision: m.Sequence, Time: m.Time}
	key, err := topics.Unescape(entry.Key)
	if err == nil {
		entry.Key = key
		// A marker says that a key was deleted or has expired.
		if m.Header.Get(headerOperation) == "" && m.Header.Get(jetstream.MarkerReasonHeader) == "" {
			entry.Value, err = k.decode(key, m.Data)
		}
	}
	if err != nil {
		k.bus.set.Logger.WarnContext(ctx, "skipping a key that cannot be read", slog.String("bucket", k.kv.Bucket()),
			slog.String("key", entry.Key), slog.Any("error", err))
	}
	return entry, err == nil
}

// headerOperation is set on messages of a bucket that delete a key (NATS ADR-8).
const headerOperation = "KV-Operation"

func (k *Bucket[T]) decode(key string, data []byte) (*T, error) {
	value, err := events.Unmarshal[T](data)
	if err != nil {
		return nil, fmt.Errorf("bucket %s, key %s: %w", k.kv.Bucket(), key, err)
	}
	return &value, nil
}

// denied reports whether the server has refused a subject: it does not answer such
// a request, but reports an error of the connection.
func (b *Bus) denied(subject string) bool {
	err := b.conn.LastError()
	return errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(strconv.Quote(subject)))
}

func (k *Bucket[T]) fail(what, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted):
		err = ErrMissing
	case errors.Is(err, jetstream.ErrKeyExists), IsSequence(err):
		err = fmt.Errorf("%w (%w)", ErrTaken, err)
	case errors.Is(err, context.DeadlineExceeded) && k.bus.denied(k.subject(topics.Escape(key))):
		err = fmt.Errorf("%w: %s", ErrDenied, k.subject(topics.Escape(key)))
	}
	return fmt.Errorf("bucket %s: %s %s: %w", k.kv.Bucket(), what, key, err)
}
