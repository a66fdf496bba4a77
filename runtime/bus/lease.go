package bus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/camena-io/camena/topics"
)

// Holder is the value of a lease: the process that has the role.
type Holder struct {
	Node     string `json:"node"`
	Instance string `json:"instance"`
}

// Lease is a role that only one node has at a time.
type Lease struct {
	bus     *Bus
	key     string
	self    Holder
	leases  *Bucket[Holder]
	renewed time.Time
}

// NewLease returns the lease of a role for one instance of a node; the instance
// must be unique to the process.
func (b *Bus) NewLease(ctx context.Context, key, node, instance string) (*Lease, error) {
	leases, err := OpenBucket[Holder](ctx, b, b.topics.LeasesBucket())
	if err != nil {
		return nil, err
	}
	return &Lease{bus: b, key: key, self: Holder{Node: node, Instance: instance}, leases: leases}, nil
}

// Holder returns the node that has the role, "" if none has.
func (l *Lease) Holder(ctx context.Context) (string, error) {
	e, err := l.leases.Get(ctx, l.key)
	if errors.Is(err, ErrMissing) {
		return "", nil
	}
	if err != nil || e.Value == nil {
		return "", err
	}
	return e.Value.Node, nil
}

// Hold runs work while this node has the role, again and again, until ctx is
// done. When the lease cannot be renewed in time, the ctx of work ends with the
// cause [ErrLeaseLost], before anybody else can get the role; Hold waits for
// work to return. When work returns by itself the role is given up, and tried
// for again after a pause. While work winds up after ctx is done, this node keeps
// the role.
func (l *Lease) Hold(ctx context.Context, work func(context.Context) error) error {
	for ctx.Err() == nil {
		revision, err := l.acquire(ctx)
		if err != nil {
			return err
		}
		l.bus.set.Logger.InfoContext(ctx, "has the lease", slog.String("lease", l.key))
		err = l.keep(ctx, revision, work)
		l.bus.set.Logger.InfoContext(ctx, "gave up the lease", slog.String("lease", l.key), slog.Any("cause", err))
		wait := pause{first: 200 * time.Millisecond, max: 200 * time.Millisecond}
		if wait.sleep(ctx) != nil {
			break
		}
	}
	return context.Cause(ctx)
}

func (l *Lease) acquire(ctx context.Context) (uint64, error) {
	wait := pause{first: 300 * time.Millisecond, max: 600 * time.Millisecond}
	for {
		l.renewed = time.Now()
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		revision, err := l.leases.Update(attempt, l.key, &l.self, 0)
		cancel()
		if err == nil {
			return revision, nil
		}
		if wait.sleep(ctx) != nil {
			return 0, context.Cause(ctx)
		}
	}
}

func (l *Lease) keep(ctx context.Context, revision uint64, work func(context.Context) error) error {
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
			if errors.Is(context.Cause(working), ErrLeaseLost) {
				return ErrLeaseLost
			}
			l.release(ctx, revision)
			return err
		case <-tick.C:
			var lost bool
			revision, lost = l.renew(ctx, revision)
			if lost {
				stop(ErrLeaseLost)
				return errors.Join(ErrLeaseLost, <-done)
			}
			fence.Reset(time.Until(l.renewed.Add(topics.SelfFence)))
		}
	}
}

// renew returns the new revision, and whether the lease must be taken as lost.
func (l *Lease) renew(ctx context.Context, revision uint64) (uint64, bool) {
	began := time.Now()
	attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), topics.Heartbeat)
	defer cancel()
	next, err := l.leases.Update(attempt, l.key, &l.self, revision)
	if err == nil {
		l.renewed = began
		return next, false
	}
	if errors.Is(err, ErrTaken) {
		// An update whose answer was lost looks like this too.
		e, getErr := l.leases.Get(attempt, l.key)
		if getErr == nil && e.Value != nil && *e.Value == l.self {
			return e.Revision, false
		}
		if getErr == nil || errors.Is(getErr, ErrMissing) {
			return revision, true
		}
	}
	return revision, time.Since(l.renewed) > topics.SelfFence
}

// release lets another node have the role at once.
func (l *Lease) release(ctx context.Context, revision uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	e, err := l.leases.Get(ctx, l.key)
	if err != nil || e.Revision != revision {
		return
	}
	if err := l.leases.Delete(ctx, l.key); err != nil {
		l.bus.set.Logger.DebugContext(ctx, "release lease", slog.String("lease", l.key), slog.Any("error", err))
	}
}
