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

// faults are the faults that the repository injects.
type faults struct {
	mu      sync.Mutex
	count   int
	err     error
	random  *rand.Rand
	lagging bool
	// stall is open while nothing can be stored but the next room events; stalled is
	// called by those that wait for it.
	stall   chan struct{}
	stalled func()
	room    int
}

func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// FailNext makes the next n calls that send commands fail with err. Nothing of
// them is stored.
func (r *Repository) FailNext(n int, err error) {
	r.faults.set(func(f *faults) { f.count, f.err = n, err })
}

// Flaky makes commands fail at random, in the way of a transient failure, until
// [Repository.Steady]: of several commands sent together some may be stored,
// and the outcome of a stored one may be lost. The same seed fails in the same
// way.
func (r *Repository) Flaky(seed uint64) {
	r.faults.set(func(f *faults) { f.random = rand.New(rand.NewPCG(seed, seed)) }) //nolint:gosec // chance, not secrecy
}

// Lag makes the repository apply what is sent without waiting for an outcome
// as late as the contract allows: before the next command whose outcome is
// waited for, or at [Repository.Settle]. Reads until then do not show it.
func (r *Repository) Lag() {
	r.faults.set(func(f *faults) { f.lagging = true })
}

// Stall makes everything that sends commands wait, as it does while the in
// topic is full, until [Repository.Steady]; there is room for so many events
// before. The returned channel is closed when a call waits.
func (r *Repository) Stall(room int) (waiting <-chan struct{}) {
	stalled := make(chan struct{})
	r.faults.set(func(f *faults) {
		f.stall, f.stalled, f.room = make(chan struct{}), sync.OnceFunc(func() { close(stalled) }), room
	})
	return stalled
}

// Steady ends all faults.
func (r *Repository) Steady() {
	r.faults.set(func(f *faults) {
		f.count, f.random, f.lagging = 0, nil, false
		if f.stall != nil {
			close(f.stall)
			f.stall = nil
		}
	})
}

// call is asked once for each call that sends.
func (f *faults) call(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil || f.count == 0 {
		return ctx.Err()
	}
	f.count--
	return f.err
}

// event is asked before each event is stored.
func (f *faults) event(ctx context.Context) error {
	if stall := f.full(); stall != nil {
		select {
		case <-stall:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return f.chance("not stored")
}

// full returns what to wait for, nil while there is room.
func (f *faults) full() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stall == nil || f.room > 0 {
		f.room--
		return nil
	}
	f.stalled()
	return f.stall
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

func (f *faults) isLagging() (lagging bool) {
	f.set(func(*faults) { lagging = f.lagging })
	return lagging
}
