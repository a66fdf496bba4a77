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

// State is all that decides which node runs what.
type State struct {
	Now time.Time
	// Settled says that a node without a heartbeat is dead. Until then it is
	// presumed to live: it keeps what it has.
	Settled bool
	// Revision is one that no generation given so far exceeds, also none of a
	// connector that was removed.
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
	// Retire removes the schedules of a connector that has been released and
	// is not to run for the time being.
	Retire Op = "retire"
	// Remove takes the connector away for good.
	Remove Op = "remove"
	// Forget removes the status of a connector that is no more.
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

// Plan returns the next steps towards what is desired; none when all is as it
// should be, or when others have to do something first. The steps concern a
// connector each, so that they can be taken in any order.
func Plan(s State) []Action {
	p := &planner{State: s, placement: newPlacement(s.offers())}
	p.place()
	known := map[string]bool{}
	for i := range p.Desired {
		known[p.Desired[i].ID] = true
		p.direct(&p.Desired[i])
	}
	for _, c := range p.Incomplete {
		p.refuse(c)
	}
	p.cleanUp(known)
	return p.actions
}

type planner struct {
	State
	placement *placement
	actions   []Action
}

func (s *State) offers() map[string][]string {
	offers := make(map[string][]string, len(s.Nodes))
	for name := range s.Nodes {
		offers[name] = s.Nodes[name].Kinds
	}
	return offers
}

// place decides where each connector belongs. Who runs already stays, unless
// the spread is uneven.
func (p *planner) place() {
	slices.SortFunc(p.Desired, func(a, b events.Definition) int { return cmp.Compare(a.ID, b.ID) })
	var homeless []*events.Definition
	for i := range p.Desired {
		d := &p.Desired[i]
		node := p.Assignments[d.ID].Node
		switch {
		case !p.due(d) || p.presumed(node):
		case slices.Contains(p.Nodes[node].Kinds, d.Kind):
			p.placement.put(d.ID, d.Kind, node)
		default:
			homeless = append(homeless, d)
		}
	}
	for _, d := range homeless {
		p.placement.settle(d.ID, d.Kind)
	}
	p.placement.balance()
}

// due reports whether the connector is to run now (Egeria: startDate, stopDate).
func (s *State) due(d *events.Definition) bool {
	return !s.Now.Before(d.Start) && (d.Stop.IsZero() || s.Now.Before(d.Stop))
}

// direct takes the next step for a connector that is registered.
func (p *planner) direct(d *events.Definition) {
	a, assigned := p.Assignments[d.ID]
	switch node := p.placement.node[d.ID]; {
	case !p.due(d):
		p.rest(d, a, assigned)
	case p.presumed(a.Node):
		p.update(d, a)
	case node == "":
		p.strand(d, a)
	case !assigned:
		p.begin(d, node)
	case a.Node == node:
		p.update(d, a)
	case a.Node == "" && (node == a.From || p.released(d.ID, a)), a.Node != "" && !p.lives(a.Node):
		p.write(Assign, events.Assignment{Definition: *d, Node: node, Generation: a.Generation + 1})
	case a.Node != "":
		p.release(d, a)
	}
}

// begin assigns a connector that has no assignment; a node that still runs it
// under one that was removed has to stop it first.
func (p *planner) begin(d *events.Definition, node string) {
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

// rest sees to a connector outside the time in which it is to run.
func (p *planner) rest(d *events.Definition, a events.Assignment, assigned bool) {
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

// strand sees to a connector that no living node can run.
func (p *planner) strand(d *events.Definition, a events.Assignment) {
	switch {
	case p.lives(a.Node):
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

// refuse sees to a registration that is not complete.
func (p *planner) refuse(c registration.Incomplete) {
	if _, assigned := p.Assignments[c.ID]; !assigned {
		p.explain(&events.Definition{ID: c.ID, Name: c.Name}, 0, events.StatusConfigFailed, c.Err.Error())
	}
}

// cleanUp removes what belongs to connectors that are no longer registered.
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

// explain shows a status and its reason, unless a node has its own to show.
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

func (s *State) lives(node string) bool {
	_, ok := s.Nodes[node]
	return ok
}

// presumed reports whether a node counts as living though it has no heartbeat.
func (s *State) presumed(node string) bool {
	return node != "" && !s.Settled && !s.lives(node)
}

// runs reports whether a node runs the connector, as far as can be known. A
// failed connector, which its node starts again, runs.
func (s *State) runs(connector string) bool {
	r, ok := s.Reports[connector]
	if !ok || r.Node == "" || stopped(&r) {
		return false
	}
	return s.presumed(r.Node) || s.lives(r.Node) && s.Nodes[r.Node].Instance == r.Instance
}

// released reports whether the node that a connector is taken from has let go
// of it. A report that is older than what the node was given last says nothing.
func (s *State) released(connector string, a events.Assignment) bool {
	if a.From == "" || !s.lives(a.From) {
		return !s.presumed(a.From)
	}
	r, ok := s.Reports[connector]
	return ok && r.Node == a.From && stopped(&r) && r.Generation+1 >= a.Generation
}

func stopped(r *events.ConnectorReport) bool {
	return r.Status == events.StatusStopped || r.Status == events.StatusShutdown
}
