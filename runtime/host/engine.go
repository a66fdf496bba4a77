package host

import (
	"log/slog"
	"sync"
	"time"

	"github.com/camena-io/camena/events"
)

// outlet takes what the core has to tell. It never blocks, and keeps the order
// of what it is told of one connector.
type outlet interface {
	// Arm makes the bus deliver a cycle.
	Arm(a Alarm)
	// Report shows the state of a connector.
	Report(r *events.ConnectorReport, n Notice)
	// Finished tells the outcome of a run.
	Finished(r *events.CycleReport)
}

// Notice says how soon a report is to be seen.
type Notice int

const (
	// Later is for what changes with every refresh: with the next heartbeat.
	Later Notice = iota
	// AtOnce is for changes of status that matter.
	AtOnce
)

// Alarm is a cycle to be delivered by the bus: once, at Cycle.Due, or again and
// again by Pattern. With neither, the alarm of that kind is removed.
type Alarm struct {
	Cycle    events.Cycle
	Pattern  string
	TimeZone string
	// Refused is called if the bus does not understand the pattern.
	Refused func(error)
}

// engine is the core of a host: it runs what is assigned. It knows no bus.
type engine struct {
	set      Settings
	instance string
	out      outlet
	gate     *gate
	running  sync.WaitGroup

	// mu is never held while a runner's lock is awaited.
	mu      sync.Mutex
	runners map[string]*runner
	stopped bool
}

func newEngine(s Settings, instance string, out outlet) *engine {
	return &engine{
		set: s, instance: instance, out: out,
		gate: newGate(s.Parallel, s.Timing.Place), runners: map[string]*runner{},
	}
}

// assigned takes over the present assignment of a connector, whoever's it is;
// nil means that there is none.
func (e *engine) assigned(id string, a *events.Assignment) {
	if a != nil && a.Node == e.set.Node {
		for r := e.runner(id); r != nil && !r.assign(*a); r = e.runner(id) {
		}
		return
	}
	if r := e.find(id); r != nil {
		r.release(events.StatusStopped, a)
		return
	}
	if a != nil && a.From == e.set.Node {
		e.acknowledge(a)
	}
}

// acknowledge tells the coordinator, which waits for it, that a connector does
// not run here; perhaps it never did.
func (e *engine) acknowledge(a *events.Assignment) {
	e.out.Report(&events.ConnectorReport{
		Connector: a.Definition.ID, Name: a.Definition.Name, Kind: a.Definition.Kind, Node: e.set.Node,
		Instance: e.instance, Generation: a.Generation, Status: events.StatusStopped, Since: time.Now(),
	}, AtOnce)
}

// due takes a cycle that is due, or that somebody asked for. It returns false
// for one of a schedule whose connector does not run here.
func (e *engine) due(c *events.Cycle, due time.Time) bool {
	if r := e.find(c.Connector); r != nil {
		r.cycle(c, due)
		return true
	}
	if c.Generation == 0 {
		now := time.Now()
		e.out.Finished(&events.CycleReport{
			Run: c.Run, Connector: c.Connector, Node: e.set.Node, Kind: c.Kind,
			Outcome: events.OutcomeLost, Error: "the connector does not run on this node", Start: now, End: now,
		})
		return true
	}
	return false
}

// stop ends all connectors, whatever they do, and returns when they have ended
// or been abandoned. If the node is fenced it takes the metadata away from them
// first.
func (e *engine) stop(fenced bool) {
	e.mu.Lock()
	e.stopped = true
	runners := make([]*runner, 0, len(e.runners))
	for _, r := range e.runners {
		runners = append(runners, r)
	}
	e.mu.Unlock()
	if fenced {
		for _, r := range runners {
			r.fence()
		}
	}
	for _, r := range runners {
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
