package host

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/camena-io/camena/events"
)

// reporter takes what the engine has to tell. It never blocks, and keeps the
// order of what it is told about one connector.
type reporter interface {
	// Arm makes the bus deliver a cycle.
	Arm(a Timer)
	// Report shows the state of a connector.
	Report(r *events.ConnectorReport, u Urgency)
	// Finished tells the outcome of a run.
	Finished(r *events.CycleReport)
}

// Urgency says how soon a report is published.
type Urgency int

const (
	// Deferred reports wait for the next heartbeat: they change with every refresh.
	Deferred Urgency = iota
	// Immediate reports tell changes of status that matter.
	Immediate
)

// Timer is a cycle that the bus delivers: once, at Cycle.Due, or repeatedly by
// Pattern. With neither, the timer of that kind is removed.
type Timer struct {
	Cycle    events.Cycle
	Pattern  string
	TimeZone string
	// Refused is called if the bus refuses the pattern.
	Refused func(error)
}

// engine is the core of a host: it runs what is assigned. It knows no bus.
type engine struct {
	set      Settings
	instance string
	out      reporter
	gate     *gate
	running  sync.WaitGroup

	// mu is never held while a runner's lock is awaited.
	mu      sync.Mutex
	runners map[string]*runner
	stopped bool
}

func newEngine(s Settings, instance string, out reporter) *engine {
	return &engine{
		set: s, instance: instance, out: out,
		gate: newGate(s.Parallel, s.Timing.Place), runners: map[string]*runner{},
	}
}

// assigned takes over the present assignment of a connector, to any node; nil
// means that there is none.
func (e *engine) assigned(id string, a *events.Assignment) {
	if a != nil && a.Node == e.set.Node {
		for r := e.runner(id); r != nil && !r.assign(*a); r = e.runner(id) {
		}
		return
	}
	r := e.find(id)
	if r == nil && a != nil && a.From == e.set.Node {
		r = e.runner(id) // the coordinator waits for its last report
	}
	if r != nil {
		r.release(events.StatusStopped, a)
	}
}

// due takes a cycle that is due or was requested. It returns false for a
// scheduled one whose connector does not run here.
func (e *engine) due(c *events.Cycle, due time.Time) bool {
	r := e.find(c.Connector)
	switch now := time.Now(); {
	case r != nil:
		r.cycle(c, due)
	case c.Generation > 0:
		return false
	default:
		e.out.Finished(&events.CycleReport{
			Run: c.Run, Connector: c.Connector, Node: e.set.Node, Kind: c.Kind,
			Outcome: events.OutcomeLost, Error: "the connector does not run on this node", Start: now, End: now,
		})
	}
	return true
}

// stop ends all connectors and returns when they have ended or were abandoned.
// On a fenced node it takes the metadata away from them first.
func (e *engine) stop(fenced bool) {
	e.mu.Lock()
	e.stopped = true
	runners := slices.Collect(maps.Values(e.runners))
	e.mu.Unlock()
	for _, r := range runners {
		if fenced {
			r.fence()
		}
		r.release(events.StatusShutdown, nil)
	}
	e.running.Wait()
}

// count returns how many connectors run here.
func (e *engine) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.runners)
}

func (e *engine) find(id string) *runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runners[id]
}

// runner returns the runner of a connector, a new one if there is none; nil
// after stop.
func (e *engine) runner(id string) *runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return nil
	}
	r := e.runners[id]
	if r == nil {
		r = &runner{id: id, engine: e, log: e.set.Logger.With(slog.String("connector", id))}
		e.runners[id] = r
		e.running.Add(1)
	}
	return r
}

// gone forgets a runner that has ended for good.
func (e *engine) gone(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.runners, id)
	e.running.Done()
}
