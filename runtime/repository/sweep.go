package repository

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/topics"
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
			r.purgeUnfinished(tenure)
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

// purgeSecrets removes the history of what the last command deleted to leave no
// trace.
func (r *Repository) purgePending(ctx context.Context) {
	r.purgeHistories(ctx, r.index.PendingPurges())
}

// purgeUnerased removes the history of what was deleted to leave no trace, also
// by an earlier writer: that may not have been able to.
func (r *Repository) purgeUnfinished(ctx context.Context) {
	r.purgeHistories(ctx, r.index.UnfinishedPurges())
}

// erase removes the history of deletions under all types that they ever had; the
// tombstones stay until they are swept. As a rule the history under the last type
// went as the tombstone was stored, so that there is nothing to be remembered when
// this fails and something new hides the tombstone. Under a former type the history
// stays then, until what says there that it goes on elsewhere is swept; who answers
// sees that a deletion is missing between that and what is new, and is silent.
func (r *Repository) purgeHistories(ctx context.Context, list []graph.Tombstone) {
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
	attempt, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	stream, err := r.set.Bus.JetStream().Stream(attempt, r.set.Bus.Topics().OutStream())
	if err != nil {
		return err
	}
	return stream.Purge(attempt, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(before))
}

// subjectOf what was deleted, under the name of a type or "*".
func subjectOf(t *graph.Tombstone, names topics.Topics, typeName string) string {
	if t.Relationship {
		return names.Relationship(typeName, t.GUID.String())
	}
	return names.Element(typeName, t.GUID.String())
}
