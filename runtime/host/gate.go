package host

import (
	"sync"
	"time"
)

// gate lets a limited number of connectors start or refresh at a time, in the
// order in which they came, so that thousands that are due together do not
// stampede. A place is lost after a while: who takes longer waits for
// somebody else, and must not make others wait.
type gate struct {
	patience time.Duration

	mu      sync.Mutex
	free    int
	waiting []func(leave func())
}

func newGate(places int, patience time.Duration) *gate {
	return &gate{free: places, patience: patience}
}

// enter runs f, in a goroutine, when there is a place. f gives it back by leave.
func (g *gate) enter(f func(leave func())) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.free == 0 {
		g.waiting = append(g.waiting, f)
		return
	}
	g.free--
	g.admit(f)
}

func (g *gate) admit(f func(leave func())) {
	var once sync.Once
	var timer *time.Timer
	leave := func() {
		once.Do(func() {
			timer.Stop()
			g.next()
		})
	}
	timer = time.AfterFunc(g.patience, func() { once.Do(g.next) })
	go f(leave)
}

// next gives the place to who waits longest.
func (g *gate) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.free++
		g.waiting = nil
		return
	}
	f := g.waiting[0]
	g.waiting[0] = nil
	g.waiting = g.waiting[1:]
	g.admit(f)
}
