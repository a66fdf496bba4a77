package connectortest

import (
	"context"
	"time"

	"github.com/camena-io/camena/connectors"
)

// The pauses between attempts are shorter than those on the bus.
const (
	firstRetry = time.Millisecond
	lastRetry  = 100 * time.Millisecond
)

// LastChange implements [connectors.Follower].
func (r *Repository) LastChange(context.Context) (uint64, error) {
	return locked(r, r.last), nil
}

// Follow implements [connectors.Follower].
func (r *Repository) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	if err := f.Validate(); err != nil {
		return err
	}
	changes, at := r.begin(&f)
	matches := f.MatchesPresent
	for {
		for i := range changes {
			if ctx.Err() == nil && matches(&changes[i]) {
				r.deliver(ctx, &changes[i], handle)
			}
		}
		matches = f.Matches
		after := at
		err := r.Await(ctx, func() bool {
			changes, at = r.since(after)
			return at > after
		})
		if err != nil {
			return context.Cause(ctx)
		}
	}
}

// deliver passes a change to the listener. If it gives up, the change becomes a dead
// letter.
func (r *Repository) deliver(ctx context.Context, c *connectors.Change, handle func(context.Context, connectors.Change) error) {
	err := connectors.Deliver(ctx, firstRetry, lastRetry, func() error { return handle(ctx, *c) }, func(error) {})
	if err != nil && ctx.Err() == nil {
		r.addDeadLetter(DeadLetter{Change: *c, Reason: err})
	}
}

// begin returns the present state, if the filter asks for it, and the sequence after
// which to deliver changes.
func (r *Repository) begin(f *connectors.Filter) (present []connectors.Change, at uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case f.Present:
		return r.log.present(), r.last()
	case f.From > 0:
		return nil, min(f.From-1, r.last())
	default:
		return nil, r.last()
	}
}

// since returns the changes after a sequence, and the last sequence.
func (r *Repository) since(after uint64) ([]connectors.Change, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.changes(after), r.last()
}
