package connectortest

import (
	"slices"

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

// changes returns the changes after a sequence as listeners see them, without fences.
func (h *history) changes(after uint64) (all []connectors.Change) {
	for _, e := range h.Events[after:] {
		if e.Type == "" || e.Type == events.TypeConnectorFenced {
			continue
		}
		p, _ := events.DecodeChange(e.Type, e.Data) // the graph encoded it
		all = append(all, connectors.Change{
			Type: e.Type, Sequence: e.Sequence, Time: e.Time, Actor: e.Actor,
			Element: p.Element, Relationship: p.Relationship, OpenType: p.OpenType,
		})
	}
	return all
}

// present returns the last change of each subject, deletions included.
func (h *history) present() []connectors.Change {
	last := map[index.Subject]uint64{}
	for i := range h.Events {
		last[h.Events[i].Subject] = h.Events[i].Sequence
	}
	return slices.DeleteFunc(h.changes(0), func(c connectors.Change) bool {
		return last[h.Events[c.Sequence-1].Subject] != c.Sequence
	})
}
