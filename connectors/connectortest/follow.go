package connectortest

import (
	"context"
	"slices"
	"time"

	"github.com/camena-io/camena/connectors"
)

// The bus waits longer between attempts.
const (
	firstRetry = time.Millisecond
	lastRetry  = 100 * time.Millisecond
)

// Buried is a change that a listener gave up, and why.
type Buried struct {
	Change connectors.Change
	Reason error
}

// Buried returns the changes that listeners gave up.
func (r *Repository) Buried() []Buried {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.buried)
}

// LastChange implements [connectors.Latest].
func (r *Repository) LastChange(context.Context) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last(), nil
}

// Follow implements [connectors.Follower].
func (r *Repository) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	if err := f.Validate(); err != nil {
		return err
	}
	pending, next := r.begin(&f)
	matches := f.MatchesPresent
	for {
		if err := r.handOver(ctx, pending, matches, handle); err != nil {
			return err
		}
		matches = f.Matches
		var grown <-chan struct{}
		before := next
		if pending, next, grown = r.logged(before); next > before {
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// begin returns what is present, if the filter asks for it, and how many changes
// of the log are not to be handed over.
func (r *Repository) begin(f *connectors.Filter) ([]connectors.Change, uint64) {
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

// logged returns the changes behind a sequence, up to which one, and what is
// closed when there are more.
func (r *Repository) logged(behind uint64) (changes []connectors.Change, last uint64, grown <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.changes(behind), r.last(), r.grown
}

func (r *Repository) handOver(
	ctx context.Context, pending []connectors.Change, matches func(*connectors.Change) bool,
	handle func(context.Context, connectors.Change) error,
) error {
	for i := range pending {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !matches(&pending[i]) {
			continue
		}
		why := connectors.Deliver(ctx, firstRetry, lastRetry, func() error { return handle(ctx, pending[i]) }, func(error) {})
		switch {
		case why == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			r.bury(&pending[i], why)
		}
	}
	return nil
}

func (r *Repository) bury(c *connectors.Change, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buried = append(r.buried, Buried{Change: *c, Reason: why})
	r.wake()
}
