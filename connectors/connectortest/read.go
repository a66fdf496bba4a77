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
	answer, err := r.index.Answer(ctx, r.log, q, maxMessage)
	if err != nil {
		return nil, err
	}
	return events.Marshal(answer)
}
