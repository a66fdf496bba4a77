package repository

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/graph/index"
	"github.com/camena-io/camena/topics"
)

// A deletion is a tombstone: the last event of its subject, after its history. After
// the retention time the writer purges the subject. A TTL on the tombstone alone would
// not do: after it, the state before would be the last one again.

const (
	// DefaultRetention is how long the history of what was deleted is kept.
	DefaultRetention = 30 * 24 * time.Hour

	sweepEvery = time.Minute
	// sweepMost bounds the purges of one sweep.
	sweepMost = 1000
)

// sweep purges, on a schedule, what was deleted longer ago than the retention time.
func (r *Repository) sweep(tenure context.Context) {
	t := r.set.Bus.Topics()
	e, err := events.New("/repository", events.TypeCycleDue, events.Cycle{})
	if err == nil {
		err = r.set.Bus.Arm(tenure, bus.Schedule{
			Subject: t.RepositorySchedule("sweep"), Target: t.RepositoryDue(), Pattern: bus.Every(sweepEvery), TTL: sweepEvery,
		}, &e)
	}
	if err == nil {
		following := bus.FollowOptions{Stream: t.CyclesStream(), Subjects: []string{t.RepositoryDue()}, Start: bus.FromNow}
		err = r.set.Bus.Follow(tenure, following, func(*bus.Message) error {
			r.Sweep(tenure, time.Now().Add(-r.set.Retention))
			r.purgeHistories(tenure, r.index.UnfinishedPurges())
			return nil
		})
	}
	if err != nil && tenure.Err() == nil {
		r.set.Logger.ErrorContext(tenure, "deletions are not swept", slog.Any("error", err))
	}
}

// Sweep purges from the out topic what was deleted before a time, and returns the
// number of elements and relationships. It keeps the last event of the stream, which
// holds the position of the writer.
func (r *Repository) Sweep(ctx context.Context, before time.Time) (purged int) {
	for purged < sweepMost {
		t, ok := r.index.OldestTombstone(before)
		if !ok {
			return purged
		}
		if err := r.purge(ctx, subjectOf(&t, r.set.Bus.Topics(), t.Type.Name), t.Sequence+1); err != nil {
			r.set.Logger.WarnContext(ctx, "sweep a deletion; trying again later", slog.String("guid", t.GUID.String()), slog.Any("error", err))
			return purged
		}
		r.index.Forget(t)
		purged++
	}
	return purged
}

// purgeHistories removes the history of purged elements under all their types; the
// tombstones stay until they are swept. Usually the history under the last type went
// when the tombstone was stored. Under a former type it stays if this fails and
// something new hides the tombstone; readers then see that a deletion is missing and
// show none of it.
func (r *Repository) purgeHistories(ctx context.Context, list []index.Tombstone) {
	for i, t := range list {
		if err := r.purge(ctx, subjectOf(&t, r.set.Bus.Topics(), "*"), t.Sequence); err != nil {
			r.set.Logger.WarnContext(ctx, "purge the history of deletions; trying again later", slog.String("guid", t.GUID.String()),
				slog.Int("deletions", len(list)-i), slog.Any("error", err))
			return
		}
		r.index.PurgeDone(t)
	}
}

// purge removes what the out topic has under a subject before a sequence.
func (r *Repository) purge(ctx context.Context, subject string, before uint64) error {
	return r.set.Bus.Purge(ctx, r.set.Bus.Topics().OutStream(), jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(before))
}

// subjectOf what was deleted, under the name of a type or "*".
func subjectOf(t *index.Tombstone, names topics.Topics, typeName string) string {
	if t.Relationship {
		return names.Relationship(typeName, t.GUID.String())
	}
	return names.Element(typeName, t.GUID.String())
}
