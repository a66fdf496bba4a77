package host

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

const (
	// lanes write in parallel; what concerns one connector keeps its order.
	lanes = 32
	// lastWords is how long writing may take when the node stops.
	lastWords = time.Second
	// longestTTL is how long a due cycle waits for its host at most.
	longestTTL = time.Minute
	// takes is how often a report is written against somebody else's.
	takes = 3
)

// reports is the bucket of the connectors' reports.
type reports interface {
	Update(ctx context.Context, connector string, r *events.ConnectorReport, revision uint64) (uint64, error)
	Get(ctx context.Context, connector string) (bus.Entry[events.ConnectorReport], error)
}

// outbox is the outlet on the bus.
type outbox struct {
	bus     *bus.Bus
	log     *slog.Logger
	node    string
	reports reports
	seed    maphash.Seed
	lanes   [lanes]lane
}

// lane is the part of an outbox for some of the connectors.
type lane struct {
	mu    sync.Mutex
	queue []func(context.Context)
	// unwritten are the newest reports of the connectors, as far as they are
	// not written; older ones need not be any more.
	unwritten map[string]*events.ConnectorReport
	wake      chan struct{}

	// revisions of the reports, for the one goroutine of the lane.
	revisions map[string]uint64
}

func newOutbox(b *bus.Bus, log *slog.Logger, node string, r reports) *outbox {
	o := &outbox{bus: b, log: log, node: node, reports: r, seed: maphash.MakeSeed()}
	for i := range o.lanes {
		l := &o.lanes[i]
		l.unwritten, l.revisions = map[string]*events.ConnectorReport{}, map[string]uint64{}
		l.wake = make(chan struct{}, 1)
	}
	return o
}

// Serve writes until ctx is done, then what is left, as far as that is possible
// in a second.
func (o *outbox) Serve(ctx context.Context) error {
	// What is being written when ctx ends is written to its end.
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, giveUp) })
	var group sync.WaitGroup
	for i := range o.lanes {
		group.Go(func() { o.serve(ctx, writing, &o.lanes[i]) })
	}
	group.Wait()
	return nil
}

func (o *outbox) serve(ctx, writing context.Context, l *lane) {
	tick := time.NewTicker(topics.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-l.wake:
			l.flush(writing)
		case <-tick.C:
			o.queueUnwritten(l)
			l.flush(writing)
		case <-ctx.Done():
			o.queueUnwritten(l)
			l.flush(writing)
			return
		}
	}
}

// flush writes what is queued.
func (l *lane) flush(ctx context.Context) {
	l.mu.Lock()
	queue := l.queue
	l.queue = nil
	l.mu.Unlock()
	for i, write := range queue {
		if ctx.Err() != nil {
			l.mu.Lock()
			l.queue = append(queue[i:], l.queue...)
			l.mu.Unlock()
			return
		}
		write(ctx)
	}
}

// queueUnwritten queues the reports that could wait, or could not be written.
func (o *outbox) queueUnwritten(l *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.unwritten {
		l.queue = append(l.queue, func(ctx context.Context) { o.write(ctx, l, r) })
	}
}

func (o *outbox) lane(connector string) *lane {
	return &o.lanes[maphash.String(o.seed, connector)%lanes]
}

func (l *lane) push(write func(context.Context)) {
	l.queue = append(l.queue, write)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Report implements outlet.
func (o *outbox) Report(r *events.ConnectorReport, n Notice) {
	l := o.lane(r.Connector)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unwritten[r.Connector] = r
	if n == Later {
		return
	}
	l.push(func(ctx context.Context) {
		o.write(ctx, l, r)
		o.publish(ctx, o.bus.Topics().Status(r.Connector), events.TypeConnectorStatus, r.Connector, r)
	})
}

// Finished implements outlet.
func (o *outbox) Finished(r *events.CycleReport) {
	l := o.lane(r.Connector)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(func(ctx context.Context) {
		o.publish(ctx, o.bus.Topics().CycleOutcome(r.Connector), events.TypeCycleFinished, r.Connector, r)
	})
}

// Arm implements outlet.
func (o *outbox) Arm(a Alarm) {
	l := o.lane(a.Cycle.Connector)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(func(ctx context.Context) {
		err := o.arm(ctx, &a)
		if err == nil || ctx.Err() != nil {
			return
		}
		o.log.WarnContext(ctx, "schedule", slog.String("connector", a.Cycle.Connector), slog.Any("error", err))
		if a.Refused != nil {
			a.Refused(err)
		}
	})
}

func (o *outbox) arm(ctx context.Context, a *Alarm) error {
	s := bus.Schedule{
		Subject: o.bus.Topics().Schedule(a.Cycle.Connector, string(a.Cycle.Kind)),
		Target:  o.bus.Topics().Due(o.node, a.Cycle.Connector),
		Pattern: a.Pattern, TTL: longestTTL,
	}
	switch {
	case !a.Cycle.Due.IsZero():
		s.Pattern = bus.At(a.Cycle.Due)
	case a.Pattern == "":
		return o.bus.Disarm(ctx, s.Subject)
	case a.Cycle.Interval > 0:
		// What was missed is not made up for: the next one is as good.
		s.TTL = min(longestTTL, max(time.Duration(a.Cycle.Interval).Truncate(time.Second), time.Second))
	default:
		s.TimeZone = a.TimeZone
	}
	e, err := events.New(o.source(), events.TypeCycleDue, &a.Cycle)
	if err != nil {
		return err
	}
	return o.bus.Arm(ctx, s, &e)
}

// Forward hands a cycle to the node that has its connector by now. A schedule
// for this one that arrived late may have replaced that node's, which would wait
// for ever: the cycle's generation, older than its own, tells it to arm again.
func (o *outbox) Forward(c *events.Cycle, assignments *bus.Bucket[events.Assignment]) {
	l := o.lane(c.Connector)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(func(ctx context.Context) {
		a, err := assignments.Get(ctx, c.Connector)
		switch {
		case errors.Is(err, bus.ErrMissing):
		case err != nil:
			o.log.WarnContext(ctx, "forward a cycle", slog.String("connector", c.Connector), slog.Any("error", err))
		case a.Value != nil && a.Value.Node != "" && a.Value.Node != o.node && a.Value.Generation > c.Generation:
			if err := o.forward(ctx, a.Value.Node, c); err != nil {
				o.log.WarnContext(ctx, "forward a cycle", slog.String("connector", c.Connector), slog.Any("error", err))
			}
		}
	})
}

func (o *outbox) forward(ctx context.Context, node string, c *events.Cycle) error {
	e, err := events.New(o.source(), events.TypeCycleDue, c)
	if err != nil {
		return err
	}
	m, err := bus.NewMessage(o.bus.Topics().Due(node, c.Connector), &e)
	if err != nil {
		return err
	}
	m.Header.Set(jetstream.MsgTTLHeader, longestTTL.String())
	_, err = o.bus.PublishMessage(ctx, m)
	return err
}

func (o *outbox) source() string { return "/hosts/" + topics.Escape(o.node) }

func (o *outbox) publish(ctx context.Context, subject, typeName, connector string, data any) {
	e, err := events.New(o.source(), typeName, data)
	if err == nil {
		e.Subject = connector
		_, err = o.bus.Publish(ctx, subject, &e)
	}
	if err != nil {
		o.log.WarnContext(ctx, "publish", slog.String("subject", subject), slog.Any("error", err))
	}
}

// write stores a report, or the newest of that connector in its place, unless
// that is written already. What cannot be written is tried again, until there is
// a newer one. The last report of a connector is not written ahead of its turn:
// from then on another node may run it, and a schedule that is still queued here
// would replace the one that is armed there.
func (o *outbox) write(ctx context.Context, l *lane, r *events.ConnectorReport) {
	connector := r.Connector
	l.mu.Lock()
	newest := l.unwritten[connector]
	l.mu.Unlock()
	if newest == nil || newest != r && isLast(newest) {
		return
	}
	r = newest
	err := o.put(ctx, l, r)
	if isLast(r) {
		delete(l.revisions, connector)
	}
	if err != nil {
		o.log.WarnContext(ctx, "report", slog.String("connector", connector), slog.Any("error", err))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unwritten[connector] == r {
		delete(l.unwritten, connector)
	}
}

// isLast reports whether its node does not run the connector any more.
func isLast(r *events.ConnectorReport) bool {
	return r.Status == events.StatusStopped || r.Status == events.StatusShutdown
}

// put writes a report, unless there is one of a later generation: then the
// connector runs elsewhere already.
func (o *outbox) put(ctx context.Context, l *lane, r *events.ConnectorReport) (err error) {
	for range takes {
		var revision uint64
		if revision, err = o.reports.Update(ctx, r.Connector, r, l.revisions[r.Connector]); err == nil {
			l.revisions[r.Connector] = revision
			return nil
		}
		if !errors.Is(err, bus.ErrTaken) {
			return err
		}
		there, getErr := o.reports.Get(ctx, r.Connector)
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
