package repository

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/micro"
	"golang.org/x/sync/semaphore"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

const (
	// patience is how long a question waits for its sequence and for its turn.
	patience = 3 * time.Second
	// maxQuestions is how many questions a node takes at a time, waiting ones included; it
	// refuses more.
	maxQuestions = 1024
)

// limiter bounds what questions take of a node.
type limiter struct{ questions, work *semaphore.Weighted }

func newLimiter() limiter {
	work := max(8, 4*runtime.GOMAXPROCS(0))
	return limiter{questions: semaphore.NewWeighted(maxQuestions), work: semaphore.NewWeighted(int64(work))}
}

func busy() *events.Error {
	return events.Errorf(events.CodeUnavailable, "", "too many questions at a time; try again")
}

// answer makes a handler that answers off the connection's reading goroutine,
// when the index has the sequence asked for and it is the question's turn.
func (r *Repository) answer(
	ctx context.Context, t events.QuestionType, handle func(ctx context.Context, q events.Question, room int) (any, error),
) micro.Handler {
	return micro.HandlerFunc(func(req micro.Request) {
		if !r.limits.questions.TryAcquire(1) {
			bus.Refuse(r.set.Bus, req, busy())
			return
		}
		go func() {
			defer r.limits.questions.Release(1)
			var end func() // of the turn: until the answer is sent, it takes memory
			bus.AnswerWithin(r.set.Bus, func(question []byte, room int) (a any, err error) {
				defer protect(r.set.Logger, "question", slog.String("subject", req.Subject()), r.set.Node, func(defect error) { err = defect })
				ctx, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				q, ended, err := r.await(ctx, t, question)
				if err != nil {
					return nil, err
				}
				end = ended
				return handle(ctx, q, room)
			}).Handle(req)
			if end != nil {
				end()
			}
		}()
	})
}

// await decodes a question, waits for the sequence that it asks for and for its turn,
// and returns how to end the turn.
func (r *Repository) await(ctx context.Context, t events.QuestionType, question []byte) (q events.Question, end func(), err error) {
	if q, err = t.Decode(question); err != nil {
		return nil, nil, err
	}
	if err = r.Await(ctx, *q.Awaited()); err != nil || isLookup(q) {
		return q, nil, err
	}
	if r.limits.work.Acquire(ctx, 1) != nil {
		return q, nil, busy()
	}
	return q, func() { r.limits.work.Release(1) }, nil
}

// protect refuses what Camena panics on, so that it ends no node. It is deferred.
func protect(log *slog.Logger, what string, which slog.Attr, node string, refuse func(defect error)) {
	if p := recover(); p != nil {
		log.Error("failed; report this", slog.String("on", what), which, slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		refuse(events.Errorf(events.CodeInternal, "", "Camena failed on this %s, which is a defect of it: the log of the node %s says more", what, node))
	}
}

// isLookup reports whether a question is so fast that it need not wait for its turn.
func isLookup(question events.Question) bool {
	q, ok := question.(*events.Get)
	return ok && q.AsOf.IsZero()
}
