package host

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
)

var (
	errNoRefresh = errors.New("this kind of connector does not refresh")
	errBusy      = errors.New("the connector is busy")
)

// runner runs one connector, instance after instance. It has a goroutine only
// while there is something to do.
type runner struct {
	id     string
	engine *engine
	log    *slog.Logger

	// mu is never held during a call into the connector.
	mu       sync.Mutex
	given    events.Assignment
	report   events.ConnectorReport
	retries  *bus.Backoff // of the present failures
	working  bool         // the goroutine runs
	instance *instance    // nil while there is none
	first    *run         // start another instance with this refresh
	// final is the status to leave with, once the connector was taken away.
	final events.ConnectorStatus
	hung  string // the abandoned call of the last instance
	left  bool
	// armed is the schedule of refreshes that the bus has.
	armed string
}

// work does what there is to do, step by step, and ends: a connector that
// waits needs no goroutine.
func (r *runner) work() {
	for step := r.nextStep(); step != nil; step = r.nextStep() {
		step()
	}
}

func (r *runner) nextStep() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.instance
	switch {
	case i == nil && r.final != "":
		r.leave()
	case i == nil && r.first != nil:
		started, first := newInstance(), r.first
		r.instance, r.first = started, nil
		return func() { r.inPlace(started, first, r.start) }
	case i != nil && i.ending && !i.engaging: // otherwise its end wakes the runner
		return func() { r.disconnect(i) }
	case i != nil && !i.ending && i.queued != nil:
		n := i.queued
		i.queued = nil
		return func() { r.inPlace(i, n, r.refresh) }
	}
	r.working = false
	return nil
}

// inPlace takes a step that needs a place.
func (r *runner) inPlace(i *instance, n *run, step func(*instance, *run)) {
	leave, err := r.engine.gate.enter(i.ctx)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drop(n, events.OutcomeLost, errStopped)
		return
	}
	defer leave()
	step(i, n)
}

// assign takes over an assignment to this node. It returns false if the runner
// has left; another one has to take it.
func (r *runner) assign(a events.Assignment) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left {
		return false
	}
	old, taken := r.given, r.final != ""
	r.given, r.final = a, ""
	r.identify(&a)
	switch {
	case taken || old.Generation != a.Generation || !sameRun(&old.Definition, &a.Definition):
		r.armed = ""
		r.restart(&run{kind: events.CycleRefresh, due: time.Now()})
	case r.instance != nil && r.instance.ready:
		r.armRefresh()
	}
	return true
}

// sameRun reports whether a running connector need not be restarted for another
// definition. Everything that its Context carries must reach it (Egeria: a
// changed user, source or direction does not).
func sameRun(a, b *events.Definition) bool {
	c := *b
	c.Refresh, c.TimeZone, c.Start, c.Stop, c.Group = a.Refresh, a.TimeZone, a.Start, a.Stop, a.Group
	return a.Equal(&c)
}

// release ends the connector here. a is the assignment that says so, if any:
// the last report carries its generation.
func (r *runner) release(final events.ConnectorStatus, a *events.Assignment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left {
		return
	}
	r.final = final
	if a != nil {
		r.identify(a)
	}
	r.drop(r.first, events.OutcomeLost, errStopped)
	r.first = nil
	if r.instance != nil {
		r.end(r.instance, errStopped)
	}
	r.wake()
}

// fence takes the metadata away from the connector.
func (r *runner) fence() {
	r.mu.Lock()
	i := r.instance
	r.mu.Unlock()
	if i != nil {
		r.closeContext(i)
	}
}

// cycle takes a cycle that is due. One of a later generation is for the next
// instance; one of an earlier generation says that another node has replaced the
// schedule, which is armed again.
func (r *runner) cycle(c *events.Cycle, due time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, i := newRun(c, due), r.instance
	alive := i != nil && !i.ending
	if !n.asked && c.Generation < r.given.Generation {
		r.armed = ""
	}
	switch {
	case r.left || r.final != "" || c.Generation > r.given.Generation:
		r.drop(n, events.OutcomeLost, errStopped)
	case n.asked && (c.Kind == events.CycleRestart || !alive):
		r.restart(n)
	case c.Kind == events.CycleRestart:
		if !alive && r.first == nil && !r.report.NextAttempt.IsZero() {
			r.startAgain(&run{kind: events.CycleRefresh, due: due})
		}
	case !alive: // failed: it has to start again first
	case c.Kind == events.CycleEngage:
		r.engage(i, n)
	case c.Kind == events.CycleRefresh:
		r.refreshDue(i, n)
	}
}

// problemSchedule is the key of the problem that a schedule is refused.
const problemSchedule = "schedule"

// The methods below are called with the lock held.

// wake starts the goroutine unless it runs.
func (r *runner) wake() {
	if !r.working {
		r.working = true
		go r.work()
	}
}

// end ends an instance: it cancels what runs, and lets disconnect follow.
func (r *runner) end(i *instance, cause error) {
	if !i.ending {
		i.ending = true
		i.cancel(cause)
		r.wake()
	}
}

// identify makes reports name the connector under an assignment.
func (r *runner) identify(a *events.Assignment) {
	d := &a.Definition
	r.report.Connector, r.report.Name, r.report.Kind = d.ID, d.Name, d.Kind
	r.report.Node, r.report.Instance, r.report.Generation = r.engine.set.Node, r.engine.instance, a.Generation
}

// restart ends the present instance, if any, and starts another one. It forgets
// earlier failures.
func (r *runner) restart(first *run) {
	r.report.Attempts, r.retries = 0, nil
	r.startAgain(first)
}

func (r *runner) startAgain(first *run) {
	r.drop(r.first, events.OutcomeCoalesced, errBusy)
	r.first = first
	if r.instance != nil {
		r.end(r.instance, errRestarted)
	}
	r.wake()
}

// leave is the end of the runner: from its last report on, another node may run
// the connector.
func (r *runner) leave() {
	if r.left {
		return
	}
	r.recovered()
	r.report.Error = r.hung
	r.set(r.final)
	r.left = true
	r.engine.gone(r.id)
}

func (r *runner) refreshDue(i *instance, n *run) {
	switch {
	case !n.asked && r.given.Definition.Refresh == "":
		r.engine.out.Arm(Timer{Cycle: r.next(events.CycleRefresh)}) // disarms a former schedule
	case !i.refreshing:
		i.refreshing, i.queued = true, n
		r.wake()
	case n.asked && i.next == nil:
		i.next = n
	default:
		r.tellOutcome(n, nil, events.OutcomeCoalesced, nil)
	}
}

// refreshed ends a refresh; the one that was asked for meanwhile follows.
func (r *runner) refreshed(i *instance) {
	if r.given.Definition.UsesBlockingCalls {
		r.set(events.StatusRunning)
	} else {
		r.set(events.StatusWaiting)
	}
	i.queued, i.next = i.next, nil
	i.refreshing = i.queued != nil
}

// engage runs an engage call, and when it has returned has the bus call for the
// next one. It has a goroutine of its own, because refreshes go on meanwhile.
func (r *runner) engage(i *instance, n *run) {
	if i.engaging || !i.ready || i.engager == nil || !r.given.Definition.UsesBlockingCalls {
		return
	}
	i.engaging = true
	n.begin(i.context)
	go func() {
		err := r.call(i, "Engage", 0, i.engager.Engage)
		r.mu.Lock()
		defer r.mu.Unlock()
		i.engaging = false
		r.finish(i, n, err)
		if !r.fails(i, nil, events.StatusFailed, err) {
			r.recovered()
			r.arm(events.CycleEngage, time.Now().Add(r.engine.set.Timing.EngagePause))
		}
		r.wake()
	}()
}

// fails handles an error, or the end of the instance before the call returned;
// it drops the run that waited. It reports whether there was one of them.
func (r *runner) fails(i *instance, waiting *run, status events.ConnectorStatus, err error) bool {
	switch {
	case i.ending:
		r.drop(waiting, events.OutcomeLost, err)
		return true
	case err == nil:
		return false
	}
	r.drop(waiting, events.OutcomeFailed, err)
	r.report.Error = err.Error()
	r.report.Attempts++
	r.report.NextAttempt = r.nextAttempt(status, err)
	r.set(status)
	if !r.report.NextAttempt.IsZero() {
		r.arm(events.CycleRestart, r.report.NextAttempt)
	}
	r.end(i, errFailed)
	return true
}

// nextAttempt returns when a failed connector starts again, the zero time if it
// waits for a change or a request.
func (r *runner) nextAttempt(status events.ConnectorStatus, err error) time.Time {
	if status == events.StatusConfigFailed || connectors.IsPermanent(err) {
		return time.Time{}
	}
	delay, told := connectors.RetryDelay(err)
	if !told {
		if r.retries == nil {
			r.retries = bus.NewBackoff(r.engine.set.Timing.Retry, r.engine.set.Timing.RetryMax)
		}
		delay = r.retries.Next()
	}
	return time.Now().Add(delay)
}

// recovered forgets earlier failures.
func (r *runner) recovered() {
	r.report.Error, r.report.Attempts, r.report.NextAttempt, r.retries = "", 0, time.Time{}, nil
}

func (r *runner) next(kind events.CycleKind) events.Cycle {
	return events.Cycle{Connector: r.given.Definition.ID, Kind: kind, Generation: r.given.Generation}
}

// arm has the bus deliver a cycle once.
func (r *runner) arm(kind events.CycleKind, at time.Time) {
	c := r.next(kind)
	c.Due = at
	r.engine.out.Arm(Timer{Cycle: c})
}

// armRefresh brings the schedule of refreshes up to date: not before the first
// refresh, so that connectors that started together spread out.
func (r *runner) armRefresh() {
	d := &r.given.Definition
	want := d.Refresh + " " + d.TimeZone
	if d.Refresh == "" {
		want = ""
	}
	if want == r.armed || r.instance.refresher == nil || r.report.LastRefresh.IsZero() {
		return
	}
	r.armed = want
	c, shown := r.next(events.CycleRefresh), r.instance.context
	shown.Problem(problemSchedule, "")
	s, err := registration.ReadSchedule(d.Refresh, d.TimeZone)
	if err != nil {
		shown.Problem(problemSchedule, err.Error())
		r.engine.out.Arm(Timer{Cycle: c}) // disarms the former schedule
		return
	}
	c.Interval = events.Duration(s.Interval())
	r.engine.out.Arm(Timer{Cycle: c, Pattern: s.String(), TimeZone: d.TimeZone, Refused: func(err error) {
		shown.Problem(problemSchedule, err.Error())
		r.mu.Lock()
		defer r.mu.Unlock()
		r.armed = ""
		r.engine.out.Arm(Timer{Cycle: r.next(events.CycleRefresh)})
		r.tell(Immediate)
	}})
}
