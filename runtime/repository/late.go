package repository

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
)

// awaited is how long the sender of a command may still wait for its outcome.
const awaited = 2 * time.Minute

func (r *received) isAwaited() bool {
	return r.event.Extension(events.ExtReplyTo) != "" && time.Since(r.stored) < awaited
}

// answerLate answers a command that an earlier tenure applied or refused, whose
// sender may not have heard of it.
func (w *writer) answerLate(ctx context.Context, r *received) {
	if !r.isAwaited() {
		return
	}
	p := &publication{sequence: r.sequence, replyTo: r.event.Extension(events.ExtReplyTo)}
	reason, err := w.letterOf(ctx, r)
	switch {
	case ctx.Err() != nil:
		return // the next tenure answers
	case err != nil:
		w.log.WarnContext(ctx, "answer a command that was applied before; its sender has to ask", slog.Uint64("in_sequence", r.sequence), slog.Any("error", err))
		return
	case reason != nil:
		p.outcome.result.Error = reason
	case r.err == nil:
		p.outcome.result = lateResult(w.index, r.command)
	}
	w.reply(p)
}

// letterOf returns why a command was refused, nil if it was not.
func (w *writer) letterOf(ctx context.Context, r *received) (*events.Error, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	names := w.bus.Topics()
	stream, err := w.bus.JetStream().Stream(ctx, names.DeadLetterStream())
	if err != nil {
		return nil, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, names.DeadLetter(names.InStream(), r.sequence))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil //nolint:nilnil // it was applied
	}
	if err != nil {
		return nil, err
	}
	letter, err := events.Decode(m.Header, m.Data)
	if err != nil {
		return nil, err
	}
	return &events.Error{
		Code: events.Code(letter.Extension(events.ExtReasonCode)), Message: letter.Extension(events.ExtReason),
		Pointer: letter.Extension(events.ExtReasonPointer),
	}, nil
}

// lateResult is the outcome of a command that an earlier tenure applied, told by
// what there is now.
func lateResult(v view, c events.Command) events.Result {
	if set, ok := c.(*events.ChangeSet); ok {
		result := events.Result{Changed: true}
		steps, err := set.Steps()
		if err != nil {
			return result
		}
		for _, step := range steps {
			result.Steps = append(result.Steps, lateResult(v, step))
		}
		return result
	}
	found := subjectOf(v, c)
	if found == nil {
		return events.Result{}
	}
	return events.Result{GUID: found.guid.String(), Version: found.version, Changed: true}
}

// subjectOf returns what a command was about, as it is now; nil if it is gone.
func subjectOf(v view, c events.Command) *record {
	switch c := c.(type) {
	case *events.Create:
		return elementOrNil(v, c.Element.Ref())
	case *events.Upsert:
		return elementOrNil(v, c.Element.Ref())
	case *events.FromTemplate:
		return elementOrNil(v, events.ElementRef{GUID: c.GUID, QualifiedName: c.QualifiedName})
	case *events.Link:
		spec := &c.Relationship
		return linkOrNil(v, &events.RelationshipRef{GUID: spec.GUID, Type: spec.Type, End1: spec.End1, End2: spec.End2})
	case *events.UpdateRelationship:
		return linkOrNil(v, &c.Relationship)
	case *events.Rehome:
		if c.Element == (events.ElementRef{}) {
			return linkOrNil(v, &c.Relationship)
		}
		return elementOrNil(v, c.Element)
	default:
		return elementOrNil(v, elementOf(c))
	}
}

// elementOf returns the element that a command is about, if it is about one.
func elementOf(c events.Command) events.ElementRef {
	switch c := c.(type) {
	case *events.Update:
		return c.Element
	case *events.Restore:
		return c.Element
	case *events.Publish:
		return c.Element
	case *events.Withdraw:
		return c.Element
	case *events.Retype:
		return c.Element
	case *events.Classify:
		return c.Element
	case *events.Declassify:
		return c.Element
	default:
		return events.ElementRef{}
	}
}

func elementOrNil(v view, ref events.ElementRef) *record {
	if ref == (events.ElementRef{}) {
		return nil
	}
	r, err := element(v, ref, "")
	if err != nil {
		return nil
	}
	return r
}

func linkOrNil(v view, ref *events.RelationshipRef) *record {
	r, err := linkOf(v, ref, "")
	if err != nil {
		return nil
	}
	return r
}
