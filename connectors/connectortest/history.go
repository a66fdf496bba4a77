package connectortest

import (
	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

// history is the out topic: all change events.
type history struct{ index.Events }

// add appends the changes of a command.
func (h *history) add(o *graph.Outcome, q *graph.Request) {
	before := len(h.Events)
	h.Events = o.AppendEvents(h.Events, q.Sequence, q.Time)
	for i := range o.Len() {
		if o.Change(i).ActorMissing {
			h.Events[before+i].Actor = q.Actor
		}
	}
}

// changes returns those after a sequence, as listeners see them.
func (h *history) changes(behind uint64) []connectors.Change {
	var all []connectors.Change
	for i := range h.Events[behind:] {
		if e := &h.Events[behind:][i]; isTold(e) {
			all = append(all, changeOf(e))
		}
	}
	return all
}

// present returns the last change of everything, also of what is gone.
func (h *history) present() []connectors.Change {
	last := map[index.Subject]uint64{}
	for i := range h.Events {
		last[h.Events[i].Subject] = h.Events[i].Sequence
	}
	var changes []connectors.Change
	for i := range h.Events {
		if e := &h.Events[i]; isTold(e) && last[e.Subject] == e.Sequence {
			changes = append(changes, changeOf(e))
		}
	}
	return changes
}

// isTold reports whether listeners may be told of the event: those of fences are
// nobody's concern.
func isTold(e *index.Event) bool { return e.Type != "" && e.Type != events.TypeConnectorFenced }

func changeOf(e *index.Event) connectors.Change {
	p, err := events.DecodeChange(e.Type, e.Data)
	if err != nil {
		return connectors.Change{Type: e.Type, Sequence: e.Sequence} // it cannot be: the graph wrote it
	}
	return connectors.Change{
		Type: e.Type, Sequence: e.Sequence, Time: e.Time, Actor: e.Actor,
		Element: p.Element, Relationship: p.Relationship, OpenType: p.OpenType,
	}
}
