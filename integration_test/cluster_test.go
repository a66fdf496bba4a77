package integration_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/topics"
)

const (
	clusterConnectors = 200
	clusterSenders    = 4
	// recovery is the longest time until every connector runs again, on an idle machine.
	recovery = 10 * time.Second
	// resumption is the longest time after NATS has elected a leader for every stream that
	// lost its own. The servers need four to nine seconds for the election, or more when all
	// of them restart, independently of Camena.
	resumption = 4 * time.Second
	// patience is the factor for these times unless they are strict: this machine may be
	// busy.
	patience = 3
	// strictTimes is the variable that makes the times above strict.
	strictTimes = "CAMENA_STRICT_TIMES"
)

// trial is the cluster with its observer, during all failures.
type trial struct {
	*cluster
	bus      *bus.Bus
	observer *observer
	names    []string // of connectors
	rounds   int
	kills    []killing
}

// killing is one failure, for the figures at the end.
type killing struct {
	what  string
	at    time.Time
	again time.Duration
	// elected is the time that a stream was without a leader.
	elected time.Duration
}

// TestClusterSurvivesKills kills the parts of a cluster of three NATS servers and three
// nodes, one after the other, while four applications send changes and 200 connectors
// run. No change may be lost, applied twice or out of order, and no connector may run in
// two places. The test logs each time; set CAMENA_STRICT_TIMES=1 to fail on those that
// are longer than the documents promise.
//
//nolint:paralleltest // it measures times: other tests would be in its way
func TestClusterSurvivesKills(t *testing.T) {
	requireDocker(t)
	began := time.Now()
	c := &trial{cluster: startCluster(t, "camena-3")}
	c.bus = c.connect(t, "observer")
	c.installed(t, c.bus)
	t.Logf("three servers and three nodes from nothing: %s", time.Since(began).Round(time.Millisecond))
	c.populate(t)

	senders, stop := c.send(t)
	c.killNodes(t)
	c.killServers(t)
	stop()
	if t.Failed() {
		return
	}
	c.verify(t, senders)
	c.healthy(t)
}

// populate registers the connectors, and waits until they run.
func (c *trial) populate(t *testing.T) {
	t.Helper()
	for i := range clusterConnectors {
		c.names = append(c.names, fmt.Sprintf("connector-%03d", i))
	}
	c.touch(t)
	c.observer = observe(t, c.bus, clusterConnectors)
	m := client.New(c.bus, "operator")
	defineCounters(t, m)
	began := time.Now()
	register(t, m, c.names)
	counts := c.observer.spread(t, len(c.nodes))
	t.Logf("%d connectors run after %s: %v", clusterConnectors, time.Since(began).Round(time.Millisecond), counts)
	c.observer.catalogs(t, c.round())
}

func (c *trial) round() string { return fmt.Sprintf("round-%d", c.rounds) }

// touch puts another file into the folder of every connector, on all nodes.
func (c *trial) touch(t *testing.T) {
	t.Helper()
	c.rounds++
	files := []file{{name: "watched/"}}
	for _, name := range c.names {
		folder := "watched/" + name + "/"
		files = append(files, file{name: folder}, file{name: folder + c.round(), content: []byte(c.round())})
	}
	archive, err := pack(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range c.nodes {
		c.boxes[name].copy(t, archive)
	}
}

// send starts applications that send changes over connections of their own.
func (c *trial) send(t *testing.T) (senders []*sender, stop func()) {
	t.Helper()
	enough := make(chan struct{})
	var group errgroup.Group
	for i := range clusterSenders {
		name := fmt.Sprintf("application-%d", i)
		s := newSender(t, c.connect(t, name), name, uint64(i))
		senders = append(senders, s)
		group.Go(func() error { return s.run(t.Context(), enough) })
	}
	return senders, func() {
		close(enough)
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func (c *trial) killNodes(t *testing.T) {
	t.Helper()
	// One of three nodes has neither lease.
	coordinator, writer := holder(t, c.bus, topics.CoordinatorLease), holder(t, c.bus, topics.RepositoryLease)
	plain := c.nodes[slices.IndexFunc(c.nodes, func(n string) bool { return n != coordinator && n != writer })]
	c.survive(t, "a node", plain)
	c.survive(t, "the coordinator", holder(t, c.bus, topics.CoordinatorLease))
	c.survive(t, "the writer", holder(t, c.bus, topics.RepositoryLease))
}

func (c *trial) killServers(t *testing.T) {
	t.Helper()
	names := c.bus.Topics()
	leader := leaders(t, c.bus)[names.OutStream()]
	c.survive(t, "the leader of "+names.OutStream(), leader)
	if next := leaders(t, c.bus)[names.InStream()]; next != leader {
		c.survive(t, "the leader of "+names.InStream(), next)
	}
	c.survive(t, "all servers", c.nats...)
}

// survive kills containers and waits until every connector runs again. Nodes
// and single servers stay dead until then.
func (c *trial) survive(t *testing.T, what string, victims ...string) {
	t.Helper()
	if t.Failed() {
		return
	}
	var led []string
	for stream, leader := range leaders(t, c.bus) {
		if slices.Contains(victims, leader) {
			led = append(led, stream)
		}
	}
	slices.Sort(led)
	node := slices.Contains(c.nodes, victims[0])
	var elsewhere map[string]uint64
	if node {
		elsewhere = c.observer.generationsElsewhere(victims[0])
	}
	killed := time.Now()
	for _, name := range victims {
		c.boxes[name].kill(t)
	}
	if node {
		c.observer.lost(victims[0])
	}
	if len(victims) > 1 {
		for _, name := range victims {
			c.boxes[name].start(t)
		}
	}
	elected(t, c.bus, led)
	k := killing{what: what, at: killed}
	if len(led) > 0 {
		k.elected = time.Since(killed)
	}
	k.again = c.observer.runAgain(t, killed)
	t.Logf("kill -9 of %s (%v, leader of %v): leaders elected after %s, all connectors run again after %s",
		what, victims, led, k.elected.Round(time.Millisecond), k.again.Round(time.Millisecond))
	c.kills = append(c.kills, k)
	limit := max(recovery, k.elected+resumption)
	if len(victims) > 1 {
		limit = k.elected + recovery // all nodes have to find all servers again
	}
	if os.Getenv(strictTimes) == "" {
		limit *= patience
	}
	if k.again > limit {
		c.observer.slowest(t, killed)
		t.Errorf("kill -9 of %s: all connectors run again after %s, want at most %s", what, k.again, limit)
	}
	if node {
		c.keptRunning(t, elsewhere)
	}
	if len(victims) == 1 {
		c.boxes[victims[0]].start(t)
	}
	c.observer.lost("")
	c.touch(t)
	c.observer.catalogs(t, c.round())
	c.observer.spread(t, len(c.nodes))
}

// keptRunning checks that connectors of other nodes were not touched.
func (c *trial) keptRunning(t *testing.T, elsewhere map[string]uint64) {
	t.Helper()
	moved := 0
	now := c.observer.generationsElsewhere("")
	for id, generation := range elsewhere {
		if now[id] != generation {
			moved++
		}
	}
	if moved > 0 {
		t.Errorf("%d connectors of other nodes were moved or restarted", moved)
	}
}

// verify compares the changes with the sent commands.
func (c *trial) verify(t *testing.T, senders []*sender) {
	t.Helper()
	m := client.New(c.bus, "operator")
	// All commands that were sent before this one are applied when this one is.
	last := ask(t, m, &events.Upsert{Element: events.ElementSpec{
		Type: "Location", QualifiedName: "the end", Properties: events.Props(map[string]any{}),
	}})
	found, err := readOut(t.Context(), c.bus)
	if err != nil {
		t.Fatal(err)
	}
	commands, idle, unanswered := 0, 0, 0
	for _, s := range senders {
		for _, problem := range found.compare(s) {
			t.Error(problem)
		}
		c.compareIndex(t, s, m, last.Sequence)
		commands, idle, unanswered = commands+s.commands, idle+s.idle, unanswered+s.unanswered
	}
	for _, problem := range append(found.wrong, found.compareFiles(clusterConnectors*(c.rounds+1))...) {
		t.Error(problem)
	}
	overlaps, runs := c.observer.overlaps()
	for _, overlap := range overlaps {
		t.Error(overlap)
	}
	t.Logf("%d commands (%d without effect, %d outcomes not heard of) and %d refreshes led to %d change events",
		commands, idle, unanswered, runs, found.events)
	for i, k := range c.kills {
		until := time.Now()
		if i+1 < len(c.kills) {
			until = c.kills[i+1].at
		}
		t.Logf("kill -9 of %-24s: leaders after %7s, connectors after %7s, changes stood still for %7s", k.what,
			k.elected.Round(time.Millisecond), k.again.Round(time.Millisecond), found.stall(k.at, until).Round(time.Millisecond))
	}
	c.verifyDeadLetters(t)
}

// compareIndex compares the answers of the repository with the last commands.
func (*trial) compareIndex(t *testing.T, s *sender, m *client.Client, sequence uint64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s.model)) {
		steps := s.model[name]
		want := steps[len(steps)-1]
		a, err := events.Ask(t.Context(), m, &events.Get{ElementRef: events.ByName(name), MinSequence: sequence})
		switch {
		case want.Event == events.TypeElementDeleted:
			if events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s: %v; it was deleted", name, err)
			}
		case want.Event == events.TypeRelationshipCreated, want.Event == events.TypeRelationshipUpdated:
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case a.Element.Header.Versions.Version != want.Version:
			t.Errorf("%s: the repository has version %d, want %d", name, a.Element.Header.Versions.Version, want.Version)
		}
	}
}

// verifyDeadLetters looks for refused commands: only those may be refused that a
// connector sent after it had been assigned to another node.
func (c *trial) verifyDeadLetters(t *testing.T) {
	t.Helper()
	stale := 0
	err := c.bus.Read(t.Context(), c.bus.Topics().DeadLetterStream(), []string{c.bus.Topics().DeadLetters()}, func(m *bus.Message) error {
		e, err := m.Event()
		if err != nil {
			return err
		}
		if code := e.Extension(events.ExtReasonCode); code == string(events.CodeStale) {
			stale++
		} else {
			t.Errorf("dead letter from %s: %s: %s", e.Extension(events.ExtOriginSubject), code, e.Extension(events.ExtReason))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d commands of connectors that had been given to another node were refused", stale)
}
