package connectortest

import (
	"slices"
	"strings"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

func (w *writer) classify(c *events.Classify) (events.Result, error) {
	have := w.find(c.Element)
	if have == nil {
		return events.Result{}, notFound("/element")
	}
	if err := w.mayChange(&have.Header); err != nil {
		return events.Result{}, err
	}
	next := *have
	w.mark(&next, c.Classification)
	return w.outcome(have.Header.GUID), nil
}

func (w *writer) declassify(c *events.Declassify) (events.Result, error) {
	have := w.find(c.Element)
	if have == nil {
		return events.Result{}, notFound("/element")
	}
	if err := w.mayChange(&have.Header); err != nil {
		return events.Result{}, err
	}
	next := *have
	w.unmark(&next, c.ClassificationName)
	return w.outcome(have.Header.GUID), nil
}

// mark puts a classification on e, a copy of what is stored.
func (w *writer) mark(e *events.Element, m events.Classification) {
	previous, change := *e, events.TypeElementClassified
	next := slices.Clone(e.Classifications)
	i := slices.IndexFunc(next, named(m.Name))
	switch {
	case i < 0:
		next = sorted(append(next, m))
	case next[i].Properties.Equal(m.Properties):
		return
	default:
		change, next[i] = events.TypeElementReclassified, m
	}
	e.Classifications = next
	w.putNext(change, e, &previous, m.Name)
}

func (w *writer) unmark(e *events.Element, name string) {
	previous := *e
	e.Classifications = slices.DeleteFunc(slices.Clone(e.Classifications), named(name))
	if len(e.Classifications) == len(previous.Classifications) {
		return
	}
	w.putNext(events.TypeElementDeclassified, e, &previous, name)
}

// sorted returns the classifications in the order of their names.
func sorted(marks []events.Classification) []events.Classification {
	return slices.SortedFunc(slices.Values(marks), func(a, b events.Classification) int { return strings.Compare(a.Name, b.Name) })
}

func named(name string) func(events.Classification) bool {
	return func(m events.Classification) bool { return m.Name == name }
}

// putNext stores a copy of next as the state that follows previous.
func (w *writer) putNext(change string, next, previous *events.Element, classification string) {
	w.touch(&next.Header)
	stored, before := *next, *previous
	w.putElement(&stored, &before)
	w.elementChanged(change, &stored, &before, classification)
}

func (w *writer) touch(h *events.ElementHeader) {
	h.Versions.Version++
	h.Versions.UpdatedBy, h.Versions.UpdateTime = w.actor, w.now
}

func (w *writer) elementChanged(change string, next, previous *events.Element, classification string) {
	w.changes = append(w.changes, connectors.Change{Type: change, Time: w.now, Actor: w.actor, Element: &events.ElementChange{
		Element: next, Previous: previous, Classification: classification,
	}})
}

func (w *writer) relationshipChanged(change string, next, previous *events.Relationship) {
	w.changes = append(w.changes, connectors.Change{Type: change, Time: w.now, Actor: w.actor, Relationship: &events.RelationshipChange{
		Relationship: next, Previous: previous,
	}})
}
