package repository

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/graph"
)

// replyWindow is how long the sender of a command may wait for its outcome.
const replyWindow = 2 * time.Minute

func (r *received) isAwaited() bool {
	return r.event.Extension(events.ExtReplyTo) != "" && time.Since(r.stored) < replyWindow
}

// answerReplayed answers a command that an earlier writer applied or refused, and may
// not have answered.
func (w *writer) answerReplayed(ctx context.Context, r *received) {
	if !r.isAwaited() {
		return
	}
	p := newPublication(r)
	reason, err := w.deadLetterReason(ctx, r)
	switch {
	case ctx.Err() != nil:
		return // the next tenure answers
	case err != nil:
		w.log.WarnContext(ctx, "answer a command that was applied before; its sender has to ask", slog.Uint64("in_sequence", r.sequence), slog.Any("error", err))
		return
	case reason != nil:
		p.outcome.Result.Error = reason
	case r.err == nil:
		p.outcome.Result = w.replayedResult(r)
	}
	w.reply(p)
}

// replayedResult is the outcome of a command that was applied.
func (w *writer) replayedResult(r *received) (result events.Result) {
	defer protect(w.log, "command", slog.Uint64("in_sequence", r.sequence), "that writes", func(defect error) { result = events.Result{Error: events.AsError(defect)} })
	q, err := graph.RequestOf(&r.event, r.sequence, r.stored)
	if err != nil {
		return events.Result{} // it was refused, and its dead letter is gone
	}
	return graph.ReplayedResult(w.index, q, r.command)
}

// deadLetterReason returns why a command was refused, nil if it was not.
func (w *writer) deadLetterReason(ctx context.Context, r *received) (*events.Error, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	names := w.bus.Topics()
	m, err := w.bus.LastMessage(ctx, names.DeadLetterStream(), names.DeadLetter(names.InStream(), r.sequence))
	if errors.Is(err, bus.ErrMissing) {
		return nil, nil //nolint:nilnil // it was applied
	}
	if err != nil {
		return nil, err
	}
	letter, err := m.Event()
	if err != nil {
		return nil, err
	}
	return &events.Error{
		Code: events.Code(letter.Extension(events.ExtReasonCode)), Message: letter.Extension(events.ExtReason),
		Pointer: letter.Extension(events.ExtReasonPointer),
	}, nil
}
