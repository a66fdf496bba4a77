package repository

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
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

// tombstone is a deletion that has not been swept.
type tombstone struct {
	guid         guid
	typ          *events.ElementType
	relationship bool
	sequence     uint64
	stored       time.Time
}

// subject of what was deleted, under the name of a type or "*".
func (t *tombstone) subject(names topics.Topics, typeName string) string {
	if t.relationship {
		return names.Relationship(typeName, t.guid.String())
	}
	return names.Element(typeName, t.guid.String())
}

// graves are the deletions that have not been swept.
type graves struct {
	// tombstones, oldest first.
	tombstones []tombstone
	// last is the sequence of the last deletion of what is not there any more.
	last map[guid]uint64
	// secret are the deletions whose history has to go at once: the writer removes
	// it before it applies another command. unerased are those where it could not.
	secret, unerased []tombstone
	// secretAt is the in-sequence of the last of them.
	secretAt uint64
}

func newGraves() graves { return graves{last: map[guid]uint64{}} }

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
			r.purgeSecrets(tenure)
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
		if err := r.purge(ctx, t.subject(r.set.Bus.Topics(), t.typ.Name), t.sequence+1); err != nil {
			r.set.Logger.WarnContext(ctx, "sweep a deletion; trying again later", slog.String("guid", t.guid.String()), slog.Any("error", err))
			return purged
		}
		r.index.forget(t)
		purged++
	}
	return purged
}

// purgeSecrets removes the history of what was deleted to leave no trace, under
// all types that it ever had; the tombstones stay until they are swept.
func (r *Repository) purgeSecrets(ctx context.Context) {
	secrets := r.index.secrets()
	for i, t := range secrets {
		if err := r.purge(ctx, t.subject(r.set.Bus.Topics(), "*"), t.sequence); err != nil {
			r.set.Logger.WarnContext(ctx, "purge the history of deletions; trying again later", slog.String("guid", t.guid.String()),
				slog.Int("deletions", len(secrets)-i), slog.Any("error", err))
			r.index.remember(secrets[i:]...)
			return
		}
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

// bury notes a deletion.
func (x *index) bury(f *fact) {
	t := tombstone{guid: f.record.guid, typ: f.record.typ, relationship: f.record.relationship, sequence: f.sequence, stored: f.stored}
	x.tombstones = append(x.tombstones, t)
	if !f.moved {
		x.last[t.guid] = t.sequence
	}
	if f.purged {
		x.secret, x.secretAt = append(x.secret, t), f.position
	}
}

// buried returns the sequence of the event that deleted what has that guid, if
// it is not there any more and its history is still kept.
func (x *index) buried(id guid) (sequence uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sequence, ok = x.last[id]
	return sequence, ok && x.byGUID[id] == nil
}

// secrets takes the deletions whose history has to go at once.
func (x *index) secrets() []tombstone {
	x.mu.Lock()
	defer x.mu.Unlock()
	secret := slices.Concat(x.secret, x.unerased)
	x.secret, x.unerased = nil, nil
	return secret
}

func (x *index) remember(list ...tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unerased = append(x.unerased, list...)
}

// erased forgets what the writer has erased, since it went on to a later command.
// The parts of a large deletion carry the in-sequence of it or the one before.
func (x *index) erased(position uint64) {
	if len(x.secret) > 0 && position > x.secretAt+1 {
		x.secret = nil
	}
}

// oldestTombstone returns the oldest deletion, if it is from before a time and
// not the last event. What is there again since then, under the same type, keeps
// its history.
func (x *index) oldestTombstone(before time.Time) (tombstone, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 {
		t := x.tombstones[0]
		if !t.stored.Before(before) || t.sequence == x.sequence {
			return tombstone{}, false
		}
		if now := x.byGUID[t.guid]; now == nil || now.typ.Name != t.typ.Name {
			return t, true
		}
		x.unbury(t)
	}
	return tombstone{}, false
}

func (x *index) unbury(t tombstone) {
	x.tombstones = x.tombstones[1:]
	if x.last[t.guid] == t.sequence {
		delete(x.last, t.guid)
	}
}

func (x *index) forget(t tombstone) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.tombstones) > 0 && x.tombstones[0].sequence == t.sequence {
		x.unbury(t)
	}
}

// forgetSwept drops, on a node that only follows, what the writer has swept.
func (x *index) forgetSwept(before time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.tombstones) > 0 && x.tombstones[0].stored.Before(before) {
		x.unbury(x.tombstones[0])
	}
}
