package client

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Connector is what is known of one connector: what it should be, where it runs,
// and what its node reports.
type Connector struct {
	Name       string                  `json:"name"`
	State      string                  `json:"state"`
	Definition *events.Definition      `json:"definition,omitempty"`
	Node       string                  `json:"node,omitempty"`
	Generation uint64                  `json:"generation,omitzero"`
	Report     *events.ConnectorReport `json:"report,omitempty"`
}

// The states of a connector that are not statuses of a report.
const (
	StateUnassigned = "UNASSIGNED"
	StateStarting   = "STARTING"
	StateNodeDown   = "NODE_DOWN"
)

// Connectors returns all connectors, by name.
func (c *Client) Connectors(ctx context.Context) ([]Connector, error) {
	assignments, err := bucketValues[events.Assignment](ctx, c.bus, c.bus.Topics().AssignmentsBucket())
	if err != nil {
		return nil, err
	}
	reports, err := bucketValues[events.ConnectorReport](ctx, c.bus, c.bus.Topics().StatusBucket())
	if err != nil {
		return nil, err
	}
	nodes, err := bucketValues[events.Node](ctx, c.bus, c.bus.Topics().NodesBucket())
	if err != nil {
		return nil, err
	}
	return joinConnectors(assignments, reports, nodes), nil
}

func joinConnectors(assignments map[string]events.Assignment, reports map[string]events.ConnectorReport, nodes map[string]events.Node) []Connector {
	list := []Connector{}
	for id, a := range assignments {
		v := Connector{Name: a.Definition.Name, Definition: &a.Definition, Node: a.Node, Generation: a.Generation}
		if r, ok := reports[id]; ok {
			v.Report = &r
		}
		v.State = stateOf(&v, nodes)
		list = append(list, v)
	}
	for id, r := range reports {
		if _, ok := assignments[id]; !ok {
			list = append(list, Connector{Name: cmp.Or(r.Name, id), State: string(r.Status), Report: &r})
		}
	}
	slices.SortFunc(list, func(a, b Connector) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// stateOf is the status that the node reports, unless the report is about an
// earlier assignment or an earlier process of the node.
func stateOf(v *Connector, nodes map[string]events.Node) string {
	node, alive := nodes[v.Node]
	switch {
	case v.Node == "" && v.Report != nil && v.Report.Error != "":
		return string(v.Report.Status)
	case v.Node == "":
		return StateUnassigned
	case !alive:
		return StateNodeDown
	case v.Report == nil || v.Report.Generation != v.Generation:
		return StateStarting
	case v.Report.Instance != "" && v.Report.Instance != node.Instance:
		return StateStarting
	default:
		return string(v.Report.Status)
	}
}

// AwaitRemoved waits until no node runs a connector any more, after which it
// catalogs nothing again.
func (c *Client) AwaitRemoved(ctx context.Context, name string) error {
	for end := time.Now().Add(placingPatience); time.Now().Before(end); {
		all, err := c.Connectors(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(v Connector) bool { return v.Name == name }) {
			return nil
		}
		if err := bus.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return events.Errorf(events.CodeUnavailable, "", "%s has not stopped within %s; is a coordinator running? What it has cataloged stays", name, placingPatience)
}

// Connector returns the connector with a name, or with that id of its
// registration. The error is [events.CodeNotFound] if there is none, and
// [events.CodeConflict] if several have the name.
func (c *Client) Connector(ctx context.Context, name string) (Connector, error) {
	all, err := c.Connectors(ctx)
	if err != nil {
		return Connector{}, err
	}
	var found []Connector
	for _, v := range all {
		if v.Definition != nil && v.Definition.ID == name {
			return v, nil
		}
		if v.Name == name {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Connector{}, events.Errorf(events.CodeNotFound, "/connector", "there is no connector %q", name)
	default:
		return Connector{}, events.Errorf(events.CodeConflict, "/connector", "%d connectors have the name %q; give the id of one", len(found), name)
	}
}
