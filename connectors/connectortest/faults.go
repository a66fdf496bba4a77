package connectortest

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/camena-io/camena/events"
)

// While the repository is flaky, one in faultOdds events is not stored, and one in
// faultOdds outcomes is lost.
const faultOdds = 16

// faults are the faults that the repository injects.
type faults struct {
	mu      sync.Mutex
	count   int
	err     error
	random  *rand.Rand
	lagging bool
	// stall is open while only the next room events can be stored; who waits for it
	// calls stalled.
	stall   chan struct{}
	stalled func()
	room    int
}

func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// FailNext makes the next n calls that send commands fail with err and store nothing.
func (r *Repository) FailNext(n int, err error) {
	r.faults.set(func(f *faults) { f.count, f.err = n, err })
}

// Flaky makes commands fail at random, as transient failures do, until
// [Repository.Steady]: of several commands sent together some may be stored, and the
// outcome of a stored one may be lost. The same seed gives the same failures.
func (r *Repository) Flaky(seed uint64) {
	r.faults.set(func(f *faults) { f.random = rand.New(rand.NewPCG(seed, seed)) }) //nolint:gosec // chance, not secrecy
}

// Lag makes the repository apply commands as late as the contract allows: before the
// next command whose outcome is awaited, or at [Repository.Settle]. Until then reads do
// not show them.
func (r *Repository) Lag() {
	r.faults.set(func(f *faults) { f.lagging = true })
}

// Stall makes calls that send commands wait until [Repository.Steady], as they do while
// the in topic is full; there is room for so many events before. The returned channel is
// closed when a call waits.
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

// call returns the fault of a call that sends.
func (f *faults) call(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil || f.count == 0 {
		return ctx.Err()
	}
	f.count--
	return f.err
}

// event waits while the in topic is full, and returns the fault of storing an event.
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

// full takes room for an event; without room it returns what to wait for.
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

// reply returns the fault of an outcome.
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
