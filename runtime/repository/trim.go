package repository

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// lookBack is how many applied commands the in topic keeps, so that a new writer can
	// answer their senders.
	lookBack = 1000
	// trimEvery and trimEveryBytes are how much is applied before the in topic is trimmed.
	trimEvery      = 8192
	trimEveryBytes = 64 << 20
	// trimShare is the part of a small in topic after which it is trimmed: if applied
	// commands filled it, publishers would wait forever.
	trimShare = 4
	// overhead is about what the server stores with a message.
	overhead = 100
)

// trimming counts what was applied since the in topic was trimmed.
type trimming struct {
	applied int
	bytes   int
	limit   int // of bytes
	running sync.WaitGroup
}

// sizeOf is how much of the in topic a command takes.
func (r *received) sizeOf() int {
	size := len(r.subject) + len(r.data) + overhead
	for name, values := range r.header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	return size
}

// resumeTrimming counts what earlier writers applied and left in the in topic.
func (w *writer) resumeTrimming(ctx context.Context, in *jetstream.StreamInfo, position uint64) {
	t := &w.trimmed
	t.limit = trimEveryBytes
	if most := in.Config.MaxBytes; most > 0 {
		t.limit = int(min(trimEveryBytes, most/trimShare))
	}
	if in.State.Msgs == 0 || position < in.State.FirstSeq {
		return
	}
	left := float64(position-in.State.FirstSeq+1) / float64(in.State.LastSeq-in.State.FirstSeq+1)
	t.applied = int(left * float64(in.State.Msgs))
	t.bytes = int(left * float64(in.State.Bytes))
	if t.bytes >= t.limit {
		w.trimTo(ctx, position)
	}
}

// trim removes applied commands from the in topic from time to time.
func (w *writer) trim(ctx context.Context, p *publication) {
	t := &w.trimmed
	t.applied++
	t.bytes += p.size
	if t.applied >= trimEvery || t.bytes >= t.limit {
		w.trimTo(ctx, p.sequence)
	}
}

// trimTo removes applied commands up to a sequence, and keeps the last ones if there is
// room.
func (w *writer) trimTo(ctx context.Context, applied uint64) {
	t := &w.trimmed
	keep := applied + 1
	if t.bytes < t.limit {
		keep -= min(lookBack, keep)
	}
	t.applied, t.bytes = 0, 0
	t.running.Go(func() { w.purge(ctx, keep) })
}

func (w *writer) purge(ctx context.Context, before uint64) {
	err := w.bus.Purge(ctx, w.bus.Topics().InStream(), jetstream.WithPurgeSequence(before))
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) && ctx.Err() == nil {
		w.log.WarnContext(ctx, "trim the in topic", slog.Any("error", err))
	}
}
