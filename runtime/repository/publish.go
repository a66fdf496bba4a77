package repository

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// batchLimit is how many messages an atomic batch holds at most.
const batchLimit = 1000

// publish sends the events of one command, several as one atomic batch.
func (w *writer) publish(p *publication, r *received) error {
	changes, sent := p.outcome.changes, 0
	for len(changes) > batchLimit {
		// Only a deletion, an archiving or a restoration of very much comes here.
		// Its parts before the last carry the position before it, so that a new
		// writer applies what is left of it again.
		if err := w.publishBatch(r, changes[:batchLimit], p.sequence-1, sent); err != nil {
			return err
		}
		changes, sent = changes[batchLimit:], sent+batchLimit
	}
	if err := w.publishBatch(r, changes, p.sequence, sent); err != nil {
		return err
	}
	p.outcome.result.Sequence = w.outlet.last
	for i := range p.outcome.result.Steps {
		p.outcome.result.Steps[i].Sequence = w.outlet.last
	}
	return nil
}

func (w *writer) publishBatch(r *received, changes []change, position uint64, sent int) error {
	messages := make([]*nats.Msg, len(changes))
	for i := range changes {
		messages[i] = w.message(&changes[i], r, position, sent+i)
	}
	if len(messages) == 1 {
		return w.outlet.send(messages[0])
	}
	return w.outlet.sendBatch(messages)
}

// message encodes a change event in binary mode. It writes the headers itself,
// with one allocation for all values: this is the hot path, and the values are
// known to be well-formed.
func (w *writer) message(c *change, r *received, position uint64, i int) *nats.Msg {
	values := make([]string, 0, 11)
	m := &nats.Msg{Data: c.data, Header: make(nats.Header, 8)}
	put := func(name, value string) {
		values = append(values, value)
		m.Header[name] = values[len(values)-1:]
	}
	put("ce-specversion", "1.0")
	c.id = r.event.ID + "-" + strconv.Itoa(i)
	put("ce-id", events.EncodeAttribute(c.id))
	put("ce-source", "/repository")
	put("ce-type", c.eventType)
	put("ce-time", r.stored.Format(time.RFC3339Nano))
	put("ce-datacontenttype", events.JSON)
	put("ce-"+events.ExtInSequence, itoa(position))
	t := w.bus.Topics()
	switch {
	case c.typeDef != nil:
		m.Subject = t.Type(c.typeDef.Name)
	case c.record == nil:
		m.Subject = t.Fence(c.fence.Connector)
	case c.record.relationship:
		m.Subject = t.Relationship(c.record.typ.Name, c.record.guid.String())
	default:
		m.Subject = t.Element(c.record.typ.Name, c.record.guid.String())
	}
	if c.record != nil && c.record.deleted {
		// Other changes name the actor in their state.
		put("ce-"+events.ExtActor, events.EncodeAttribute(r.actor()))
	}
	if parent := r.event.Extension(events.ExtTraceParent); parent != "" {
		put("ce-"+events.ExtTraceParent, events.EncodeAttribute(parent))
	}
	return m
}

// refuse notes why the command cannot be applied.
func (p *publication) refuse(r *received, why error) {
	reason, ok := errors.AsType[*events.Error](why)
	if !ok {
		reason = events.Errorf(events.CodeInvalid, "", "%s", why)
	}
	p.refused, p.outcome = r, outcome{result: events.Result{Error: reason}}
}

// bury puts a command that can never be applied into the dead letters, once.
func (w *writer) bury(p *publication) error {
	r, reason := p.refused, p.outcome.result.Error
	w.log.Warn("a command cannot be applied", slog.Uint64("in_sequence", r.sequence), slog.String("subject", r.subject),
		slog.String("code", string(reason.Code)), slog.String("reason", reason.Error()))
	stream := w.bus.Topics().InStream()
	m, err := bus.DeadLetter(w.bus.Topics().DeadLetter(stream, r.sequence), bus.Letter{
		Stream: stream, Subject: r.subject, Sequence: r.sequence, Header: r.header, Data: r.data, Reason: reason,
		MaxPayload: w.bus.MaxPayload(),
	})
	if err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	if p.ack, err = w.js.PublishMsgAsync(m); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	return nil
}
