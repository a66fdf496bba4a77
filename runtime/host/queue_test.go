package host_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/host"
)

// brittleReports is the bucket of reports, of which one write fails: the first
// one of a status, after it was let go.
type brittleReports struct {
	*bus.Bucket[events.ConnectorReport]
	status  events.ConnectorStatus
	failing chan struct{} // closed when that write has begun
	fail    chan struct{} // and is closed for it to end

	mu      sync.Mutex
	written []events.ConnectorStatus
}

func (b *brittleReports) Update(ctx context.Context, id string, r *events.ConnectorReport, revision uint64) (uint64, error) {
	b.mu.Lock()
	first := r.Status == b.status
	if first {
		b.status = ""
	}
	b.written = append(b.written, r.Status)
	b.mu.Unlock()
	if first {
		close(b.failing)
		<-b.fail
		return 0, errors.New("the bus is away")
	}
	return b.Bucket.Update(ctx, id, r, revision)
}

func (b *brittleReports) attempts() []events.ConnectorStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]events.ConnectorStatus(nil), b.written...)
}

// TestAReportThatFailsDoesNotOverwriteANewerOne: the newer one may be the last
// word of the connector here, on which its move to another node waits.
func TestAReportThatFailsDoesNotOverwriteANewerOne(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	b := &brittleReports{
		Bucket: in.reports, status: events.StatusWaiting,
		failing: make(chan struct{}), fail: make(chan struct{}),
	}
	o := host.NewStatusQueue(in.bus, "a", b)
	stop := serve(t, o.Serve)
	o.Report(&events.ConnectorReport{Connector: "c1", Generation: 7, Status: events.StatusWaiting}, host.Immediate)
	<-b.failing
	o.Report(&events.ConnectorReport{Connector: "c1", Generation: 7, Status: events.StatusStopped}, host.Immediate)
	close(b.fail)
	until(t, "the newer one", func() bool { return in.report(t, "c1").Status == events.StatusStopped })
	stop() // writes whatever is left
	if r, got := in.report(t, "c1"), b.attempts(); r.Status != events.StatusStopped || len(got) != 2 {
		t.Errorf("is %s, written were %v", r.Status, got)
	}
}

func TestAReportThatFailsIsWrittenLater(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	b := &brittleReports{
		Bucket: in.reports, status: events.StatusWaiting,
		failing: make(chan struct{}), fail: make(chan struct{}),
	}
	close(b.fail)
	o := host.NewStatusQueue(in.bus, "a", b)
	serve(t, o.Serve)
	o.Report(&events.ConnectorReport{Connector: "c1", Status: events.StatusWaiting}, host.Immediate)
	until(t, "the report", func() bool { return in.report(t, "c1").Status == events.StatusWaiting })
}

// lastWord notes, when a last report is about to be written, whether the
// schedule that was queued before it is there.
type lastWord struct {
	*bus.Bucket[events.ConnectorReport]
	writing chan struct{} // closed when the first write has begun
	goOn    chan struct{} // and is closed for it to go on
	first   sync.Once
	look    func() error
	found   chan error
}

func (b *lastWord) Update(ctx context.Context, id string, r *events.ConnectorReport, revision uint64) (uint64, error) {
	b.first.Do(func() {
		close(b.writing)
		<-b.goOn
	})
	if r.Status == events.StatusStopped {
		b.found <- b.look()
	}
	return b.Bucket.Update(ctx, id, r, revision)
}

// TestTheLastReportComesAfterTheScheduleQueuedBefore: once it is there another
// node may arm a schedule of its own, and this one must not replace that.
func TestTheLastReportComesAfterTheScheduleQueuedBefore(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	subject := in.bus.Topics().Schedule("c1", string(events.CycleRefresh))
	b := &lastWord{
		Bucket: in.reports, writing: make(chan struct{}), goOn: make(chan struct{}), found: make(chan error, 1),
		look: func() error {
			stream, err := in.bus.JetStream().Stream(t.Context(), in.bus.Topics().CyclesStream())
			if err == nil {
				_, err = stream.GetLastMsgForSubject(t.Context(), subject)
			}
			return err
		},
	}
	o := host.NewStatusQueue(in.bus, "a", b)
	serve(t, o.Serve)
	report := func(status events.ConnectorStatus) {
		o.Report(&events.ConnectorReport{Connector: "c1", Generation: 7, Status: status}, host.Immediate)
	}
	report(events.StatusRefreshing)
	<-b.writing
	report(events.StatusWaiting)
	o.Arm(host.Timer{Cycle: events.Cycle{Connector: "c1", Kind: events.CycleRefresh, Generation: 7}, Pattern: "@every 1h"})
	report(events.StatusStopped)
	close(b.goOn)
	if err := <-b.found; err != nil {
		t.Errorf("the last report is written before the schedule is armed: %v", err)
	}
}

// TestAScheduleThatArrivesLateIsArmedAgain: the node that had the connector
// before arms its own schedule over that of the node that has it now, which
// would else wait for ever.
func TestAScheduleThatArrivesLateIsArmedAgain(t *testing.T) {
	t.Parallel()
	in, s := newInstallation(t), &script{}
	in.host(t, "a", &script{})
	in.host(t, "b", s)
	in.assign(t, &events.Assignment{Definition: assignment("c1", 3, everySecond).Definition, Node: "b", Generation: 3})
	until(t, "refreshes by the schedule", func() bool { return s.called("refresh") > 1 })
	late := host.NewStatusQueue(in.bus, "a", in.reports)
	serve(t, late.Serve)
	late.Arm(host.Timer{
		Cycle: events.Cycle{Connector: "c1", Kind: events.CycleRefresh, Generation: 2}, Pattern: "@every 1s",
	})
	stream, err := in.bus.JetStream().Stream(t.Context(), in.bus.Topics().CyclesStream())
	check(t, err)
	target := func() string {
		m, err := stream.GetLastMsgForSubject(t.Context(), in.bus.Topics().Schedule("c1", string(events.CycleRefresh)))
		check(t, err)
		return m.Header.Get("Nats-Schedule-Target")
	}
	until(t, "the late schedule", func() bool { return target() == in.bus.Topics().Due("a", "c1") })
	until(t, "the schedule of the owner", func() bool { return target() == in.bus.Topics().Due("b", "c1") })
	refreshed := s.called("refresh")
	until(t, "refreshes by the schedule again", func() bool { return s.called("refresh") > refreshed+1 })
}
