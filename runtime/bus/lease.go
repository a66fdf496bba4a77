package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/topics"
)

// Lease is a key that one process holds at a time, as long as it renews it: a
// role that only one node has, or the heartbeat of a node. The process that
// cannot renew it stops its work before the lease can run out elsewhere.
type Lease[T any] struct {
	key    string
	bucket leaseBucket[T]
	log    *slog.Logger
	// value returns the value of the lease, with the name of the present tenure.
	value func(instance string) T
	// identity returns the node and that name.
	identity func(*T) (node, instance string)
	// takesOver says that a later process takes the lease from an earlier one.
	// Otherwise it waits until the lease is released or has run out.
	takesOver bool

	process  string
	tenure   int
	revision uint64
	renewed  time.Time // when the last renewal was sent
}

// leaseBucket stores leases; [*Bucket] is one.
type leaseBucket[T any] interface {
	Update(ctx context.Context, key string, value *T, revision uint64) (uint64, error)
	Get(ctx context.Context, key string) (Entry[T], error)
	Delete(ctx context.Context, key string) error
}

// Holder is the value of the lease of a role.
type Holder struct {
	Node     string `json:"node"`
	Instance string `json:"instance"`
}

// NewLease returns the lease of a role that one node has at a time; the name of
// the process must be unique.
func (b *Bus) NewLease(ctx context.Context, role, node, process string) (*Lease[Holder], error) {
	leases, err := OpenBucket[Holder](ctx, b, b.topics.LeasesBucket())
	if err != nil {
		return nil, err
	}
	return &Lease[Holder]{
		key: role, bucket: leases, log: b.set.Logger, process: process,
		value:    func(instance string) Holder { return Holder{Node: node, Instance: instance} },
		identity: func(h *Holder) (string, string) { return h.Node, h.Instance },
	}, nil
}

// NewHeartbeat returns the lease of a node on its name. Each renewal writes the result
// of describe, and the instance. A later process takes the name over.
func (b *Bus) NewHeartbeat(ctx context.Context, node, process string, describe func() events.Node) (*Lease[events.Node], error) {
	nodes, err := OpenBucket[events.Node](ctx, b, b.topics.NodesBucket())
	if err != nil {
		return nil, err
	}
	return newHeartbeat(nodes, b.set.Logger, node, process, describe), nil
}

func newHeartbeat(nodes leaseBucket[events.Node], log *slog.Logger, node, process string, describe func() events.Node) *Lease[events.Node] {
	return &Lease[events.Node]{
		key: node, bucket: nodes, log: log, process: process, takesOver: true,
		value: func(instance string) events.Node {
			n := describe()
			n.Name, n.Instance = node, instance
			return n
		},
		identity: func(n *events.Node) (string, string) { return n.Name, n.Instance },
	}
}

// Instance names the present tenure: another one whenever the lease was lost.
func (l *Lease[T]) Instance() string { return fmt.Sprintf("%s.%d", l.process, l.tenure) }

// Holder returns the node that holds the lease, "" if none does.
func (l *Lease[T]) Holder(ctx context.Context) (string, error) {
	e, err := l.bucket.Get(ctx, l.key)
	if errors.Is(err, ErrMissing) {
		return "", nil
	}
	if err != nil || e.Value == nil {
		return "", err
	}
	node, _ := l.identity(e.Value)
	return node, nil
}

// Hold runs work while this process holds the lease, again and again, until ctx
// is done. When the lease is lost, the ctx of work ends with the cause
// [ErrLeaseLost], before another process can hold it; Hold waits for work to
// return. After ctx is done this process keeps the lease until work has
// returned, and then releases it.
//
// When work returns by itself, the lease of a role is released and acquired
// again after a pause; a heartbeat ends with the error of work. A heartbeat
// whose name another process took ends with [ErrSuperseded].
func (l *Lease[T]) Hold(ctx context.Context, work func(context.Context) error) error {
	wait := NewBackoff(200*time.Millisecond, 200*time.Millisecond)
	for {
		l.tenure++
		if err := l.acquire(ctx); err != nil {
			return err
		}
		l.log.InfoContext(ctx, "acquired the lease", slog.String("lease", l.key))
		err := l.keep(ctx, work)
		l.log.InfoContext(ctx, "the lease has ended", slog.String("lease", l.key), slog.Any("cause", err))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrSuperseded), l.takesOver && !errors.Is(err, ErrLeaseLost):
			return err
		case !l.takesOver && wait.Wait(ctx) != nil:
			return context.Cause(ctx)
		}
	}
}

// acquire returns when this process holds the lease. It waits for the holder of
// a role, and logs every other reason for waiting.
func (l *Lease[T]) acquire(ctx context.Context) error {
	wait := NewBackoff(300*time.Millisecond, 600*time.Millisecond)
	told := ""
	for {
		err := l.write(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrDenied):
			return err
		case l.takesOver && errors.Is(err, ErrLeaseLost):
			continue // with the revision of the earlier process
		case errors.Is(err, ErrLeaseLost):
			l.revision = 0 // another one holds it
		case told != err.Error() && ctx.Err() == nil:
			told = err.Error()
			l.log.WarnContext(ctx, "cannot acquire the lease; trying again", slog.String("lease", l.key), slog.Any("error", err))
		}
		if wait.Wait(ctx) != nil {
			return context.Cause(ctx)
		}
	}
}

func (l *Lease[T]) keep(ctx context.Context, work func(context.Context) error) error {
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- work(working) }()
	// Work ends in time also while a renewal is under way.
	fence := time.AfterFunc(time.Until(l.renewed.Add(topics.SelfFence)), func() { stop(ErrLeaseLost) })
	defer fence.Stop()
	tick := time.NewTicker(topics.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if cause := context.Cause(working); errors.Is(cause, ErrLeaseLost) {
				return cause
			}
			l.release(ctx)
			return err
		case <-tick.C:
			// While the process stops it still holds the lease.
			switch err := l.write(context.WithoutCancel(ctx)); {
			case err == nil:
				fence.Reset(time.Until(l.renewed.Add(topics.SelfFence)))
			case errors.Is(err, ErrLeaseLost):
				stop(err)
				return errors.Join(err, <-done)
			default:
				l.log.WarnContext(ctx, "cannot renew the lease", slog.String("lease", l.key), slog.Any("error", err))
			}
		}
	}
}

// write acquires or renews the lease. The error is [ErrLeaseLost] if another
// process holds it, whose revision is taken over, or if it has run out.
func (l *Lease[T]) write(ctx context.Context) error {
	began := time.Now()
	attempt, cancel := context.WithTimeout(ctx, topics.Heartbeat)
	defer cancel()
	value := l.value(l.Instance())
	revision, err := l.bucket.Update(attempt, l.key, &value, l.revision)
	if err == nil {
		l.revision, l.renewed = revision, began
		return nil
	}
	if !errors.Is(err, ErrTaken) {
		return err
	}
	there, getErr := l.bucket.Get(attempt, l.key)
	switch {
	case errors.Is(getErr, ErrMissing):
		l.revision = 0
		return fmt.Errorf("%w: it has run out", ErrLeaseLost)
	case getErr != nil:
		return getErr
	}
	l.revision = there.Revision
	if there.Value != nil {
		_, instance := l.identity(there.Value)
		switch {
		case instance == l.Instance():
			return err // the answer to an earlier write was lost: the next one succeeds
		case l.takesOver:
			return fmt.Errorf("%w: %w (%s)", ErrLeaseLost, ErrSuperseded, instance)
		}
	}
	return fmt.Errorf("%w: another process holds it", ErrLeaseLost)
}

// release lets another process hold the lease at once.
func (l *Lease[T]) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), topics.Heartbeat)
	defer cancel()
	e, err := l.bucket.Get(ctx, l.key)
	if err == nil && e.Revision == l.revision {
		err = l.bucket.Delete(ctx, l.key)
		l.revision = 0
	}
	if err != nil {
		l.log.DebugContext(ctx, "release the lease", slog.String("lease", l.key), slog.Any("error", err))
	}
}
