package coordinator_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/coordinator"
)

// cluster is a model of an installation: nodes obey assignments in their own
// time.
type cluster struct {
	desired     map[string]events.Definition
	nodes       map[string]events.Node
	runs        map[string]map[string]uint64 // node: connector: generation
	assignments map[string]events.Assignment
	reports     map[string]events.ConnectorReport
	revision    uint64
	instances   int
	moves       int
}

func newCluster() *cluster {
	return &cluster{
		desired: map[string]events.Definition{}, nodes: map[string]events.Node{}, runs: map[string]map[string]uint64{},
		assignments: map[string]events.Assignment{}, reports: map[string]events.ConnectorReport{},
	}
}

// boot starts a node, or starts it again; what it ran before has ended.
func (c *cluster) boot(name string, kinds ...string) {
	c.instances++
	c.nodes[name] = events.Node{Name: name, Instance: fmt.Sprint(name, "-", c.instances), Roles: []string{events.RoleHost}, Kinds: kinds}
	c.runs[name] = map[string]uint64{}
}

func (c *cluster) kill(name string) {
	delete(c.nodes, name)
	delete(c.runs, name)
}

// coordinate takes the steps that Plan returns, and returns how many.
func (c *cluster) coordinate() int {
	actions := coordinator.Plan(coordinator.State{
		Now: noon(), Settled: true, Revision: c.revision, Desired: slices.Collect(maps.Values(c.desired)),
		Nodes: c.nodes, Assignments: maps.Clone(c.assignments), Reports: maps.Clone(c.reports),
	})
	for _, a := range actions {
		c.revision++
		switch a.Op {
		case coordinator.Remove:
			delete(c.assignments, a.Connector)
		case coordinator.Forget:
			delete(c.reports, a.Connector)
		case coordinator.Explain:
			c.reports[a.Connector] = a.Report
		default:
			if a.Op == coordinator.Release || a.Op == coordinator.Assign && c.assignments[a.Connector].Node != "" {
				c.moves++
			}
			c.assignments[a.Connector] = a.Assignment
		}
	}
	return len(actions)
}

// obey lets a node do what it is assigned.
func (c *cluster) obey(name string) {
	for id := range c.runs[name] {
		if c.assignments[id].Node != name {
			c.stop(name, id)
		}
	}
	for id, a := range c.assignments {
		switch {
		case a.Node == name:
			c.runs[name][id] = a.Generation
			c.tell(name, id, a.Generation, events.StatusWaiting)
		case a.From == name:
			c.stop(name, id)
		}
	}
}

func (c *cluster) stop(name, id string) {
	generation := max(c.runs[name][id], c.assignments[id].Generation)
	delete(c.runs[name], id)
	if c.reports[id].Generation <= generation {
		c.tell(name, id, generation, events.StatusStopped)
	}
}

func (c *cluster) tell(name, id string, generation uint64, status events.ConnectorStatus) {
	c.reports[id] = events.ConnectorReport{
		Connector: id, Node: name, Instance: c.nodes[name].Instance, Generation: generation, Status: status,
	}
}

// converge lets everybody act until nothing is left to do.
func (c *cluster) converge(t *rapid.T) {
	t.Helper()
	for range 10 {
		n := c.coordinate()
		for name := range c.nodes {
			c.obey(name)
		}
		if n == 0 && c.coordinate() == 0 {
			return
		}
	}
	t.Fatal("does not converge")
}

// checkApart fails if a connector runs in two places.
func (c *cluster) checkApart(t *rapid.T) {
	t.Helper()
	where := map[string]string{}
	for node, runs := range c.runs {
		for id := range runs {
			if other, twice := where[id]; twice {
				t.Fatalf("%s runs on %s and on %s", id, node, other)
			}
			where[id] = node
		}
	}
}

// checkSettled fails unless every connector that can run does.
func (c *cluster) checkSettled(t *rapid.T) {
	t.Helper()
	for id, d := range c.desired {
		able := slices.DeleteFunc(slices.Collect(maps.Keys(c.nodes)), func(n string) bool {
			return !slices.Contains(c.nodes[n].Kinds, d.Kind)
		})
		running := slices.DeleteFunc(slices.Collect(maps.Keys(c.nodes)), func(n string) bool {
			_, runs := c.runs[n][id]
			return !runs
		})
		if len(able) > 0 && (len(running) != 1 || !slices.Contains(able, running[0])) {
			t.Fatalf("%s runs on %q, want one of %q", id, running, able)
		}
		if len(able) == 0 && c.reports[id].Error == "" {
			t.Fatalf("%s can run nowhere, and nobody says so: %+v", id, c.reports[id])
		}
	}
	for node, runs := range c.runs {
		for id := range runs {
			if _, wanted := c.desired[id]; !wanted {
				t.Fatalf("%s still runs on %s", id, node)
			}
		}
	}
	for id := range c.reports {
		if _, wanted := c.desired[id]; !wanted {
			t.Fatalf("the status of %s is left", id)
		}
	}
}

// spread returns the greatest difference between two nodes, of a kind or, with
// kind empty, in total.
func (c *cluster) spread(kind string) int {
	var counts []int
	for name := range c.nodes {
		n := 0
		for id := range c.runs[name] {
			if kind == "" || c.desired[id].Kind == kind {
				n++
			}
		}
		counts = append(counts, n)
	}
	return slices.Max(counts) - slices.Min(counts)
}

func kinds() []string { return []string{"files", "openapi", "postgres"} }

func (c *cluster) add(kind string, n int) {
	for range n {
		id := fmt.Sprintf("c%04d", len(c.desired))
		c.desired[id] = definition(id, kind)
	}
}

func TestClusterKeepsItsPromisesWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster()
		node := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		id := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("c", rapid.IntRange(0, 20).Draw(t, "id")) })
		t.Repeat(map[string]func(*rapid.T){
			"boot": func(t *rapid.T) {
				offered := rapid.SliceOfNDistinct(rapid.SampledFrom(kinds()), 1, 3, rapid.ID).Draw(t, "kinds")
				c.boot(node.Draw(t, "node"), offered...)
			},
			"kill": func(t *rapid.T) { c.kill(node.Draw(t, "node")) },
			"register": func(t *rapid.T) {
				id := id.Draw(t, "id")
				c.desired[id] = definition(id, rapid.SampledFrom(kinds()).Draw(t, "kind"))
			},
			"unregister": func(t *rapid.T) { delete(c.desired, id.Draw(t, "id")) },
			"coordinate": func(*rapid.T) { c.coordinate() },
			"obey": func(t *rapid.T) {
				if name := node.Draw(t, "node"); c.nodes[name].Name != "" {
					c.obey(name)
				}
			},
			"": func(t *rapid.T) { c.checkApart(t) },
		})
		c.converge(t)
		c.checkApart(t)
		c.checkSettled(t)
	})
}

func TestSpreadIsEven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster()
		for i := range rapid.IntRange(1, 7).Draw(t, "nodes") {
			c.boot(fmt.Sprint("n", i), kinds()...)
		}
		for _, kind := range kinds() {
			c.add(kind, rapid.IntRange(0, 40).Draw(t, kind))
		}
		change := rapid.SampledFrom([]func(){func() {}, func() { c.boot("new", kinds()...) }, func() {
			if len(c.nodes) > 1 {
				c.kill("n0")
			}
		}}).Draw(t, "change")
		c.converge(t)
		change()
		c.converge(t)
		for _, kind := range append(kinds(), "") {
			if got := c.spread(kind); got > 1 {
				t.Fatalf("the nodes differ by %d in %q", got, kind)
			}
		}
	})
}

// TestOneNodeMoreOrLess counts moves: a node that comes takes its share, and
// only that; of a node that goes only what it had moves.
func TestOneNodeMoreOrLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster()
		nodes := rapid.IntRange(1, 9).Draw(t, "nodes")
		for i := range nodes {
			c.boot(fmt.Sprint("n", i), "files")
		}
		total := rapid.IntRange(0, 300).Draw(t, "connectors")
		c.add("files", total)
		c.converge(t)

		c.moves = 0
		c.boot("new", "files")
		c.converge(t)
		if share := total / (nodes + 1); c.moves != share {
			t.Fatalf("%d of %d moved to the new one of %d nodes, want %d", c.moves, total, nodes+1, share)
		}

		c.moves = 0
		lost := len(c.runs["n0"])
		c.kill("n0")
		c.converge(t)
		if c.moves != lost {
			t.Fatalf("%d moved, but the lost node had %d", c.moves, lost)
		}
	})
}

func TestKindsMoveLittleMoreThanTheirShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster()
		nodes := rapid.IntRange(1, 6).Draw(t, "nodes")
		for i := range nodes {
			c.boot(fmt.Sprint("n", i), kinds()...)
		}
		for _, kind := range kinds() {
			c.add(kind, rapid.IntRange(0, 60).Draw(t, kind))
		}
		c.converge(t)
		c.moves = 0
		c.boot("new", kinds()...)
		c.converge(t)
		if most := len(c.desired)/(nodes+1) + len(kinds()); c.moves > most {
			t.Fatalf("%d of %d moved to one of %d nodes, want at most %d", c.moves, len(c.desired), nodes+1, most)
		}
	})
}
