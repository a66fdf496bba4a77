package repository

import (
	"context"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// Index returns the index of the repository.
func (r *Repository) Index() *index.Index { return r.index }

// Sequence returns the sequence of the out topic that the index reflects.
func (r *Repository) Sequence() uint64 {
	sequence, _ := r.index.Reached()
	return sequence
}

// Writing returns the name of the node that has the writer's lease, "" if none.
func (r *Repository) Writing(ctx context.Context) (string, error) { return r.lease.Holder(ctx) }

// CrashAt has a function called at the writer's steps "publish", "published" and
// "committed". It is given before the repository serves.
func (r *Repository) CrashAt(step func(name string)) { r.crash = step }

// Answer has a question of its own answered by a function, as others are.
func (r *Repository) Answer(ctx context.Context, verb string, handle func() error) (stop func(), err error) {
	return r.serveEndpoints(ctx, "camena-test", map[string]micro.Handler{
		verb: r.answer(ctx, events.QuestionType{New: func() events.Question { return new(events.Get) }},
			func(context.Context, events.Question, int) (any, error) { return index.ElementAnswer{}, handle() }),
	})
}
