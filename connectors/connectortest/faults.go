package connectortest

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/camena-io/camena/events"
)

// One in faultOdds events is not stored, and one in faultOdds outcomes is lost,
// while the repository is flaky.
const faultOdds = 16

// faults are what the repository has been told to do wrong.
type faults struct {
	mu      sync.Mutex
	count   int
	err     error
	random  *rand.Rand
	lagging bool
	// stall is open while nothing can be stored but the next room events;
	// stalled is closed by the first call that waits for it.
	stall, stalled chan struct{}
	room           int
}

// FailNext makes the next n calls that send commands fail with err. Nothing of
// them is stored.
func (r *Repository) FailNext(n int, err error) {
	f := &r.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.err = n, err
}

// Flaky makes commands fail at random, in the way of a transient failure, until
// [Repository.Steady]: of several commands sent together some may be stored,
// and the outcome of a stored one may be lost. The same seed fails in the same
// way.
func (r *Repository) Flaky(seed uint64) {
	f := &r.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // chance, not secrecy
}

// Lag makes the repository apply what is sent without waiting for an outcome
// as late as the contract allows: before the next command whose outcome is
// waited for, or at [Repository.Settle]. Reads until then do not show it.
func (r *Repository) Lag() {
	f := &r.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lagging = true
}

// Stall makes everything that sends commands wait, as it does while the in
// topic is full, until [Repository.Steady]; there is room for so many events
// before. The returned channel is closed when a call waits.
func (r *Repository) Stall(room int) (waiting <-chan struct{}) {
	f := &r.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stall, f.stalled, f.room = make(chan struct{}), make(chan struct{}), room
	return f.stalled
}

// Steady ends all faults.
func (r *Repository) Steady() {
	f := &r.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.random, f.lagging = 0, nil, false
	if f.stall != nil {
		close(f.stall)
		f.stall = nil
	}
}

// call is asked once for each call that sends.
func (f *faults) call(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == 0 {
		return nil
	}
	f.count--
	return f.err
}

// event is asked before each event is stored.
func (f *faults) event(ctx context.Context) error {
	if err := f.wait(ctx); err != nil {
		return err
	}
	return f.chance("not stored")
}

// reply is asked before an outcome is returned.
func (f *faults) reply() error { return f.chance("stored, but its outcome is lost") }

func (f *faults) chance(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random == nil || f.random.IntN(faultOdds) != 0 {
		return nil
	}
	return events.Errorf(events.CodeUnavailable, "", "injected fault: the command is %s", what)
}

func (f *faults) wait(ctx context.Context) error {
	stall := f.full()
	if stall == nil {
		return ctx.Err()
	}
	select {
	case <-stall:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// full returns what to wait for, nil while there is room.
func (f *faults) full() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stall == nil || f.room > 0 {
		f.room--
		return nil
	}
	if !isClosed(f.stalled) {
		close(f.stalled)
	}
	return f.stall
}

func (f *faults) isLagging() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lagging
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
