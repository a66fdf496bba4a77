package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
)

// Call asks a service and decodes its answer. A refusal is an [*events.Error];
// when nobody answers its code is [events.CodeUnavailable].
func Call[A any](ctx context.Context, b *Bus, subject string, question any) (A, error) {
	var none A
	data, err := events.Marshal(question)
	if err != nil {
		return none, err
	}
	attempt, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	m, err := b.conn.RequestWithContext(attempt, subject, data)
	if err != nil {
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
			return none, events.Errorf(events.CodeUnavailable, "", "nobody answers on %s: is a node with that role running? (%s)", subject, err)
		}
		return none, fmt.Errorf("ask %s: %w", subject, err)
	}
	if m.Header.Get(micro.ErrorCodeHeader) != "" {
		refusal, err := events.Unmarshal[events.Error](m.Data)
		if err != nil {
			return none, events.Errorf(events.CodeUnavailable, "", "%s: %s", subject, m.Header.Get(micro.ErrorHeader))
		}
		return none, &refusal
	}
	return events.Unmarshal[A](m.Data)
}

// Answer makes a handler of a service verb: it decodes the question strictly
// and encodes the answer or the error.
//
// It may be called in a goroutine of its own: it does not answer through the
// request, which package micro looks at when the handler returns.
func Answer[Q, A any](b *Bus, handle func(Q) (A, error)) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		q, err := events.Unmarshal[Q](r.Data())
		var a A
		if err == nil {
			a, err = handle(q)
		}
		if err := b.respond(r.Reply(), a, err); err != nil {
			b.set.Logger.Warn("answer", slog.String("subject", r.Subject()), slog.Any("error", err))
		}
	})
}

func (b *Bus) respond(subject string, answer any, err error) error {
	m := nats.NewMsg(subject)
	if err == nil {
		if m.Data, err = events.Marshal(answer); err == nil {
			return b.conn.PublishMsg(m)
		}
	}
	refusal, ok := errors.AsType[*events.Error](err)
	if !ok {
		refusal = events.Errorf(events.CodeUnavailable, "", "%s", err)
	}
	if m.Data, err = events.Marshal(refusal); err != nil {
		return err
	}
	m.Header.Set(micro.ErrorHeader, refusal.Message)
	m.Header.Set(micro.ErrorCodeHeader, string(refusal.Code))
	return b.conn.PublishMsg(m)
}
