package host

import (
	"cmp"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// run is one refresh or engage.
type run struct {
	kind events.CycleKind
	id   string
	// asked says that it is not a schedule that wants it.
	asked bool
	due   time.Time

	start  time.Time
	before map[string]int64 // the connector's statistics
}

func newRun(c *events.Cycle, due time.Time) *run {
	return &run{kind: c.Kind, id: c.Run, asked: c.Generation == 0, due: due}
}

// begin notes what the report of the run is to be compared with.
func (n *run) begin(c *connectors.Context) {
	n.start = time.Now()
	n.before = c.Statistics()
}

// outcomeOf classifies what a call returned. What is returned after its life
// has ended is no failure.
func outcomeOf(l *life, err error) events.Outcome {
	switch {
	case err == nil:
		return events.OutcomeCompleted
	case errors.Is(err, errTimeout):
		return events.OutcomeTimedOut
	case l.ending:
		return events.OutcomeLost
	default:
		return events.OutcomeFailed
	}
}

// finish tells the outcome of a run, which may never have begun.
func (r *runner) finish(n *run, c *connectors.Context, outcome events.Outcome, err error) {
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

// drop tells that a run that waited will not be.
func (r *runner) drop(n *run, outcome events.Outcome, err error) {
	if n != nil && n.asked {
		r.finish(n, nil, outcome, cmp.Or(err, errStopped))
	}
}
