package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// observer records from outside, during all failures, which node runs which connector
// and which files the connectors catalog.
type observer struct {
	bus  *bus.Bus
	want int // connectors

	mu          sync.Mutex
	nodes       map[string]entry[events.Node]
	assignments map[string]entry[events.Assignment]
	reports     map[string]entry[events.ConnectorReport]
	runs        map[string][]events.CycleReport // of refreshes, by connector
	files       map[string]bool                 // in the catalog, by qualified name
	dead        string                          // the node that was killed, if any

	trouble string    // what is wrong now
	fine    time.Time // since when nothing is
}

// observe starts an observer.
func observe(t *testing.T, b *bus.Bus, connectors int) *observer {
	t.Helper()
	o := &observer{bus: b, want: connectors, runs: map[string][]events.CycleReport{}, files: map[string]bool{}}
	names := b.Topics()
	follow(t, b, bus.FollowOptions{Stream: names.OpsStream()}, o.ran)
	follow(t, b, bus.FollowOptions{Stream: names.OutStream(), Subjects: []string{names.ElementsOf("DataFile")}}, o.cataloged)
	runtimetest.Run(t, o.look)
	t.Cleanup(func() { o.diagnose(t) })
	return o
}

// entry is a value of a bucket.
type entry[T any] struct {
	value T
	time  time.Time
}

// read reads a bucket from any server: unlike a watch it needs neither a leader nor a
// consumer, so the failures do not disturb it.
func read[T any](ctx context.Context, b *bus.Bus, bucket string) (map[string]entry[T], error) {
	prefix := "$KV." + bucket + "."
	messages, err := jetstreamext.GetLastMsgsFor(ctx, b.JetStream(), "KV_"+bucket, []string{prefix + ">"})
	if err != nil {
		return nil, err
	}
	entries := map[string]entry[T]{}
	for m, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(m.Data) == 0 {
			continue // deleted, or run out
		}
		key, err := topics.Unescape(strings.TrimPrefix(m.Subject, prefix))
		if err != nil {
			return nil, err
		}
		value, err := events.Unmarshal[T](m.Data)
		if err != nil {
			return nil, err
		}
		entries[key] = entry[T]{value, m.Time}
	}
	return entries, nil
}

func follow(t *testing.T, b *bus.Bus, f bus.FollowOptions, take func(*bus.Message) error) {
	t.Helper()
	runtimetest.Run(t, func(ctx context.Context) error { return b.Follow(ctx, f, take) })
}

func (o *observer) ran(m *bus.Message) error {
	e, err := m.Event()
	if err != nil || e.Type != events.TypeCycleFinished {
		return err
	}
	report, err := events.Unmarshal[events.CycleReport](e.Data)
	if err != nil {
		return err
	}
	if report.Kind == events.CycleRefresh && report.Outcome != events.OutcomeCoalesced {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.runs[report.Connector] = append(o.runs[report.Connector], report)
	}
	return nil
}

func (o *observer) cataloged(m *bus.Message) error {
	c, err := client.ChangeOf(m)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files[c.Element.State().Header.QualifiedName] = true
	return nil
}

// look reads the buckets repeatedly, and records when all connectors begin to be in
// order.
func (o *observer) look(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			o.lookOnce(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *observer) lookOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	began := time.Now()
	names := o.bus.Topics()
	nodes, err := read[events.Node](ctx, o.bus, names.NodesBucket())
	assignments, err2 := read[events.Assignment](ctx, o.bus, names.AssignmentsBucket())
	reports, err3 := read[events.ConnectorReport](ctx, o.bus, names.StatusBucket())
	err = errors.Join(err, err2, err3)
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.trouble
	if err != nil {
		o.trouble = err.Error()
		return
	}
	o.nodes, o.assignments, o.reports = nodes, assignments, reports
	if o.trouble = o.wrong(); before != "" && o.trouble == "" {
		o.fine = began
	}
}

// wrong names a connector that does not run on exactly the node it is assigned to.
func (o *observer) wrong() string {
	if len(o.assignments) != o.want {
		return fmt.Sprintf("%d connectors are assigned, not %d", len(o.assignments), o.want)
	}
	for id, e := range o.assignments {
		a := e.value
		n, ok := o.nodes[a.Node]
		r := o.reports[id].value
		switch {
		case a.Node == "" || a.Node == o.dead || !ok || time.Since(n.time) > topics.LeaseTTL:
			return fmt.Sprintf("%s is given to %q, which is not alive", a.Definition.Name, a.Node)
		case r.Node != a.Node || r.Generation != a.Generation || r.Instance != n.value.Instance:
			return fmt.Sprintf("%s is given to %s (generation %d, instance %s) and reported by %s (generation %d, instance %s)",
				a.Definition.Name, a.Node, a.Generation, n.value.Instance, r.Node, r.Generation, r.Instance)
		case r.Status != events.StatusWaiting && r.Status != events.StatusRefreshing && r.Status != events.StatusRunning:
			return fmt.Sprintf("%s is %s on %s: %s", a.Definition.Name, r.Status, r.Node, r.Error)
		}
	}
	return ""
}

// lost records that a node was killed; "" says that none is dead.
func (o *observer) lost(node string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead = node
	o.trouble = o.wrong()
}

// runAgain waits until all is in order again after a failure: each connector must have
// refreshed and each node must have written a heartbeat. It returns the time when all
// began to be in order.
func (o *observer) runAgain(t *testing.T, killed time.Time) time.Duration {
	t.Helper()
	await(t, time.Minute, "all connectors to run again", func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.trouble != "" {
			return errors.New(o.trouble)
		}
		for id, e := range o.assignments {
			a := e.value
			if !refreshed(o.runs[id], a.Node, killed) {
				return fmt.Errorf("%s has not refreshed on %s", a.Definition.Name, a.Node)
			}
			if o.nodes[a.Node].time.Before(killed.Add(2 * topics.Heartbeat)) {
				return fmt.Errorf("%s has not renewed its heartbeat", a.Node)
			}
		}
		return nil
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	return max(0, o.fine.Sub(killed))
}

func refreshed(runs []events.CycleReport, node string, since time.Time) bool {
	return slices.ContainsFunc(runs, func(r events.CycleReport) bool {
		return r.Node == node && r.Outcome == events.OutcomeCompleted && r.Start.After(since)
	})
}

// spread waits until the connectors are spread evenly over n nodes and run there, and
// returns how many each has.
func (o *observer) spread(t *testing.T, nodes int) map[string]int {
	t.Helper()
	var counts map[string]int
	await(t, time.Minute, "an even spread", func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		counts = o.counts()
		has := slices.Sorted(maps.Values(counts))
		switch {
		case o.trouble != "":
			return errors.New(o.trouble)
		case len(has) != nodes || has[len(has)-1]-has[0] > 1:
			return fmt.Errorf("%v over %d nodes", counts, nodes)
		}
		return nil
	})
	return counts
}

func (o *observer) counts() map[string]int {
	counts := map[string]int{}
	for _, e := range o.assignments {
		counts[e.value.Node]++
	}
	return counts
}

// generationsElsewhere returns the present generations of the connectors that a node
// does not have.
func (o *observer) generationsElsewhere(node string) map[string]uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[string]uint64{}
	for id, e := range o.assignments {
		if e.value.Node != node {
			found[id] = e.value.Generation
		}
	}
	return found
}

// catalogs waits until every connector has cataloged a file of that name.
func (o *observer) catalogs(t *testing.T, name string) {
	t.Helper()
	await(t, 30*time.Second, "the files "+name+" in the catalog", func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		n := 0
		for file := range o.files {
			if strings.HasSuffix(file, "/"+name) {
				n++
			}
		}
		if n != o.want {
			return fmt.Errorf("%d of %d", n, o.want)
		}
		return nil
	})
}

// overlaps returns the refreshes of one connector that ran in two places at once.
func (o *observer) overlaps() (found []string, runs int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, list := range o.runs {
		runs += len(list)
		slices.SortFunc(list, func(a, b events.CycleReport) int { return a.Start.Compare(b.Start) })
		for i := range list[:max(0, len(list)-1)] {
			if a, b := list[i], list[i+1]; a.Node != b.Node && b.Start.Before(a.End) {
				found = append(found, fmt.Sprintf("%s refreshed on %s until %s and on %s from %s",
					a.Name, a.Node, a.End.Format(time.RFC3339Nano), b.Node, b.Start.Format(time.RFC3339Nano)))
			}
		}
	}
	return found, runs
}

// register applies connectors of the kind files as metadata, one folder each.
func register(t *testing.T, m *client.Client, names []string) {
	t.Helper()
	upsert := func(typeName, qualifiedName string, values map[string]any) events.Command {
		return &events.Upsert{Element: events.ElementSpec{Type: typeName, QualifiedName: qualifiedName, Properties: events.Props(values)}}
	}
	link := func(typeName, end1, end2 string, values map[string]any) events.Command {
		return &events.Link{Relationship: events.RelationshipSpec{
			Type: typeName, End1: events.ByName(end1), End2: events.ByName(end2), Properties: events.Props(values),
		}}
	}
	const group, kind = "IntegrationGroup::cluster", "ConnectorType::files"
	commands := []events.Command{
		upsert("IntegrationGroup", group, map[string]any{"displayName": "cluster"}),
		upsert("ConnectorType", kind, map[string]any{"connectorProviderClassName": "files"}),
	}
	for _, name := range names {
		connector, connection := "IntegrationConnector::"+name, "Connection::"+name
		commands = append(commands,
			upsert("IntegrationConnector", connector, map[string]any{"displayName": name}),
			upsert("Connection", connection, map[string]any{"configurationProperties": map[string]any{
				// All containers share this machine's few inotify instances.
				"path": "/watched/" + name, "hostName": "cluster", "pollOnly": true,
			}}),
			link("AssetConnection", connector, connection, map[string]any{}),
			link("ConnectionConnectorType", connection, kind, map[string]any{}),
			link("RegisteredIntegrationConnector", group, connector, map[string]any{
				"connectorName": name, "refreshSchedule": "@every 5s", "metadataSourceQualifiedName": connector,
			}))
	}
	for part := range slices.Chunk(commands, 400) {
		set, err := events.NewChangeSet(part...)
		if err != nil {
			t.Fatal(err)
		}
		if r := ask(t, m, set); r.Error != nil {
			t.Fatalf("register connectors: %v", r.Error)
		}
	}
}

// ask sends a command and waits for its outcome.
func ask(t *testing.T, m *client.Client, c events.Command) events.Result {
	t.Helper()
	e, err := events.NewCommand("/integration-test", c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := m.Request(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
