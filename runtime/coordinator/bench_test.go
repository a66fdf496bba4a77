package coordinator_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/coordinator"
)

// BenchmarkDesired gathers the definitions of ten thousand connectors, each
// with elements of its own, after one of them changed.
func BenchmarkDesired(b *testing.B) {
	view := &coordinator.View{}
	var last connectors.Change
	for i := range 10_000 {
		m := registration(props{"refreshSchedule": "@every 10s"})
		for _, c := range m.changes() {
			if c.Element != nil {
				c.Element.Element.Header.GUID += strconv.Itoa(i)
				last = c
			} else {
				c.Relationship.Relationship.Header.GUID += strconv.Itoa(i)
				c.Relationship.Relationship.End1.GUID += strconv.Itoa(i)
				c.Relationship.Relationship.End2.GUID += strconv.Itoa(i)
			}
			view.Apply(&c)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		view.Apply(&last)
		if desired, _ := view.Desired(); len(desired) != 10_000 {
			b.Fatalf("%d", len(desired))
		}
	}
}

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
