package coordinator_test

import (
	"fmt"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/coordinator"
)

// BenchmarkPlan looks at ten thousand connectors on ten nodes, all as they
// should be.
func BenchmarkPlan(b *testing.B) {
	c := newCluster()
	for i := range 10 {
		c.boot(fmt.Sprint("n", i), kinds()...)
	}
	for _, kind := range kinds() {
		c.add(kind, 3334)
	}
	for c.coordinate() > 0 {
	}
	var desired []events.Definition
	for _, d := range c.desired {
		desired = append(desired, d)
	}
	s := coordinator.State{
		Now: noon(), Settled: true, Desired: desired, Nodes: c.nodes, Assignments: c.assignments, Reports: c.reports,
	}
	b.ReportAllocs()
	for b.Loop() {
		if actions := coordinator.Plan(s); len(actions) > 0 {
			b.Fatalf("%d actions", len(actions))
		}
	}
}
