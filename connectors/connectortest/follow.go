package connectortest

import (
	"context"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

const (
	firstRetry = time.Millisecond
	lastRetry  = 100 * time.Millisecond
)

// Follow implements [connectors.Follower].
func (r *Repository) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	pending, next := r.begin(&f)
	for {
		if err := handOver(ctx, pending, &f, handle); err != nil {
			return err
		}
		var grown <-chan struct{}
		pending, grown = r.logged(next)
		next += uint64(len(pending))
		if len(pending) > 0 {
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// begin returns what is to be handed over first, and how many changes of the
// log are behind it.
func (r *Repository) begin(f *connectors.Filter) ([]connectors.Change, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case f.Present:
		return r.present(), r.sequence
	case f.From > 0:
		return nil, min(f.From-1, r.sequence)
	default:
		return nil, r.sequence
	}
}

// present returns the last change of everything that is there.
func (r *Repository) present() []connectors.Change {
	last := map[string]uint64{}
	for i := range r.log {
		last[guidOf(&r.log[i])] = r.log[i].Sequence
	}
	var changes []connectors.Change
	for i := range r.log {
		c := &r.log[i]
		gone := c.Type == events.TypeElementDeleted || c.Type == events.TypeRelationshipDeleted
		if last[guidOf(c)] == c.Sequence && !gone {
			changes = append(changes, *c)
		}
	}
	return changes
}

func guidOf(c *connectors.Change) string {
	if c.Element != nil {
		return c.Element.State().Header.GUID
	}
	return c.Relationship.State().Header.GUID
}

func (r *Repository) logged(from uint64) ([]connectors.Change, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log[from:len(r.log):len(r.log)], r.grown
}

func handOver(ctx context.Context, pending []connectors.Change, f *connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	for i := range pending {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !f.Matches(&pending[i]) {
			continue
		}
		if err := insist(ctx, pending[i], handle); err != nil {
			return err
		}
	}
	return nil
}

// insist hands over a change until the listener takes it.
func insist(ctx context.Context, c connectors.Change, handle func(context.Context, connectors.Change) error) error {
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := handle(ctx, c)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
