package integration_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/coordinator"
	"github.com/camena-io/camena/runtime/host"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// beats counts the refreshes of counting connectors, by node and connector, and records
// which of them run where.
type beats struct {
	mu        sync.Mutex
	refreshes map[string]int
	lives     map[string]string
	twice     []string
}

type beating struct {
	beats *beats
	node  string
	id    string
}

func (b *beating) Start(_ context.Context, c *connectors.Context) error {
	b.id = c.Definition().ID
	b.beats.mu.Lock()
	defer b.beats.mu.Unlock()
	if other := b.beats.lives[b.id]; other != "" {
		b.beats.twice = append(b.beats.twice, fmt.Sprintf("%s on %s and on %s", b.id, other, b.node))
	}
	b.beats.lives[b.id] = b.node
	return nil
}

func (b *beating) Disconnect(context.Context) error {
	b.beats.mu.Lock()
	defer b.beats.mu.Unlock()
	delete(b.beats.lives, b.id)
	return nil
}

func (b *beating) Refresh(context.Context) error {
	b.beats.mu.Lock()
	defer b.beats.mu.Unlock()
	b.beats.refreshes[b.node+" "+b.id]++
	return nil
}

func (b *beats) factory(node string) connectors.Factory {
	return connectors.Factory{Kind: "beating", New: func(events.Properties) (connectors.Connector, error) {
		return &beating{beats: b, node: node}, nil
	}}
}

// counts returns how many connectors run on each node.
func (b *beats) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[string]int{}
	for _, node := range b.lives {
		counts[node]++
	}
	return counts
}

// refreshedOn reports whether every connector has been refreshed n times or
// more on the node.
func (b *beats) refreshedOn(node string, connectors, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	enough := 0
	for key, count := range b.refreshes {
		if strings.HasPrefix(key, node+" ") && count >= n {
			enough++
		}
	}
	return enough == connectors
}

// TestConnectorsFollowTheNodes runs a coordinator and two hosts on one bus; the test
// publishes the metadata in place of a repository.
func TestConnectorsFollowTheNodes(t *testing.T) {
	t.Parallel()
	const n = 20
	b := runtimetest.NewBus(t, runtimetest.NewServer(t))
	run := &beats{refreshes: map[string]int{}, lives: map[string]string{}}
	c, err := coordinator.New(coordinator.Settings{Node: "n", Instance: "i", Bus: b})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, c.Serve)
	serveHost(t, b, run, "a")
	publishRegistrations(t, b, n)
	runtimetest.Eventually(t, "a refreshes them all by schedule", func() bool { return run.refreshedOn("a", n, 2) })

	stop := serveHost(t, b, run, "b")
	runtimetest.Eventually(t, "half moved to b", func() bool { c := run.counts(); return c["a"] == n/2 && c["b"] == n/2 })
	runtimetest.Eventually(t, "b refreshes them by schedule", func() bool { return run.refreshedOn("b", n/2, 2) })

	began := time.Now()
	stop()
	runtimetest.Eventually(t, "all moved back", func() bool { return run.counts()["a"] == n })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a node that says goodbye was replaced only after %s", took)
	}
	if len(run.twice) > 0 {
		t.Errorf("lived twice: %s", run.twice)
	}
}

func serveHost(t *testing.T, b *bus.Bus, run *beats, node string) (stop func()) {
	t.Helper()
	set, err := connectors.NewSet(run.factory(node))
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(host.Settings{
		Node: node, Instance: node + "-process", Bus: b, Connectors: set, Roles: []string{events.RoleHost},
	})
	if err != nil {
		t.Fatal(err)
	}
	return runtimetest.Run(t, h.Serve)
}

// publishRegistrations registers n connectors of one group.
func publishRegistrations(t *testing.T, b *bus.Bus, n int) {
	t.Helper()
	element := func(typeName, guid string, p map[string]any) {
		publishChange(t, b, b.Topics().Element(typeName, guid), events.TypeElementCreated, events.ElementChange{Element: &events.Element{
			Header: events.ElementHeader{GUID: guid, Type: events.ElementType{Name: typeName}}, Properties: events.Props(p),
		}})
	}
	relationship := func(typeName, guid, end1, end2 string, p map[string]any) {
		publishChange(t, b, b.Topics().Relationship(typeName, guid), events.TypeRelationshipCreated,
			events.RelationshipChange{Relationship: &events.Relationship{
				Header: events.ElementHeader{GUID: guid, Type: events.ElementType{Name: typeName}},
				End1:   events.ElementStub{GUID: end1}, End2: events.ElementStub{GUID: end2}, Properties: events.Props(p),
			}})
	}
	element("IntegrationGroup", "group", nil)
	element("IntegrationConnector", "connector", nil)
	element("Connection", "connection", nil)
	element("ConnectorType", "type", map[string]any{"connectorProviderClassName": "beating"})
	relationship("AssetConnection", "asset", "connector", "connection", nil)
	relationship("ConnectionConnectorType", "kind", "connection", "type", nil)
	for i := range n {
		relationship("RegisteredIntegrationConnector", fmt.Sprint("r", i), "group", "connector",
			map[string]any{"connectorName": fmt.Sprint("n", i), "refreshSchedule": "@every 1s"})
	}
}

func publishChange(t *testing.T, b *bus.Bus, subject, typeName string, data any) {
	t.Helper()
	e, err := events.New("/repository", typeName, data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), subject, &e); err != nil {
		t.Fatal(err)
	}
}
