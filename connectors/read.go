package connectors

import (
	"context"

	"github.com/camena-io/camena/events"
)

// Ask implements [events.Asker], for [events.Ask] and [events.All]. The answer reflects
// everything that this Context has applied.
func (c *Context) Ask(ctx context.Context, q events.Question) ([]byte, error) {
	if c.closed.Load() {
		return nil, ErrDisconnected
	}
	sequence := q.Awaited()
	*sequence = max(*sequence, c.wrote.Load())
	return c.set.Asker.Ask(ctx, q)
}

// Element returns one element. If it does not exist, the error has the code
// [events.CodeNotFound].
func (c *Context) Element(ctx context.Context, ref events.ElementRef) (*events.Element, error) {
	a, err := events.Ask(ctx, c, &events.Get{ElementRef: ref})
	if err == nil && a.Element == nil {
		return nil, events.Errorf(events.CodeNotFound, "", "%s is a relationship, not an element", ref.GUID)
	}
	return a.Element, err
}
