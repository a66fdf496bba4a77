package host

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// run is one refresh or engage.
type run struct {
	kind events.CycleKind
	id   string
	// asked says that a request wants it, not a schedule.
	asked bool
	due   time.Time

	start  time.Time
	before map[string]int64 // the connector's statistics
}

func newRun(c *events.Cycle, due time.Time) *run {
	return &run{kind: c.Kind, id: c.Run, asked: c.Generation == 0, due: due}
}

// begin notes what the report of the run is compared with.
func (n *run) begin(c *connectors.Context) {
	n.start = time.Now()
	n.before = c.Statistics()
}

// problemsChanged tells the present problems of the connector.
func (r *runner) problemsChanged(i *instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.instance == i && !i.ending {
		r.tell(Deferred)
	}
}

// The methods below are called with the lock held.

// finish tells the outcome of a run that was called. What is returned after the
// end of the instance is no failure.
func (r *runner) finish(i *instance, n *run, err error) {
	outcome := events.OutcomeFailed
	switch {
	case err == nil:
		outcome = events.OutcomeCompleted
	case errors.Is(err, errTimeout):
		outcome = events.OutcomeTimedOut
	case i.ending:
		outcome = events.OutcomeLost
	}
	r.tellOutcome(n, i.context, outcome, err)
}

// drop tells that a request will not be run.
func (r *runner) drop(n *run, outcome events.Outcome, err error) {
	if n != nil && n.asked {
		r.tellOutcome(n, nil, outcome, cmp.Or(err, errStopped))
	}
}

// tellOutcome tells the outcome of a run, which may never have begun.
func (r *runner) tellOutcome(n *run, c *connectors.Context, outcome events.Outcome, err error) {
	now := time.Now()
	report := &events.CycleReport{
		Run: n.id, Connector: r.given.Definition.ID, Name: r.given.Definition.Name, Node: r.engine.set.Node,
		Kind: n.kind, Outcome: outcome, Start: n.start, End: now,
	}
	if report.Run == "" {
		report.Run = uuid.NewString()
	}
	if n.start.IsZero() {
		report.Start = now
	}
	report.Lateness = events.Duration(max(report.Start.Sub(n.due), 0))
	if err != nil {
		report.Error = err.Error()
	}
	if c != nil && n.before != nil {
		after := c.Statistics()
		report.Created = after["created"] - n.before["created"]
		report.Updated = after["updated"] - n.before["updated"]
		report.Deleted = after["deleted"] - n.before["deleted"]
	}
	r.engine.out.Finished(report)
}

// set changes the status and tells it: at once, except that refreshes come and
// go too often for that.
func (r *runner) set(status events.ConnectorStatus) {
	urgency := Immediate
	if status == events.StatusInitialized || routine(r.report.Status) && routine(status) {
		urgency = Deferred
	}
	if r.report.Status != status {
		r.report.Status, r.report.Since = status, time.Now()
	}
	r.tell(urgency)
}

func (r *runner) tell(u Urgency) {
	report := r.report
	if i := r.instance; i != nil && i.context != nil {
		report.Statistics = i.context.Statistics()
		report.Problems = problems(i.context.Problems())
	}
	r.engine.out.Report(&report, u)
}

func routine(s events.ConnectorStatus) bool {
	return s == events.StatusWaiting || s == events.StatusRefreshing || s == events.StatusRunning
}

func problems(byKey map[string]string) []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, fmt.Sprintf("%s: %s", key, byKey[key]))
	}
	return list
}
