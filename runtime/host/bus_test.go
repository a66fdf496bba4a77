package host_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/host"
	"github.com/camena-io/camena/topics"
)

// installation is a bus with hosts; the test is the coordinator.
type installation struct {
	bus         *bus.Bus
	server      *embedded.Server
	dir         string
	stopServer  func()
	assignments *bus.Bucket[events.Assignment]
	reports     *bus.Bucket[events.ConnectorReport]
	nodes       *bus.Bucket[events.Node]
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	in := &installation{dir: t.TempDir()}
	in.startServer(t, -1)
	var err error
	in.bus, err = bus.Connect(t.Context(), bus.Settings{URL: in.server.URL()})
	check(t, err)
	t.Cleanup(in.bus.Close)
	check(t, in.bus.Ensure(t.Context(), topics.DefaultLimits()))
	in.assignments, err = bus.OpenBucket[events.Assignment](t.Context(), in.bus, in.bus.Topics().AssignmentsBucket())
	check(t, err)
	in.reports, err = bus.OpenBucket[events.ConnectorReport](t.Context(), in.bus, in.bus.Topics().StatusBucket())
	check(t, err)
	in.nodes, err = bus.OpenBucket[events.Node](t.Context(), in.bus, in.bus.Topics().NodesBucket())
	check(t, err)
	return in
}

func (in *installation) startServer(t *testing.T, port int) {
	t.Helper()
	var err error
	in.server, err = embedded.New(embedded.Settings{Dir: in.dir, Port: port})
	check(t, err)
	in.stopServer = serve(t, in.server.Serve)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// serve runs a service until the test ends or stop is called.
func serve(tb testing.TB, f func(context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := f(ctx); err != nil {
			tb.Errorf("ended with %v", err)
		}
	})
	stop = func() { cancel(); group.Wait() }
	tb.Cleanup(stop)
	return stop
}

func (in *installation) host(t *testing.T, node string, s *script) (stop func()) {
	t.Helper()
	h, err := host.New(host.Settings{
		Node: node, Instance: node + "-process", Bus: in.bus, Connectors: s.factories(t), Roles: []string{events.RoleHost},
	})
	check(t, err)
	return serve(t, h.Serve)
}

func (in *installation) assign(t *testing.T, a *events.Assignment) {
	t.Helper()
	_, err := in.assignments.Put(t.Context(), a.Definition.ID, a)
	check(t, err)
}

func (in *installation) report(t *testing.T, id string) events.ConnectorReport {
	t.Helper()
	e, err := in.reports.Get(t.Context(), id)
	if err != nil || e.Value == nil {
		return events.ConnectorReport{}
	}
	return *e.Value
}

// until waits for a condition, and returns how long that took.
func until(t *testing.T, what string, condition func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Since(began) > 30*time.Second {
			t.Fatal("in vain waited for: " + what)
		}
		<-tick.C
	}
	return time.Since(began)
}

// outcomes follows the outcomes of the runs of a connector.
func (in *installation) outcomes(t *testing.T, id string) func() []events.CycleReport {
	t.Helper()
	var mu sync.Mutex
	var list []events.CycleReport
	ready := make(chan struct{})
	following := bus.FollowOptions{
		Stream: in.bus.Topics().OpsStream(), Subjects: []string{in.bus.Topics().CycleOutcome(id)},
		Start: bus.FromNow, Ready: func() { close(ready) },
	}
	serve(t, func(ctx context.Context) error {
		err := in.bus.Follow(ctx, following, func(m *bus.Message) error {
			e, err := m.Event()
			if err != nil || e.Type != events.TypeCycleFinished {
				return fmt.Errorf("%s: %w", e.Type, err)
			}
			r, err := events.Unmarshal[events.CycleReport](e.Data)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, r)
			return err
		})
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	<-ready
	return func() []events.CycleReport {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

// told returns how many changes of a connector's status were published.
func (in *installation) told(t *testing.T, id string) uint64 {
	t.Helper()
	stream, err := in.bus.JetStream().Stream(t.Context(), in.bus.Topics().OpsStream())
	check(t, err)
	subject := in.bus.Topics().Status(id)
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(subject))
	check(t, err)
	return info.State.Subjects[subject]
}

func everySecond(d *events.Definition) { d.Refresh = "@every 1s" }

func TestHostRefreshesByTheClockOfTheBus(t *testing.T) {
	t.Parallel()
	in, s := newInstallation(t), &script{}
	outcomes := in.outcomes(t, "c1")
	stop := in.host(t, "a", s)
	in.assign(t, assignment("c1", 7, everySecond))
	took := until(t, "the first refresh", func() bool { return s.called("refresh") > 0 })
	if took > time.Second {
		t.Errorf("the first refresh came after %s", took)
	}
	until(t, "three more", func() bool { return len(outcomes()) >= 4 })
	for _, o := range outcomes() {
		if o.Outcome != events.OutcomeCompleted || o.Run == "" || o.Node != "a" || time.Duration(o.Lateness) > time.Second {
			t.Errorf("got %+v", o)
		}
	}
	until(t, "the status", func() bool { return in.report(t, "c1").Status == events.StatusWaiting })
	if r := in.report(t, "c1"); r.Generation != 7 || r.Node != "a" || r.Instance != "a-process.1" || r.LastRefresh.IsZero() {
		t.Errorf("got %+v", r)
	}
	n, err := in.nodes.Get(t.Context(), "a")
	check(t, err)
	if got := n.Value; got.Connectors != 1 || got.Instance != "a-process.1" || !slices.Contains(got.Kinds, "scripted") {
		t.Errorf("got %+v", got)
	}
	// Refreshes come and go too often to be told as changes of status.
	if got := in.told(t, "c1"); got != 1 {
		t.Errorf("its status was told %d times", got)
	}
	stop()
	if r := in.report(t, "c1"); r.Status != events.StatusShutdown || in.told(t, "c1") != 2 {
		t.Errorf("after the end it is %s, told %d times", r.Status, in.told(t, "c1"))
	}
	if _, err := in.nodes.Get(t.Context(), "a"); !errors.Is(err, bus.ErrMissing) {
		t.Errorf("the heartbeat is left: %v", err)
	}
}

func TestHostDoesWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	in, s := newInstallation(t), &script{}
	outcomes := in.outcomes(t, "c1")
	in.host(t, "a", s)
	in.assign(t, assignment("c1", 1))
	until(t, "the first refresh", func() bool { return len(outcomes()) == 1 })
	e, err := events.New("/test", events.TypeCycleDue, refreshNow("c1", "mine"))
	check(t, err)
	_, err = in.bus.Publish(t.Context(), in.bus.Topics().Due("a", "c1"), &e)
	check(t, err)
	until(t, "its outcome", func() bool {
		list := outcomes()
		return len(list) == 2 && list[1].Run == "mine" && list[1].Outcome == events.OutcomeCompleted
	})
}

func TestHostTriesAgainByTheClockOfTheBus(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	s := &script{start: func(_ context.Context, c *scripted) error {
		if c.number < 3 {
			return errBroken
		}
		return nil
	}}
	in.host(t, "a", s)
	in.assign(t, assignment("c1", 1))
	until(t, "the failure to show", func() bool {
		r := in.report(t, "c1")
		return r.Status == events.StatusInitializeFailed && r.Error == "broken" && !r.NextAttempt.IsZero()
	})
	until(t, "the third attempt", func() bool { return in.report(t, "c1").Status == events.StatusWaiting })
	if r := in.report(t, "c1"); r.Attempts != 0 || r.Error != "" {
		t.Errorf("got %+v", r)
	}
}

func TestHostEngagesByTheClockOfTheBus(t *testing.T) {
	t.Parallel()
	in, s := newInstallation(t), &script{}
	in.host(t, "a", s)
	in.assign(t, assignment("c1", 1, blocking))
	until(t, "three calls", func() bool { return s.called("engage") >= 3 })
	if r := in.report(t, "c1"); r.Status != events.StatusRunning {
		t.Errorf("got %+v", r)
	}
}

func TestHostShowsThatTheBusRefusesASchedule(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.host(t, "a", &script{})
	in.assign(t, assignment("c1", 1, func(d *events.Definition) { d.Refresh, d.TimeZone = "0 0 3 * * *", "Camelot/Court" }))
	until(t, "the problem", func() bool {
		r := in.report(t, "c1")
		return r.Status == events.StatusWaiting && len(r.Problems) == 1 && strings.Contains(r.Problems[0], "time zone")
	})
}

func TestConnectorMovesBetweenHosts(t *testing.T) {
	t.Parallel()
	in, a, b := newInstallation(t), &script{}, &script{}
	in.host(t, "a", a)
	in.host(t, "b", b)
	in.assign(t, assignment("c1", 1, everySecond))
	until(t, "a runs it", func() bool { return a.called("refresh") > 0 })
	d := assignment("c1", 1, everySecond).Definition
	in.assign(t, &events.Assignment{Definition: d, From: "a", Generation: 2})
	until(t, "a lets go", func() bool {
		r := in.report(t, "c1")
		return r.Status == events.StatusStopped && r.Node == "a" && r.Generation == 2
	})
	in.assign(t, &events.Assignment{Definition: d, Node: "b", Generation: 3})
	until(t, "b refreshes it by schedule", func() bool { return b.called("refresh") > 2 })
	if a.called("start") != 1 || a.called("disconnect") != 1 {
		t.Errorf("a: %s", a.order())
	}
	if r := in.report(t, "c1"); r.Node != "b" || r.Generation != 3 {
		t.Errorf("got %+v", r)
	}
}

// TestReportsOfLaterGenerationsStay: what a node that was cut off has to say
// about a connector comes too late once another one runs it.
func TestReportsOfLaterGenerationsStay(t *testing.T) {
	t.Parallel()
	in, s := newInstallation(t), &script{}
	_, err := in.reports.Put(t.Context(), "c1", &events.ConnectorReport{Connector: "c1", Node: "b", Generation: 9})
	check(t, err)
	stop := in.host(t, "a", s)
	in.assign(t, assignment("c1", 7))
	in.assign(t, assignment("c2", 7))
	until(t, "the others are written", func() bool { return in.report(t, "c2").Status == events.StatusWaiting })
	stop()
	if r := in.report(t, "c1"); r.Node != "b" || r.Generation != 9 {
		t.Errorf("got %+v", r)
	}
}

// TestHostOutlivesTheBus stops NATS for longer than a heartbeat lives: the host
// fences itself, and goes on when NATS is back.
func TestHostOutlivesTheBus(t *testing.T) {
	t.Parallel()
	in, s := newInstallation(t), &script{}
	in.host(t, "a", s)
	in.assign(t, assignment("c1", 1, everySecond))
	until(t, "it runs", func() bool { return s.called("refresh") > 1 })
	var port int
	_, err := fmt.Sscanf(in.server.URL()[strings.LastIndexByte(in.server.URL(), ':'):], ":%d", &port)
	check(t, err)
	in.stopServer()
	took := until(t, "it is fenced", func() bool { return s.called("disconnect") == 1 })
	if took > topics.LeaseTTL {
		t.Errorf("fenced after %s", took)
	}
	in.startServer(t, port)
	before := s.called("refresh")
	until(t, "it runs again", func() bool { return s.called("start") == 2 && s.called("refresh") > before+1 })
	until(t, "the status", func() bool { return in.report(t, "c1").Instance == "a-process.2" })
}

// TestTenThousandConnectors measures what a node with many connectors that have
// nothing to do costs, the NATS server in the same process included.
func TestTenThousandConnectors(t *testing.T) { //nolint:paralleltest // it measures memory
	if testing.Short() {
		t.Skip("takes several seconds; runs without -short, as in CI")
	}
	const n = 10_000
	in, s := newInstallation(t), &script{}
	stop := in.host(t, "a", s)
	began := time.Now()
	var group errgroup.Group
	group.SetLimit(64)
	for i := range n {
		group.Go(func() error {
			a := assignment(fmt.Sprintf("c%05d", i), 1, func(d *events.Definition) { d.Refresh = "@every 1h" })
			_, err := in.assignments.Put(t.Context(), a.Definition.ID, a)
			return err
		})
	}
	check(t, group.Wait())
	until(t, "all have refreshed", func() bool { return s.called("refresh") == n })
	started := time.Since(began)
	until(t, "all schedules are armed", func() bool {
		state, err := in.bus.StreamState(t.Context(), in.bus.Topics().CyclesStream())
		return err == nil && state.Msgs >= n
	})
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	const mb = 1 << 20
	t.Logf("%d connectors started in %s, armed after %s; heap %d MB, from the system %d MB, %d goroutines",
		n, started, time.Since(began), m.HeapInuse/mb, (m.Sys-m.HeapReleased)/mb, runtime.NumGoroutine())
	if used := (m.Sys - m.HeapReleased) / mb; used > 500 {
		t.Errorf("uses %d MB", used)
	}
	if got := runtime.NumGoroutine(); got > 1000 {
		t.Errorf("has %d goroutines", got)
	}
	began = time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopped after %s", took)
	}
	t.Logf("stopped in %s", time.Since(began))
}
