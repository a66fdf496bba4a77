package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
)

// MaxAnswer is how large an answer may be that comes in parts.
const MaxAnswer = 64 << 20

// Headers of questions and answers.
const (
	// headerAccepts, on a question, says that the answer may come in parts.
	headerAccepts = "Camena-Accepts"
	acceptsParts  = "parts"
	// headerPart is the number of a part, from 1; headerParts is their count. An
	// answer that fits into one message has neither.
	headerPart  = "Camena-Part"
	headerParts = "Camena-Parts"
)

// Call asks a service and decodes its answer, which may come in parts. A
// refusal is an [*events.Error]; when nobody answers its code is
// [events.CodeUnavailable].
func Call[A any](ctx context.Context, b *Bus, subject string, question any) (A, error) {
	data, err := b.Call(ctx, subject, question)
	if err != nil {
		var none A
		return none, err
	}
	return events.Unmarshal[A](data)
}

// Call is the function [Call] without the decoding of the answer.
func (b *Bus) Call(ctx context.Context, subject string, question any) ([]byte, error) {
	data, err := events.Marshal(question)
	if err != nil {
		return nil, err
	}
	m, err := b.ask(ctx, subject, data)
	if err != nil {
		return nil, err
	}
	return m.Data, refusalOf(m)
}

// refusalOf returns the error of an answer, nil if it has none.
func refusalOf(m *nats.Msg) error {
	if m.Header.Get(micro.ErrorCodeHeader) == "" {
		return nil
	}
	refusal, err := events.Unmarshal[events.Error](m.Data)
	if err != nil {
		return events.Errorf(events.CodeUnavailable, "", "%s", m.Header.Get(micro.ErrorHeader))
	}
	return &refusal
}

// ask publishes a question and returns the whole answer.
func (b *Bus) ask(ctx context.Context, subject string, data []byte) (*nats.Msg, error) {
	reply, answers, forget := b.Replies(partsAhead + 1)
	defer forget()
	q := nats.NewMsg(subject)
	q.Reply, q.Data, q.Header = reply, data, nats.Header{headerAccepts: []string{acceptsParts}}
	if err := b.conn.PublishMsg(q); err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	first, err := await(ctx, subject, answers, answerTimeout)
	if err != nil || first.Header.Get(headerParts) == "" {
		return first, err
	}
	return b.collect(ctx, subject, first, answers)
}

// await waits for one message of an answer.
func await(ctx context.Context, subject string, answers <-chan *nats.Msg, patience time.Duration) (*nats.Msg, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var m *nats.Msg
	select {
	case m = <-answers:
	case <-timer.C:
		if len(answers) == 0 {
			return nil, nobody(subject, nats.ErrTimeout)
		}
		m = <-answers // this process was suspended, not the other one
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, nobody(subject, ctx.Err())
		}
		return nil, fmt.Errorf("ask %s: %w", subject, context.Cause(ctx))
	}
	if isNobody(m) {
		return nil, nobody(subject, nats.ErrNoResponders)
	}
	return m, nil
}

// isNobody reports whether a message is the server's answer where nobody listens.
func isNobody(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// nobody returns the error of a question without an answer. It also is a
// [nats.ErrNoResponders] if nobody subscribes to the subject.
func nobody(subject string, err error) error {
	refusal := events.Errorf(events.CodeUnavailable, "", "nobody answers on %s: is a node with that role running? (%s)", subject, err)
	if errors.Is(err, nats.ErrNoResponders) {
		return &unanswered{refusal: refusal}
	}
	return refusal
}

// unanswered is the error of a question that nobody subscribes to.
type unanswered struct{ refusal *events.Error }

func (u *unanswered) Error() string   { return u.refusal.Error() }
func (u *unanswered) Unwrap() []error { return []error{u.refusal, nats.ErrNoResponders} }

// collect joins the parts of an answer, and confirms each of them.
func (b *Bus) collect(ctx context.Context, subject string, first *nats.Msg, answers <-chan *nats.Msg) (*nats.Msg, error) {
	parts, err := strconv.Atoi(first.Header.Get(headerParts))
	if err != nil || parts < 1 {
		return nil, broken(subject)
	}
	whole := &nats.Msg{Header: first.Header}
	for part, m := 1, first; ; part++ {
		if m.Header.Get(headerPart) != strconv.Itoa(part) {
			return nil, broken(subject)
		}
		if len(whole.Data)+len(m.Data) > MaxAnswer {
			return nil, tooLarge()
		}
		whole.Data = append(whole.Data, m.Data...)
		if part == parts {
			return whole, nil
		}
		if err := b.conn.Publish(m.Reply, nil); err != nil {
			return nil, fmt.Errorf("ask %s: %w", subject, err)
		}
		if m, err = await(ctx, subject, answers, partTimeout); err != nil {
			return nil, err
		}
	}
}

func broken(subject string) error {
	return events.Errorf(events.CodeUnavailable, "", "the answer of %s did not arrive whole; ask again", subject)
}

func tooLarge() *events.Error {
	return events.Errorf(events.CodeTooLarge, "", "the answer is larger than %d MiB: ask for it page by page, with a smaller limit", MaxAnswer>>20)
}

// Answer makes a handler of a service verb: it decodes the question strictly
// and encodes the answer or the error.
//
// The handler may run in a goroutine of its own: it does not answer through the
// request, which package micro reads when the handler returns.
func Answer[Q, A any](b *Bus, handle func(Q) (A, error)) micro.Handler {
	return AnswerWithin(b, func(question []byte, _ int) (any, error) {
		q, err := events.Unmarshal[Q](question)
		if err != nil {
			return nil, err
		}
		return handle(q)
	})
}

// AnswerWithin is [Answer] for a handler that decodes the question itself and can
// limit its answer to room bytes. For a plain NATS client that is less than the
// largest message; for [Call], which accepts an answer in parts, it is much more.
func AnswerWithin(b *Bus, handle func(question []byte, room int) (any, error)) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		parts := r.Headers().Get(headerAccepts) == acceptsParts
		a, err := handle(r.Data(), b.room(parts))
		if err := b.respond(r.Reply(), a, err, parts); err != nil {
			b.set.Logger.Warn("answer", slog.String("subject", r.Subject()), slog.Any("error", err))
		}
	})
}

// Refuse answers a question with an error.
func Refuse(b *Bus, r micro.Request, why *events.Error) {
	AnswerWithin(b, func([]byte, int) (any, error) { return nil, why }).Handle(r)
}

// room is the largest size of an answer, in bytes.
func (b *Bus) room(parts bool) int {
	if parts {
		return MaxAnswer / 2
	}
	return b.partSize() / 2
}

func (b *Bus) respond(subject string, answer any, err error, parts bool) error {
	m := nats.NewMsg(subject)
	if err == nil {
		if m.Data, err = events.Marshal(answer); err == nil {
			switch {
			case len(m.Data) <= b.partSize() || !parts && int64(len(m.Data)) <= b.conn.MaxPayload():
				return b.conn.PublishMsg(m)
			case !parts:
				err = events.Errorf(events.CodeTooLarge, "", "the answer, of %d bytes, does not fit into a message: ask for less, "+
					"or with the header %s: %s", len(m.Data), headerAccepts, acceptsParts)
			case len(m.Data) > MaxAnswer:
				err = tooLarge()
			default:
				return b.stream(m)
			}
		}
	}
	if err := setRefusal(m, err); err != nil {
		return err
	}
	return b.conn.PublishMsg(m)
}

// setRefusal makes a message the answer with an error.
func setRefusal(m *nats.Msg, err error) error {
	refusal, ok := errors.AsType[*events.Error](err)
	if !ok {
		refusal = events.Errorf(events.CodeUnavailable, "", "%s", err)
	}
	m.Header.Set(micro.ErrorHeader, refusal.Message)
	m.Header.Set(micro.ErrorCodeHeader, string(refusal.Code))
	m.Data, err = events.Marshal(refusal)
	return err
}
