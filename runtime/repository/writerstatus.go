package repository

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// progress is the position of the writer of this node. Others compare it, as a writer
// that hangs cannot report so.
type progress struct {
	mu sync.Mutex
	// applied is the in-sequence up to which everything has been applied.
	applied uint64
	moved   time.Time
}

// reach sets the position. Finding the same one again after an error is no progress,
// unless something moved: a part of a large command was stored, or a tenure begins.
func (p *progress) reach(applied uint64, moved bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if moved || p.applied != applied {
		p.applied, p.moved = applied, time.Now()
	}
}

func (p *progress) look() (applied uint64, moved time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.applied, p.moved
}

// serveWriterStatus serves the status of the writer while this node holds the lease.
func (r *Repository) serveWriterStatus(tenure context.Context) (stop func()) {
	_, position := r.index.Reached()
	r.progress.reach(position, true)
	stop, err := r.serveEndpoints(tenure, "camena-writer", map[string]micro.Handler{
		topics.VerbWriterStatus: bus.Answer(r.set.Bus, func(struct{}) (events.WriterStatus, error) { return r.writerStatus(tenure) }),
	})
	if err != nil {
		r.set.Logger.WarnContext(tenure, "nobody can ask how the writer gets on", slog.Any("error", err))
		return func() {}
	}
	return stop
}

// writerStatus compares the position of the writer with the in topic. The writer stands
// still for as long as a command waits, by the clock of the server, and it has not moved.
func (r *Repository) writerStatus(ctx context.Context) (events.WriterStatus, error) {
	applied, moved := r.progress.look()
	a := events.WriterStatus{Node: r.set.Node, Applied: applied}
	name := r.set.Bus.Topics().InStream()
	stored, found, err := r.set.Bus.StoredFrom(ctx, name, applied+1)
	if err != nil || !found {
		return a, err
	}
	info, err := r.set.Bus.StreamInfo(ctx, name)
	if err != nil {
		return a, err
	}
	a.Waiting = info.State.LastSeq - min(info.State.LastSeq, max(applied, info.State.FirstSeq-1))
	a.Still = events.Duration(max(0, min(info.TimeStamp.Sub(stored), time.Since(moved))))
	return a, nil
}
