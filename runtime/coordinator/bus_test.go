package coordinator_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/coordinator"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/topics"
)

// installation is a bus with a coordinator, and hands to feed the out topic.
type installation struct {
	bus         *bus.Bus
	assignments *bus.Bucket[events.Assignment]
	reports     *bus.Bucket[events.ConnectorReport]
	nodes       *bus.Bucket[events.Node]
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	server, err := embedded.New(embedded.Settings{Dir: t.TempDir(), Port: -1})
	check(t, err)
	serve(t, server.Serve)
	b, err := bus.Connect(t.Context(), bus.Settings{InProcess: server})
	check(t, err)
	t.Cleanup(b.Close)
	check(t, b.Ensure(t.Context(), topics.DefaultLimits()))
	in := &installation{bus: b}
	in.assignments, err = bus.OpenBucket[events.Assignment](t.Context(), b, b.Topics().AssignmentsBucket())
	check(t, err)
	in.reports, err = bus.OpenBucket[events.ConnectorReport](t.Context(), b, b.Topics().StatusBucket())
	check(t, err)
	in.nodes, err = bus.OpenBucket[events.Node](t.Context(), b, b.Topics().NodesBucket())
	check(t, err)
	return in
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
		if err := f(ctx); err != nil && ctx.Err() == nil {
			tb.Errorf("ended by itself: %v", err)
		}
	})
	stop = func() { cancel(); group.Wait() }
	tb.Cleanup(stop)
	return stop
}

func (in *installation) coordinate(t *testing.T) (stop func()) {
	t.Helper()
	c, err := coordinator.New(coordinator.Settings{Node: "n", Instance: t.Name(), Bus: in.bus})
	check(t, err)
	return serve(t, c.Serve)
}

// until waits for a condition, at most for the time given.
func until(t *testing.T, limit time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Since(began) > limit {
			t.Fatalf("%s: not within %s", what, limit)
		}
		<-tick.C
	}
	return time.Since(began)
}

// publish feeds the out topic.
func (in *installation) publish(t *testing.T, m *metadata) {
	t.Helper()
	for _, e := range m.elements {
		in.change(t, in.bus.Topics().Element(e.Header.Type.Name, e.Header.GUID), events.TypeElementUpdated, events.ElementChange{Element: e})
	}
	for _, r := range m.relationships {
		in.change(t, in.bus.Topics().Relationship(r.Header.Type.Name, r.Header.GUID), events.TypeRelationshipUpdated,
			events.RelationshipChange{Relationship: r})
	}
}

func (in *installation) change(t *testing.T, subject, typeName string, data any) {
	t.Helper()
	e, err := events.New("/repository", typeName, data)
	check(t, err)
	_, err = in.bus.Publish(t.Context(), subject, &e)
	check(t, err)
}

// host obeys assignments, as far as the bus can see.
func (in *installation) host(t *testing.T, name string) (kill func()) {
	t.Helper()
	instance := name + time.Now().String()
	return serve(t, func(ctx context.Context) error {
		beat := time.NewTicker(topics.Heartbeat)
		defer beat.Stop()
		go func() {
			for ctx.Err() == nil {
				node := host(name, "files")
				node.Instance = instance
				if _, err := in.nodes.Put(ctx, name, &node); err != nil && ctx.Err() == nil {
					t.Errorf("heartbeat: %v", err)
				}
				select {
				case <-beat.C:
				case <-ctx.Done():
				}
			}
		}()
		return in.assignments.Watch(ctx, func(e *bus.Entry[events.Assignment]) {
			if e == nil || e.Value == nil {
				return
			}
			r := events.ConnectorReport{Connector: e.Key, Node: name, Instance: instance, Generation: e.Value.Generation}
			switch name {
			case e.Value.Node:
				r.Status = events.StatusWaiting
			case e.Value.From:
				r.Status = events.StatusStopped
			default:
				return
			}
			if _, err := in.reports.Put(ctx, e.Key, &r); err != nil && ctx.Err() == nil {
				t.Errorf("report: %v", err)
			}
		})
	})
}

func (in *installation) node(t *testing.T, id string) string {
	t.Helper()
	e, err := in.assignments.Get(t.Context(), id)
	if err != nil {
		return ""
	}
	return e.Value.Node
}

func TestCoordinatorAssignsAtOnceAtTheFirstStart(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.host(t, "a")
	in.coordinate(t)
	in.publish(t, complete(registration.Connector{}))
	took := until(t, 5*time.Second, "assigned", func() bool { return in.node(t, id) == "a" })
	if took > time.Second {
		t.Errorf("assigned after %s, want less than a second", took)
	}
}

func TestCoordinatorFollowsTheMetadata(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.host(t, "a")
	in.coordinate(t)
	m := complete(registration.Connector{})
	delete(m.elements, "ConnectorType")
	in.publish(t, m)
	until(t, 5*time.Second, "explained", func() bool {
		r, err := in.reports.Get(t.Context(), id)
		return err == nil && r.Value.Status == events.StatusConfigFailed && r.Value.Error != ""
	})
	in.publish(t, complete(registration.Connector{}))
	until(t, 5*time.Second, "assigned", func() bool { return in.node(t, id) == "a" })

	in.publish(t, complete(registration.Connector{Permitted: events.SyncTo}))
	until(t, 5*time.Second, "updated", func() bool {
		e, err := in.assignments.Get(t.Context(), id)
		return err == nil && e.Value.Node == "a" && e.Value.Definition.PermittedSynchronization == events.SyncTo
	})

	check(t, in.bus.Arm(t.Context(), bus.Schedule{
		Subject: in.bus.Topics().Schedule(id, "refresh"), Target: in.bus.Topics().Due("a", id), Pattern: "@every 1h",
	}, &events.Event{ID: "schedule", Source: "/test", Type: events.TypeCycleDue}))
	gone := m.relationships[id]
	in.change(t, in.bus.Topics().Relationship(gone.Header.Type.Name, id), events.TypeRelationshipDeleted,
		events.RelationshipChange{Previous: gone})
	until(t, 5*time.Second, "removed", func() bool {
		_, err := in.assignments.Get(t.Context(), id)
		return err != nil
	})
	stream, err := in.bus.JetStream().Stream(t.Context(), in.bus.Topics().CyclesStream())
	check(t, err)
	if m, err := stream.GetLastMsgForSubject(t.Context(), in.bus.Topics().SchedulesOf(id)); err == nil {
		t.Errorf("the schedule %s is left", m.Subject)
	}
}

func TestCoordinatorStartsConnectorsOnTheirDate(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.host(t, "a")
	in.coordinate(t)
	start := time.Now().Add(3 * time.Second).Truncate(time.Second)
	in.publish(t, complete(registration.Connector{Start: start}))
	until(t, 5*time.Second, "assigned", func() bool { return in.node(t, id) == "a" })
	if early := time.Until(start); early > 0 {
		t.Errorf("assigned %s before its start date", early)
	}
	if late := time.Since(start); late > 2*time.Second {
		t.Errorf("assigned %s after its start date", late)
	}
}

// many is n registrations, r0 to r(n-1), of one group and one connection.
func (in *installation) many(t *testing.T, n int) {
	t.Helper()
	m := complete(registration.Connector{})
	delete(m.relationships, id)
	in.publish(t, m)
	shared := func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
	in.registrations(t, shared)
}

func (in *installation) registrations(t *testing.T, numbers iter.Seq[int]) {
	t.Helper()
	var group sync.WaitGroup
	slots := make(chan struct{}, 64)
	for i := range numbers {
		slots <- struct{}{}
		group.Go(func() {
			m := &metadata{relationships: map[string]*events.Relationship{}}
			m.relate(fmt.Sprint("r", i), events.RelationshipSpec{
				Type: registration.Registered, Properties: events.Props(map[string]any{"connectorName": fmt.Sprint("n", i)}),
				End1: events.ByName(registration.GroupName("group")), End2: events.ByName(registration.ConnectorName("folder")),
			})
			in.publish(t, m)
			<-slots
		})
	}
	group.Wait()
}

// count returns how many connectors each node has.
func (in *installation) count(t *testing.T) map[string]int {
	t.Helper()
	list, err := in.assignments.List(t.Context())
	check(t, err)
	counts := map[string]int{}
	for _, e := range list {
		counts[e.Value.Node]++
	}
	return counts
}

func TestCoordinatorMovesConnectors(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.host(t, "a")
	stop := in.coordinate(t)
	in.many(t, 20)
	until(t, 5*time.Second, "assigned to a", func() bool { return in.count(t)["a"] == 20 })
	kill := in.host(t, "b")
	until(t, 5*time.Second, "half moved to b", func() bool { c := in.count(t); return c["a"] == 10 && c["b"] == 10 })

	// A new coordinator has to make sure first who lives.
	stop()
	kill()
	in.coordinate(t)
	began := time.Now()
	until(t, 20*time.Second, "all moved to a", func() bool { return in.count(t)["a"] == 20 })
	if took := time.Since(began); took < topics.LeaseTTL/2-100*time.Millisecond {
		t.Errorf("took a silent node for dead after %s", took)
	}
}

func TestCoordinatorAssignsTenThousand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes several seconds; runs without -short, as in CI")
	}
	in := newInstallation(t)
	in.host(t, "a")
	in.host(t, "b")
	const n = 10_000
	in.many(t, n)
	began := time.Now()
	in.coordinate(t)
	until(t, 30*time.Second, "assigned", in.stands(t, n))
	t.Logf("assigned %d connectors in %s", n, time.Since(began))
	if c := in.count(t); c["a"] != n/2 || c["b"] != n/2 {
		t.Errorf("spread as %v", c)
	}
}

// stands returns a condition that is cheap to check: there are n assignments.
func (in *installation) stands(t *testing.T, n uint64) func() bool {
	t.Helper()
	return func() bool {
		state, err := in.bus.StreamState(t.Context(), "KV_"+in.bus.Topics().AssignmentsBucket())
		return err == nil && state.Msgs == n
	}
}
