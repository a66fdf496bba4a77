package connectortest

import (
	"context"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph"
)

// history is the out topic: all change events, each at its sequence less one. Of
// what was purged the events are empty.
type history []entry

type entry struct {
	graph.Event
	// actor of a deletion; other changes name theirs in the state.
	actor string
}

var _ graph.Log = history(nil)

// At implements [graph.Log].
func (h history) At(_ context.Context, sequence uint64) (e graph.Event, ok bool, err error) {
	if sequence == 0 || sequence > uint64(len(h)) || h[sequence-1].Type == "" {
		return e, false, nil
	}
	return h[sequence-1].Event, true, nil
}

// Between implements [graph.Log].
func (h history) Between(_ context.Context, first, last uint64, take func(*graph.Event)) error {
	for i := range h[first-1 : last] {
		if e := &h[first-1:][i].Event; e.Type != "" {
			take(e)
		}
	}
	return nil
}

// Of implements [graph.Log]. Everything is kept.
func (h history) Of(_ context.Context, guid string, take func(*graph.Event) error) (most int64, err error) {
	for i := range h {
		if h[i].GUID != guid {
			continue
		}
		if err := take(&h[i].Event); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// purge empties the events about something before a sequence.
func (h history) purge(guid string, before uint64) {
	for i := range h[:before-1] {
		if h[i].GUID == guid {
			h[i] = entry{}
		}
	}
}

// changes returns those behind a sequence, as listeners see them.
func (h history) changes(behind uint64) []connectors.Change {
	var all []connectors.Change
	for i := range h[behind:] {
		if e := &h[behind:][i]; e.isTold() {
			all = append(all, e.change())
		}
	}
	return all
}

// present returns the last change of everything, also of what is gone.
func (h history) present() []connectors.Change {
	last := map[graph.Subject]uint64{}
	for i := range h {
		last[h[i].Subject] = h[i].Sequence
	}
	var changes []connectors.Change
	for i := range h {
		if e := &h[i]; e.isTold() && last[e.Subject] == e.Sequence {
			changes = append(changes, e.change())
		}
	}
	return changes
}

// isTold reports whether listeners may be told of the event: those of fences are
// nobody's concern.
func (e *entry) isTold() bool { return e.Type != "" && e.Type != events.TypeConnectorFenced }

func (e *entry) change() connectors.Change {
	c := connectors.Change{Type: e.Type, Sequence: e.Sequence, Time: e.Time, Actor: e.actor}
	switch {
	case e.Type == events.TypeTypeDefined:
		c.OpenType = decoded[events.TypeChange](e.Data)
	case e.Relationship:
		c.Relationship = decoded[events.RelationshipChange](e.Data)
	default:
		c.Element = decoded[events.ElementChange](e.Data)
	}
	return c
}
