package repository

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// A deletion is a tombstone: the last event of its subject, with the history
// before it. After the retention time the writer purges the subject. A TTL on
// the tombstone alone would not do: when it ran out, the state before it would
// be the last of its subject again, and the element would be back.

const (
	// DefaultRetention is how long the history of what was deleted is kept.
	DefaultRetention = 30 * 24 * time.Hour

	sweepEvery = time.Minute
	// sweepMost bounds the purges of one sweep.
	sweepMost = 1000
)

// tombstone is a deletion that has not been swept.
type tombstone struct {
	record   *record
	sequence uint64
	stored   time.Time
}

// sweep purges, as often as a schedule on the bus says, what was deleted longer
// than the retention time ago. It ends with the tenure.
func (r *Repository) sweep(tenure context.Context) {
	t := r.set.Bus.Topics()
	e, err := events.New("/repository", events.TypeCycleDue, events.Cycle{})
	if err == nil {
		err = r.set.Bus.Arm(tenure, bus.Schedule{
			Subject: t.RepositorySchedule("sweep"), Target: t.RepositoryDue(), Pattern: bus.Every(sweepEvery), TTL: sweepEvery,
		}, &e)
	}
	if err == nil {
		following := bus.Following{Stream: t.CyclesStream(), Subjects: []string{t.RepositoryDue()}, Start: bus.FromNow}
		err = r.set.Bus.Follow(tenure, following, func(*bus.Message) error {
			r.Sweep(tenure, time.Now().Add(-r.set.Retention))
			return nil
		})
	}
	if err != nil && tenure.Err() == nil {
		r.set.Logger.ErrorContext(tenure, "deletions are not swept", slog.Any("error", err))
	}
}

// Sweep purges from the out topic what was deleted before a time, and returns
// how many elements and relationships that were. The last event of the stream
// stays, since it tells the writer's position.
func (r *Repository) Sweep(ctx context.Context, before time.Time) (purged int) {
	for purged < sweepMost {
		t, ok := r.index.oldestTombstone(before)
		if !ok {
			return purged
		}
		if err := r.purge(ctx, t); err != nil {
			r.set.Logger.WarnContext(ctx, "sweep a deletion; trying again later", slog.String("guid", t.record.guid.String()), slog.Any("error", err))
			return purged
		}
		r.index.forget(t)
		purged++
	}
	return purged
}

func (r *Repository) purge(ctx context.Context, t tombstone) error {
	attempt, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	stream, err := r.set.Bus.JetStream().Stream(attempt, r.set.Bus.Topics().OutStream())
	if err != nil {
		return err
	}
	subject := r.set.Bus.Topics().Element(t.record.typ.Name, t.record.guid.String())
	if t.record.relationship {
		subject = r.set.Bus.Topics().Relationship(t.record.typ.Name, t.record.guid.String())
	}
	return stream.Purge(attempt, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(t.sequence+1))
}

// bury notes a deletion.
func (x *index) bury(f *fact) {
	x.tombstones = append(x.tombstones, tombstone{record: f.record, sequence: f.sequence, stored: f.stored})
}

// oldestTombstone returns the oldest deletion, if it is from before a time and
// not the last event. What is there again since then keeps its history.
func (x *index) oldestTombstone(before time.Time) (tombstone, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 {
		t := x.tombstones[0]
		if !t.stored.Before(before) || t.sequence == x.sequence {
			return tombstone{}, false
		}
		if x.byGUID[t.record.guid] == nil {
			return t, true
		}
		x.tombstones = x.tombstones[1:]
	}
	return tombstone{}, false
}

func (x *index) forget(t tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.tombstones) > 0 && x.tombstones[0].sequence == t.sequence {
		x.tombstones = x.tombstones[1:]
	}
}

// forgetSwept drops, on a node that only follows, what the writer has swept.
func (x *index) forgetSwept(before time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 && x.tombstones[0].stored.Before(before) {
		x.tombstones = x.tombstones[1:]
	}
}
