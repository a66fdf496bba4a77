package client_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func TestStatesOfConnectors(t *testing.T) {
	t.Parallel()
	nodes := map[string]events.Node{"n": {Name: "n", Instance: "2"}}
	report := func(generation uint64, instance string) *events.ConnectorReport {
		return &events.ConnectorReport{Status: events.StatusWaiting, Generation: generation, Instance: instance}
	}
	for _, c := range []struct {
		node   string
		report *events.ConnectorReport
		want   string
	}{
		{"n", report(7, "2"), "WAITING"},
		{"n", report(6, "2"), client.StateStarting},
		{"n", report(7, "1"), client.StateStarting},
		{"n", nil, client.StateStarting},
		{"gone", report(7, "2"), client.StateNodeDown},
		{"", report(7, "2"), client.StateUnassigned},
		{"", &events.ConnectorReport{Status: events.StatusConfigFailed, Error: "no node has it"}, "CONFIG_FAILED"},
	} {
		assignments := map[string]events.Assignment{"id": {Definition: events.Definition{Name: "c"}, Node: c.node, Generation: 7}}
		reports := map[string]events.ConnectorReport{}
		if c.report != nil {
			reports["id"] = *c.report
		}
		views := client.JoinConnectors(assignments, reports, nodes)
		if len(views) != 1 || views[0].State != c.want {
			t.Errorf("%+v: %+v, want %s", c, views, c.want)
		}
	}
	lone := client.JoinConnectors(nil, map[string]events.ConnectorReport{"id": {Name: "c", Status: events.StatusConfigFailed}}, nodes)
	if len(lone) != 1 || lone[0].Name != "c" || lone[0].State != "CONFIG_FAILED" {
		t.Errorf("a report without assignment: %+v", lone)
	}
}
