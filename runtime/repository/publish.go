package repository

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/graph"
)

// batchLimit is how many messages an atomic batch holds at most.
const batchLimit = 1000

// publish sends the events of one command, several as one atomic batch.
func (w *writer) publish(p *publication, r *received) error {
	sent, all := 0, p.outcome.Len()
	for all-sent > batchLimit {
		// Only elements with thousands of relationships or members come here. All parts but
		// the last carry the position before, so that a new writer applies the rest again.
		end := sent + batchLimit
		if p.outcome.Change(end-1).Type == events.TypeElementMoved {
			end-- // where it moves to comes next, and must not be missing
		}
		if err := w.publishBatch(p, r, p.sequence-1, sent, end); err != nil {
			return err
		}
		sent = end
	}
	if err := w.publishBatch(p, r, p.sequence, sent, all); err != nil {
		return err
	}
	p.outcome.Stored(w.publisher.last)
	return nil
}

// publishBatch sends the events from one up to, not including, another.
func (w *writer) publishBatch(p *publication, r *received, position uint64, from, to int) error {
	messages := make([]*nats.Msg, 0, to-from)
	for i := from; i < to; i++ {
		c := p.outcome.Change(i)
		messages = append(messages, w.message(&c, r, position))
	}
	if len(messages) == 1 {
		return w.publisher.send(messages[0])
	}
	return w.publisher.sendBatch(messages)
}

// message encodes a change event in binary mode. It writes the headers itself, with one
// allocation for all values, because it is the hot path and the values are well-formed.
func (w *writer) message(c *graph.Change, r *received, position uint64) *nats.Msg {
	values := make([]string, 0, 11)
	m := &nats.Msg{Data: c.Data, Header: make(nats.Header, 8)}
	put := func(name, value string) {
		values = append(values, value)
		m.Header[name] = values[len(values)-1:]
	}
	put("ce-specversion", "1.0")
	put("ce-id", events.EncodeAttribute(c.ID))
	put("ce-source", "/repository")
	put("ce-type", c.Type)
	put("ce-time", r.stored.Format(time.RFC3339Nano))
	put("ce-datacontenttype", events.JSON)
	put("ce-"+events.ExtInSequence, itoa(position))
	t := w.bus.Topics()
	switch {
	case c.Type == events.TypeTypeDefined:
		m.Subject = t.Type(c.TypeName)
	case c.Type == events.TypeConnectorFenced:
		m.Subject = t.Fence(c.Connector)
	case c.Relationship:
		m.Subject = t.Relationship(c.TypeName, c.GUID)
	default:
		m.Subject = t.Element(c.TypeName, c.GUID)
	}
	if c.ActorMissing {
		// Other changes name the actor in their state.
		put("ce-"+events.ExtActor, events.EncodeAttribute(graph.Actor(&r.event)))
	}
	if c.Purged && w.rollup {
		m.Header[jetstream.MsgRollup] = []string{jetstream.MsgRollupSubject}
	}
	if parent := r.event.Extension(events.ExtTraceParent); parent != "" {
		put("ce-"+events.ExtTraceParent, events.EncodeAttribute(parent))
	}
	return m
}

// deadLetter puts a command that can never be applied into the dead letters, once.
func (w *writer) deadLetter(p *publication) error {
	r, reason := p.refused, p.outcome.Result.Error
	told, log := p.replyTo != "", w.log.Warn
	if told {
		log = w.log.Debug // it is for its sender to do something about it
	}
	log("a command cannot be applied", slog.Uint64("in_sequence", r.sequence), slog.String("subject", r.subject),
		slog.String("code", string(reason.Code)), slog.String("reason", reason.Error()))
	stream := w.bus.Topics().InStream()
	rejection := client.Rejection{
		Stream: stream, Subject: r.subject, Sequence: r.sequence, Header: r.header, Data: r.data, Reason: reason, Told: told,
		MaxPayload: w.bus.MaxPayload(),
	}
	m, err := rejection.DeadLetter(w.bus.Topics().DeadLetter(stream, r.sequence))
	if err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	if p.ack, err = w.js.PublishMsgAsync(m); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	return nil
}
