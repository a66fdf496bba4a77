package host_test

import (
	"context"
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
		return 0, errAway
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
	o := host.NewOutbox(in.bus, "a", b)
	stop := serve(t, o.Serve)
	o.Report(&events.ConnectorReport{Connector: "c1", Generation: 7, Status: events.StatusWaiting}, host.AtOnce)
	<-b.failing
	o.Report(&events.ConnectorReport{Connector: "c1", Generation: 7, Status: events.StatusStopped}, host.AtOnce)
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
	o := host.NewOutbox(in.bus, "a", b)
	serve(t, o.Serve)
	o.Report(&events.ConnectorReport{Connector: "c1", Status: events.StatusWaiting}, host.AtOnce)
	until(t, "the report", func() bool { return in.report(t, "c1").Status == events.StatusWaiting })
}
