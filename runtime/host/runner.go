package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

var (
	errNoRefresh = errors.New("this kind of connector does not refresh")
	errBusy      = errors.New("the connector is busy")
)

// runner runs one connector: it takes it from one life to the next. It has no
// goroutine; what happens calls it.
type runner struct {
	id     string
	engine *engine
	log    *slog.Logger

	// mu is never held during a call into the connector.
	mu     sync.Mutex
	given  events.Assignment
	report events.ConnectorReport
	life   *life // nil while there is no value
	again  *run  // begin another life when this one has ended
	// final is the status to leave with, once the connector was taken away.
	final events.ConnectorStatus
	left  bool
	// armed is the schedule of refreshes that the bus has.
	armed string
}

type limit struct{ timeout, grace time.Duration }

func (r *runner) limit(timeout time.Duration) limit {
	return limit{timeout: timeout, grace: r.engine.set.Timing.Grace}
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
	d := &a.Definition
	r.report.Connector, r.report.Name, r.report.Kind = d.ID, d.Name, d.Kind
	r.report.Node, r.report.Instance, r.report.Generation = r.engine.set.Node, r.engine.instance, a.Generation
	switch {
	case taken || old.Generation != a.Generation || !sameRun(&old.Definition, d):
		r.armed = ""
		r.restart(&run{kind: events.CycleRefresh, due: time.Now()})
	case r.life != nil && r.life.ready:
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
		r.report.Generation = a.Generation
	}
	r.drop(r.again, events.OutcomeLost, errStopped)
	r.again = nil
	if r.life == nil {
		r.leave("")
		return
	}
	r.end(r.life, errStopped)
}

// fence takes the metadata away from the connector.
func (r *runner) fence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life != nil {
		r.sever(r.life)
		r.end(r.life, errFenced)
	}
}

// restart ends the present life, if any, and begins another one. It forgets
// earlier failures.
func (r *runner) restart(first *run) {
	r.report.Attempts = 0
	r.retry(first)
}

func (r *runner) retry(first *run) {
	r.drop(r.again, events.OutcomeCoalesced, errBusy)
	r.again = first
	if r.life == nil {
		r.begin()
		return
	}
	r.end(r.life, errRestarted)
}

// begin begins a life: New, Start and the first refresh share one place.
func (r *runner) begin() {
	l, first := newLife(), r.again
	l.refreshing = true
	r.life, r.again = l, nil
	r.engine.gate.enter(func(leave func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.create(l, first, leave)
	})
}

func (r *runner) create(l *life, first *run, leave func()) {
	if l.ending {
		leave()
		r.drop(first, events.OutcomeLost, errStopped)
		return
	}
	var made connectors.Connector
	d := r.given.Definition
	r.do(l, "New", r.limit(r.engine.set.Timing.Start), func(context.Context) (err error) {
		made, err = r.engine.make(&d)
		return err
	}, func(err error) {
		outcome := l.failure()
		if r.fails(l, events.StatusConfigFailed, err) {
			leave()
			r.drop(first, outcome, err)
			return
		}
		l.connector, l.can = made, capabilitiesOf(made)
		r.start(l, first, leave)
	})
}

func (r *runner) start(l *life, first *run, leave func()) {
	r.set(events.StatusInitialized)
	a := r.given
	r.do(l, "Start", r.limit(r.engine.set.Timing.Start), func(ctx context.Context) error {
		c, err := r.newContext(l, &a)
		if err != nil {
			return err
		}
		if !r.adopt(l, c) {
			return errStopped
		}
		if err := l.connector.Start(ctx, c); err != nil {
			return err
		}
		return r.listen(l)
	}, func(err error) {
		outcome := l.failure()
		if r.fails(l, events.StatusInitializeFailed, err) {
			leave()
			r.drop(first, outcome, err)
			return
		}
		l.ready = true
		// The attempts are forgotten when something has succeeded.
		r.report.Error, r.report.NextAttempt = "", time.Time{}
		if r.given.Definition.UsesBlockingCalls {
			r.set(events.StatusRunning)
			r.engage(l, &run{kind: events.CycleEngage, due: time.Now()})
		}
		r.refresh(l, first, leave)
	})
}

// adopt gives the life its Context, unless it has ended meanwhile.
func (r *runner) adopt(l *life, c *connectors.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.ending {
		return false
	}
	l.context, l.started = c, true
	return true
}

// refresh runs a refresh; leave gives back the place that it takes.
func (r *runner) refresh(l *life, n *run, leave func()) {
	if l.ending {
		leave()
		r.drop(n, events.OutcomeLost, errStopped)
		return
	}
	if l.can.refresher == nil {
		leave()
		r.refuse(n)
		r.idle(l)
		return
	}
	if !r.given.Definition.UsesBlockingCalls {
		r.set(events.StatusRefreshing)
	}
	n.begin(l.context)
	r.do(l, "Refresh", r.limit(r.engine.set.Timing.Refresh), l.can.refresher.Refresh, func(err error) {
		leave()
		r.finish(n, l.context, outcomeOf(l, err), err)
		if r.fails(l, events.StatusFailed, err) {
			return
		}
		r.report.LastRefresh = time.Now()
		r.recovered()
		r.armRefresh()
		r.idle(l)
	})
}

// refuse ends a run of a connector that does not refresh: as a restart it has
// succeeded.
func (r *runner) refuse(n *run) {
	if n.kind == events.CycleRestart {
		r.finish(n, nil, events.OutcomeCompleted, nil)
		return
	}
	r.drop(n, events.OutcomeFailed, errNoRefresh)
}

// idle ends a refresh; if another one was asked for, it follows.
func (r *runner) idle(l *life) {
	l.refreshing = false
	if r.given.Definition.UsesBlockingCalls {
		r.set(events.StatusRunning)
	} else {
		r.set(events.StatusWaiting)
	}
	if next := l.next; next != nil {
		l.next = nil
		r.queue(l, next)
	}
}

func (r *runner) queue(l *life, n *run) {
	l.refreshing = true
	r.engine.gate.enter(func(leave func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.refresh(l, n, leave)
	})
}

// engage runs an engage call, and when it has returned has the bus call for the
// next one.
func (r *runner) engage(l *life, n *run) {
	if l.engaging || !l.ready || l.can.engager == nil || !r.given.Definition.UsesBlockingCalls {
		return
	}
	l.engaging = true
	n.begin(l.context)
	r.do(l, "Engage", r.limit(0), l.can.engager.Engage, func(err error) {
		l.engaging = false
		r.finish(n, l.context, outcomeOf(l, err), err)
		if r.fails(l, events.StatusFailed, err) {
			return
		}
		r.recovered()
		r.arm(events.CycleEngage, time.Now().Add(r.engine.set.Timing.EngagePause))
	})
}

// fails deals with an error, or with the end of the life that came before the
// call returned, and reports whether it was one of them.
func (r *runner) fails(l *life, status events.ConnectorStatus, err error) bool {
	switch {
	case l.ending:
		return true
	case err == nil:
		return false
	}
	now := time.Now()
	r.report.Error = err.Error()
	r.report.Attempts++
	r.report.NextAttempt = time.Time{}
	if status != events.StatusConfigFailed && !connectors.IsPermanent(err) {
		delay, told := connectors.RetryDelay(err)
		if !told {
			delay = r.engine.set.Timing.backoff(r.report.Attempts)
		}
		r.report.NextAttempt = now.Add(delay)
	}
	r.set(status)
	if !r.report.NextAttempt.IsZero() {
		r.arm(events.CycleRestart, r.report.NextAttempt)
	}
	r.end(l, errFailed)
	return true
}

// recovered forgets earlier failures.
func (r *runner) recovered() {
	r.report.Error, r.report.Attempts, r.report.NextAttempt = "", 0, time.Time{}
}

// ended goes on after the end of a life.
func (r *runner) ended(l *life) {
	r.life = nil
	r.drop(l.next, events.OutcomeLost, errStopped)
	switch {
	case r.final != "":
		r.leave(l.hung)
	case r.again != nil:
		r.begin()
	}
}

// leave is the end of the runner: from its last report on, others may run the
// connector.
func (r *runner) leave(problem string) {
	r.report.Error, r.report.Attempts, r.report.NextAttempt = problem, 0, time.Time{}
	r.set(r.final)
	r.left = true
	r.engine.gone(r.id)
}

// cycle takes a cycle that is due. One of a later generation is for who comes
// after this run; one of an earlier generation says that the schedule is not ours.
func (r *runner) cycle(c *events.Cycle, due time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, l := newRun(c, due), r.life
	if !n.asked && c.Generation < r.given.Generation {
		r.armed = ""
	}
	switch {
	case r.left || r.final != "" || c.Generation > r.given.Generation:
		r.drop(n, events.OutcomeLost, errStopped)
	case n.asked && (c.Kind == events.CycleRestart || l == nil || l.ending):
		r.restart(n)
	case c.Kind == events.CycleRestart:
		if (l == nil || l.ending) && r.again == nil && !r.report.NextAttempt.IsZero() {
			r.retry(&run{kind: events.CycleRefresh, due: due})
		}
	case l == nil || l.ending: // failed: it is to start again first
	case c.Kind == events.CycleEngage:
		r.engage(l, n)
	case c.Kind == events.CycleRefresh:
		r.refreshDue(l, n)
	}
}

func (r *runner) refreshDue(l *life, n *run) {
	switch {
	case !n.asked && r.given.Definition.Refresh == "":
		r.engine.out.Arm(Alarm{Cycle: r.next(events.CycleRefresh)}) // left over
	case !l.refreshing:
		r.queue(l, n)
	case n.asked && l.next == nil:
		l.next = n
	default:
		r.finish(n, nil, events.OutcomeCoalesced, nil)
	}
}

func (r *runner) next(kind events.CycleKind) events.Cycle {
	return events.Cycle{Connector: r.given.Definition.ID, Kind: kind, Generation: r.given.Generation}
}

// arm has the bus deliver a cycle once.
func (r *runner) arm(kind events.CycleKind, at time.Time) {
	c := r.next(kind)
	c.Due = at
	r.engine.out.Arm(Alarm{Cycle: c})
}

// armRefresh brings the schedule of refreshes up to date: not before the first
// refresh, so that connectors that started together spread out.
func (r *runner) armRefresh() {
	d := &r.given.Definition
	want := d.Refresh + " " + d.TimeZone
	if d.Refresh == "" {
		want = ""
	}
	if want == r.armed || r.life.can.refresher == nil || r.report.LastRefresh.IsZero() {
		return
	}
	r.armed = want
	r.life.context.Problem(problemSchedule, "")
	c := r.next(events.CycleRefresh)
	if every, err := time.ParseDuration(strings.TrimPrefix(d.Refresh, "@every ")); err == nil {
		c.Interval = events.Duration(every)
	}
	r.engine.out.Arm(Alarm{Cycle: c, Pattern: d.Refresh, TimeZone: d.TimeZone, Refused: r.refused(r.life.context)})
}

// problemSchedule is the key of the problem that the bus refuses the schedule.
const problemSchedule = "schedule"

// refused shows, in the status, that the bus does not understand the schedule.
func (r *runner) refused(c *connectors.Context) func(error) {
	return func(err error) {
		c.Problem(problemSchedule, err.Error())
		r.mu.Lock()
		defer r.mu.Unlock()
		r.armed = ""
		r.tell(AtOnce)
	}
}

// set changes the status and tells it: at once, except that refreshes come and
// go too often for that.
func (r *runner) set(status events.ConnectorStatus) {
	notice := AtOnce
	if status == events.StatusInitialized || routine(r.report.Status) && routine(status) {
		notice = Later
	}
	if r.report.Status != status {
		r.report.Status, r.report.Since = status, time.Now()
	}
	r.tell(notice)
}

func routine(s events.ConnectorStatus) bool {
	return s == events.StatusWaiting || s == events.StatusRefreshing || s == events.StatusRunning
}

func (r *runner) tell(n Notice) {
	report := r.report
	if l := r.life; l != nil && l.context != nil {
		report.Statistics = l.context.Statistics()
		report.Problems = problems(l.context.Problems())
	}
	r.engine.out.Report(&report, n)
}

func problems(byKey map[string]string) []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, fmt.Sprintf("%s: %s", key, byKey[key]))
	}
	return list
}
