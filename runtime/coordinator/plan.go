package coordinator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
)

// State is the input of [Plan].
type State struct {
	Now time.Time
	// Settled says that a node without a heartbeat is dead. Before, it is
	// presumed alive and keeps its connectors.
	Settled bool
	// Revision is at least as high as every generation given so far, those of
	// removed connectors included.
	Revision uint64
	// Desired are the complete registrations, Incomplete the others.
	Desired    []events.Definition
	Incomplete []registration.Incomplete
	// Nodes are the living hosts by name.
	Nodes map[string]events.Node
	// Assignments and Reports are by the id of the connector.
	Assignments map[string]events.Assignment
	Reports     map[string]events.ConnectorReport
}

// Op is what an [Action] does.
type Op string

// The operations.
const (
	// Assign gives the connector to a node.
	Assign Op = "assign"
	// Update tells the node that the connector's definition has changed.
	Update Op = "update"
	// Release asks the node to stop the connector.
	Release Op = "release"
	// Retire removes the schedules of a released connector that stays stopped.
	Retire Op = "retire"
	// Remove removes the assignment of a connector that is not registered any more.
	Remove Op = "remove"
	// Forget removes the status of such a connector.
	Forget Op = "forget"
	// Explain shows in the status why a connector does not run.
	Explain Op = "explain"
)

// Action is one step towards what is desired.
type Action struct {
	Op        Op
	Connector string
	// Assignment is what to write: for Assign, Update, Release and Retire.
	Assignment events.Assignment
	// Report is what to show: for Explain.
	Report events.ConnectorReport
}

// Plan returns the next steps towards the desired state; none when it is
// reached, or when nodes have to act first. Each step concerns one connector,
// so that the steps can be taken in any order.
func Plan(s State) []Action {
	p := &planner{State: s, placement: newPlacement(s.Nodes)}
	p.place()
	known := map[string]bool{}
	for i := range p.Desired {
		known[p.Desired[i].ID] = true
		p.step(&p.Desired[i])
	}
	for _, c := range p.Incomplete {
		p.explainIncomplete(c)
	}
	p.cleanUp(known)
	return p.actions
}

type planner struct {
	State
	placement *placement
	actions   []Action
}

// place decides which node runs each connector. A running connector stays where
// it is unless the spread is uneven.
func (p *planner) place() {
	slices.SortFunc(p.Desired, func(a, b events.Definition) int { return cmp.Compare(a.ID, b.ID) })
	var unplaced []*events.Definition
	for i := range p.Desired {
		d := &p.Desired[i]
		node := p.Assignments[d.ID].Node
		switch {
		case !p.due(d) || p.presumedAlive(node):
		case slices.Contains(p.Nodes[node].Kinds, d.Kind):
			p.placement.put(d.ID, d.Kind, node)
		default:
			unplaced = append(unplaced, d)
		}
	}
	for _, d := range unplaced {
		p.placement.place(d.ID, d.Kind)
	}
	p.placement.balance()
}

// due reports whether the connector is to run now (Egeria: startDate, stopDate).
func (s *State) due(d *events.Definition) bool {
	return !s.Now.Before(d.Start) && (d.Stop.IsZero() || s.Now.Before(d.Stop))
}

// step takes the next step for a registered connector.
func (p *planner) step(d *events.Definition) {
	a, assigned := p.Assignments[d.ID]
	switch node := p.placement.node[d.ID]; {
	case !p.due(d):
		p.stayStopped(d, a, assigned)
	case p.presumedAlive(a.Node):
		p.update(d, a)
	case node == "":
		p.withoutNode(d, a)
	case !assigned:
		p.assignNew(d, node)
	case a.Node == node:
		p.update(d, a)
	case a.Node == "" && (node == a.From || p.released(d.ID, a)), a.Node != "" && !p.alive(a.Node):
		p.write(Assign, events.Assignment{Definition: *d, Node: node, Generation: a.Generation + 1})
	case a.Node != "":
		p.release(d, a)
	}
}

// assignNew assigns a connector that has no assignment. A node that still runs
// it under a removed assignment has to stop it first.
func (p *planner) assignNew(d *events.Definition, node string) {
	if r := p.Reports[d.ID]; r.Node == node || !p.runs(d.ID) {
		p.write(Assign, events.Assignment{Definition: *d, Node: node, Generation: p.Revision + 1})
	}
}

func (p *planner) update(d *events.Definition, a events.Assignment) {
	if d.Equal(&a.Definition) {
		return
	}
	a.Definition = *d
	p.write(Update, a)
}

func (p *planner) release(d *events.Definition, a events.Assignment) {
	p.write(Release, events.Assignment{Definition: *d, From: a.Node, Generation: a.Generation + 1})
}

// stayStopped stops a connector outside its start and stop dates.
func (p *planner) stayStopped(d *events.Definition, a events.Assignment, assigned bool) {
	switch {
	case !assigned && p.Now.Before(d.Start):
		p.explain(d, 0, events.StatusStopped, "starts at "+d.Start.Format(time.RFC3339))
	case !assigned:
		p.explain(d, 0, events.StatusStopped, "was to stop at "+d.Stop.Format(time.RFC3339))
	case a.Node != "":
		p.release(d, a)
	case a.From != "":
		p.retire(d, a)
	}
}

// retire ends the release of a connector that is given to no other node.
func (p *planner) retire(d *events.Definition, a events.Assignment) {
	if p.released(d.ID, a) {
		p.write(Retire, events.Assignment{Definition: *d, Generation: a.Generation})
	}
}

// withoutNode releases or explains a connector that no living node can run.
func (p *planner) withoutNode(d *events.Definition, a events.Assignment) {
	switch {
	case p.alive(a.Node):
		p.release(d, a)
	case a.From != "":
		p.retire(d, a)
	case !p.Settled:
	case len(p.Nodes) == 0:
		p.explain(d, a.Generation, events.StatusStopped, "no node with the role "+events.RoleHost+" is alive")
	default:
		p.explain(d, a.Generation, events.StatusConfigFailed, fmt.Sprintf("no node offers connectors of the kind %q", d.Kind))
	}
}

// explainIncomplete shows why a registration does not run.
func (p *planner) explainIncomplete(c registration.Incomplete) {
	if _, assigned := p.Assignments[c.ID]; !assigned {
		p.explain(&events.Definition{ID: c.ID, Name: c.Name}, 0, events.StatusConfigFailed, c.Err.Error())
	}
}

// cleanUp removes assignments and statuses of connectors that are no longer
// registered.
func (p *planner) cleanUp(known map[string]bool) {
	for _, id := range slices.Sorted(maps.Keys(p.Assignments)) {
		if !known[id] {
			p.actions = append(p.actions, Action{Op: Remove, Connector: id})
		}
	}
	for _, c := range p.Incomplete {
		known[c.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(p.Reports)) {
		if _, assigned := p.Assignments[id]; !known[id] && !assigned && !p.runs(id) {
			p.actions = append(p.actions, Action{Op: Forget, Connector: id})
		}
	}
}

func (p *planner) write(op Op, a events.Assignment) {
	p.actions = append(p.actions, Action{Op: op, Connector: a.Definition.ID, Assignment: a})
}

// explain shows a status and its reason, unless a node runs the connector.
func (p *planner) explain(d *events.Definition, generation uint64, status events.ConnectorStatus, reason string) {
	r, shown := p.Reports[d.ID]
	if p.runs(d.ID) || shown && r.Node == "" && r.Status == status && r.Error == reason {
		return
	}
	p.actions = append(p.actions, Action{Op: Explain, Connector: d.ID, Report: events.ConnectorReport{
		Connector: d.ID, Name: d.Name, Kind: d.Kind, Generation: generation,
		Status: status, Since: p.Now, Error: reason,
	}})
}

func (s *State) alive(node string) bool {
	_, ok := s.Nodes[node]
	return ok
}

// presumedAlive reports whether a node counts as alive without a heartbeat.
func (s *State) presumedAlive(node string) bool {
	return node != "" && !s.Settled && !s.alive(node)
}

// runs reports whether a node runs the connector, as far as is known. A failed
// connector counts as running, because its node restarts it.
func (s *State) runs(connector string) bool {
	r, ok := s.Reports[connector]
	if !ok || r.Node == "" || stopped(&r) {
		return false
	}
	return s.presumedAlive(r.Node) || s.alive(r.Node) && s.Nodes[r.Node].Instance == r.Instance
}

// released reports whether the node that a connector is taken from has stopped
// it. A report older than the node's last assignment does not count.
func (s *State) released(connector string, a events.Assignment) bool {
	if a.From == "" || !s.alive(a.From) {
		return !s.presumedAlive(a.From)
	}
	r, ok := s.Reports[connector]
	return ok && r.Node == a.From && stopped(&r) && r.Generation+1 >= a.Generation
}

func stopped(r *events.ConnectorReport) bool {
	return r.Status == events.StatusStopped || r.Status == events.StatusShutdown
}
