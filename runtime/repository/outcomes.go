package repository

import (
	"log/slog"

	"github.com/camena-io/camena/events"
)

const (
	// outcomesKept and outcomesBytes bound the outcomes that a writer remembers. They
	// are more than senders wait for at a time.
	outcomesKept  = 8192
	outcomesBytes = 16 << 20
)

// outcomes are the last outcomes that a writer answered with, by the id of the
// command.
type outcomes struct {
	byID  map[string][]byte
	order []string
	bytes int
}

func (o *outcomes) add(id string, outcome []byte) {
	if o.byID == nil {
		o.byID = map[string][]byte{}
	}
	if former, known := o.byID[id]; known { // a dead letter that was replayed
		o.bytes -= len(former)
	} else {
		o.order = append(o.order, id)
	}
	o.byID[id] = outcome
	o.bytes += len(outcome)
	for len(o.order) > outcomesKept || o.bytes > outcomesBytes {
		o.bytes -= len(o.byID[o.order[0]])
		delete(o.byID, o.order[0])
		o.order = o.order[1:]
	}
}

func newPublication(r *received) *publication {
	p := &publication{sequence: r.sequence, size: r.size, id: r.event.ID, replyTo: r.event.Extension(events.ExtReplyTo)}
	if f, ok := r.command.(*events.Flush); ok {
		p.outcomeOf = f.OutcomeOf
	}
	return p
}

// reply tells the sender of a command its outcome, or that of the command it asks for.
func (w *writer) reply(p *publication) {
	if !isInbox(p.replyTo, w.bus.Topics().Domain()) {
		return
	}
	outcome, err := w.outcomeOf(p)
	if err == nil && p.outcomeOf == "" {
		w.outcomes.add(p.id, outcome)
	}
	if err == nil {
		err = w.bus.Conn().Publish(p.replyTo, outcome)
	}
	if err != nil {
		w.log.Warn("answer a command", slog.Uint64("in_sequence", p.sequence), slog.Any("error", err))
	}
}

// outcomeOf returns the outcome that is the answer, in a form that fits into a
// message.
func (w *writer) outcomeOf(p *publication) ([]byte, error) {
	if p.outcomeOf != "" && p.outcome.Result.Error == nil {
		if outcome, known := w.outcomes.byID[p.outcomeOf]; known {
			return outcome, nil
		}
		p.outcome.Result.Error = events.Errorf(events.CodeUnavailable, "/outcomeOf",
			"the outcome of the command is not known any more; it was applied, or became a dead letter")
	}
	if p.outcome.Result.Sequence == 0 {
		reached, _ := w.index.Reached()
		p.outcome.Stored(reached)
	}
	outcome, err := events.Marshal(&p.outcome.Result)
	if err == nil && int64(len(outcome)) > w.bus.MaxPayload() {
		p.outcome.Shorten()
		outcome, err = events.Marshal(&p.outcome.Result)
	}
	return outcome, err
}
