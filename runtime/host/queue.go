package host

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/topics"
)

const (
	// lanes write in parallel; writes about one connector keep their order.
	lanes = 32
	// flushTimeout is how long writing may take when the node stops.
	flushTimeout = time.Second
	// longestTTL is how long a due cycle waits for its host at most.
	longestTTL = time.Minute
	// writeAttempts is how often a report is written against another writer's.
	writeAttempts = 3
)

// reports is the bucket of the connectors' reports.
type reports interface {
	Update(ctx context.Context, connector string, r *events.ConnectorReport, revision uint64) (uint64, error)
	Get(ctx context.Context, connector string) (bus.Entry[events.ConnectorReport], error)
}

// statusQueue is the reporter on the bus.
type statusQueue struct {
	bus     *bus.Bus
	log     *slog.Logger
	node    string
	reports reports
	seed    maphash.Seed
	lanes   [lanes]lane
}

// lane is the part of a queue for some of the connectors.
type lane struct {
	mu    sync.Mutex
	queue []func(context.Context)
	// unwritten are the newest reports of the connectors that are not written
	// yet; older ones need not be written any more.
	unwritten map[string]*events.ConnectorReport
	wake      chan struct{}

	// revisions of the reports, for the one goroutine of the lane.
	revisions map[string]uint64
}

func newStatusQueue(b *bus.Bus, log *slog.Logger, node string, r reports) *statusQueue {
	q := &statusQueue{bus: b, log: log, node: node, reports: r, seed: maphash.MakeSeed()}
	for i := range q.lanes {
		l := &q.lanes[i]
		l.unwritten, l.revisions = map[string]*events.ConnectorReport{}, map[string]uint64{}
		l.wake = make(chan struct{}, 1)
	}
	return q
}

// Serve writes until ctx is done, then what is left, as far as that is possible
// in a second.
func (q *statusQueue) Serve(ctx context.Context) error {
	// A write that has begun when ctx ends is completed.
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	context.AfterFunc(ctx, func() { time.AfterFunc(flushTimeout, giveUp) })
	var group sync.WaitGroup
	for i := range q.lanes {
		group.Go(func() { q.serve(ctx, writing, &q.lanes[i]) })
	}
	group.Wait()
	return nil
}

func (q *statusQueue) serve(ctx, writing context.Context, l *lane) {
	tick := time.NewTicker(topics.Heartbeat)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-l.wake:
		case <-tick.C:
			q.queueUnwritten(l)
		case <-ctx.Done():
			q.queueUnwritten(l)
		}
		l.flush(writing)
	}
}

// flush writes what is queued.
func (l *lane) flush(ctx context.Context) {
	l.mu.Lock()
	queue := l.queue
	l.queue = nil
	l.mu.Unlock()
	for _, write := range queue {
		if ctx.Err() != nil {
			return
		}
		write(ctx)
	}
}

// queueUnwritten queues the reports that could wait, or could not be written.
func (q *statusQueue) queueUnwritten(l *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.unwritten {
		l.queue = append(l.queue, func(ctx context.Context) { q.write(ctx, l, r) })
	}
}

// push queues a write about a connector.
func (q *statusQueue) push(connector string, write func(context.Context, *lane)) {
	l := q.lane(connector)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, func(ctx context.Context) { write(ctx, l) })
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (q *statusQueue) lane(connector string) *lane {
	return &q.lanes[maphash.String(q.seed, connector)%lanes]
}

// Report implements reporter.
func (q *statusQueue) Report(r *events.ConnectorReport, u Urgency) {
	l := q.lane(r.Connector)
	l.mu.Lock()
	l.unwritten[r.Connector] = r
	l.mu.Unlock()
	if u == Immediate {
		q.push(r.Connector, func(ctx context.Context, l *lane) {
			q.write(ctx, l, r)
			q.publish(ctx, q.bus.Topics().Status(r.Connector), events.TypeConnectorStatus, r.Connector, r)
		})
	}
}

// Finished implements reporter.
func (q *statusQueue) Finished(r *events.CycleReport) {
	q.push(r.Connector, func(ctx context.Context, _ *lane) {
		q.publish(ctx, q.bus.Topics().CycleOutcome(r.Connector), events.TypeCycleFinished, r.Connector, r)
	})
}

// Arm implements reporter.
func (q *statusQueue) Arm(a Timer) {
	q.push(a.Cycle.Connector, func(ctx context.Context, _ *lane) {
		err := q.arm(ctx, &a)
		if err == nil || ctx.Err() != nil {
			return
		}
		q.warn(ctx, "schedule", a.Cycle.Connector, err)
		if a.Refused != nil {
			a.Refused(err)
		}
	})
}

func (q *statusQueue) arm(ctx context.Context, a *Timer) error {
	s := bus.Schedule{
		Subject: q.bus.Topics().Schedule(a.Cycle.Connector, string(a.Cycle.Kind)),
		Target:  q.bus.Topics().Due(q.node, a.Cycle.Connector),
		Pattern: a.Pattern, TTL: longestTTL,
	}
	switch {
	case !a.Cycle.Due.IsZero():
		s.Pattern = bus.At(a.Cycle.Due)
	case a.Pattern == "":
		return q.bus.Disarm(ctx, s.Subject)
	case a.Cycle.Interval > 0:
		// A missed cycle is not made up for: the next one is as good.
		s.TTL = min(longestTTL, time.Duration(a.Cycle.Interval))
	default:
		s.TimeZone = a.TimeZone
	}
	e, err := events.New(q.source(), events.TypeCycleDue, &a.Cycle)
	if err != nil {
		return err
	}
	return q.bus.Arm(ctx, s, &e)
}

// Forward hands a cycle to the node that has its connector now. A schedule for
// this node that was armed too late may have replaced the one of that node,
// which would wait for ever: the cycle's generation, older than its own, makes it
// arm the schedule again.
func (q *statusQueue) Forward(c *events.Cycle, assignments *bus.Bucket[events.Assignment]) {
	q.push(c.Connector, func(ctx context.Context, _ *lane) {
		a, err := assignments.Get(ctx, c.Connector)
		if err == nil && a.Value != nil && a.Value.Node != "" && a.Value.Node != q.node && a.Value.Generation > c.Generation {
			err = client.PublishCycle(ctx, q.bus, q.source(), a.Value.Node, c)
		}
		if err != nil && !errors.Is(err, bus.ErrMissing) {
			q.warn(ctx, "forward a cycle", c.Connector, err)
		}
	})
}

func (q *statusQueue) source() string { return "/hosts/" + topics.Escape(q.node) }

func (q *statusQueue) publish(ctx context.Context, subject, typeName, connector string, data any) {
	e, err := events.New(q.source(), typeName, data)
	if err == nil {
		e.Subject = connector
		_, err = q.bus.Publish(ctx, subject, &e)
	}
	if err != nil {
		q.warn(ctx, "publish", connector, err)
	}
}

func (q *statusQueue) warn(ctx context.Context, what, connector string, err error) {
	q.log.WarnContext(ctx, "cannot write", slog.String("what", what), slog.String("connector", connector), slog.Any("error", err))
}

// write stores a report, or the newest of that connector instead, unless that is
// written already. A report that cannot be written is tried again until there is
// a newer one. The last report of a connector is not written ahead of its turn:
// after it another node may run the connector, and a schedule that is still
// queued here would replace the one that is armed there.
func (q *statusQueue) write(ctx context.Context, l *lane, r *events.ConnectorReport) {
	connector := r.Connector
	l.mu.Lock()
	newest := l.unwritten[connector]
	l.mu.Unlock()
	if newest == nil || newest != r && isLast(newest) {
		return
	}
	err := q.put(ctx, l, newest)
	if isLast(newest) {
		delete(l.revisions, connector)
	}
	if err != nil {
		q.warn(ctx, "report", connector, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unwritten[connector] == newest {
		delete(l.unwritten, connector)
	}
}

// isLast reports whether the node does not run the connector any more.
func isLast(r *events.ConnectorReport) bool {
	return r.Status == events.StatusStopped || r.Status == events.StatusShutdown
}

// put writes a report, unless there is one of a later generation: then another
// node runs the connector already.
func (q *statusQueue) put(ctx context.Context, l *lane, r *events.ConnectorReport) (err error) {
	for range writeAttempts {
		var revision uint64
		if revision, err = q.reports.Update(ctx, r.Connector, r, l.revisions[r.Connector]); err == nil {
			l.revisions[r.Connector] = revision
			return nil
		}
		if !errors.Is(err, bus.ErrTaken) {
			return err
		}
		there, getErr := q.reports.Get(ctx, r.Connector)
		switch {
		case errors.Is(getErr, bus.ErrMissing):
			l.revisions[r.Connector] = 0
		case getErr != nil:
			return getErr
		case there.Value != nil && there.Value.Generation > r.Generation:
			return nil
		default:
			l.revisions[r.Connector] = there.Revision
		}
	}
	return err
}
