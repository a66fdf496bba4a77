package connectortest

import (
	"context"

	"github.com/camena-io/camena/events"
)

// Ask implements [events.Asker].
func (r *Repository) Ask(ctx context.Context, q events.Question) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if awaited, last := *q.Awaited(), r.last(); awaited > last {
		return nil, events.Errorf(events.CodeUnavailable, "/minSequence", "sequence %d is not reached, this is %d", awaited, last)
	}
	var answer any
	var err error
	if h, ok := q.(*events.History); ok {
		answer, err = r.history(h)
	} else {
		answer, err = r.index.Answer(ctx, r.log, q, maxMessage)
	}
	if err != nil {
		return nil, err
	}
	return events.Marshal(answer)
}

// history tells everything: nothing expires here.
func (r *Repository) history(q *events.History) (events.HistoryAnswer, error) {
	a := events.HistoryAnswer{Sequence: r.last(), Changes: []events.Entry{}}
	id := q.GUID
	if id == "" {
		id = r.index.GUID(q.QualifiedName)
	}
	for i := range r.log.Events {
		e := &r.log.Events[i]
		if e.GUID != id {
			continue
		}
		c := r.log.change(e)
		a.Changes = append(a.Changes, events.Entry{
			Sequence: c.Sequence, Type: c.Type, Time: c.Time, Actor: c.Actor, Element: c.Element, Relationship: c.Relationship,
		})
	}
	if len(a.Changes) == 0 {
		return a, events.Errorf(events.CodeNotFound, "", "there is no history of %s", id)
	}
	return a, nil
}
