package connectortest

import (
	"context"
	"fmt"
	"iter"

	"github.com/camena-io/camena/events"
)

// Element returns the element with a qualified name, nil if there is none.
func (r *Repository) Element(qualifiedName string) *events.Element {
	a, err := events.Ask(context.Background(), r, &events.Get{ElementRef: events.ByName(qualifiedName)})
	if err != nil {
		return nil
	}
	return a.Element
}

// Elements returns all elements in the order of their qualified names.
func (r *Repository) Elements() []*events.Element {
	return collected(events.All(context.Background(), r, &events.Find{IncludeArchived: true}))
}

// collected returns the items of an answer, which cannot fail.
func collected[T any](answers iter.Seq2[*T, error]) (all []*T) {
	for v, err := range answers {
		if err == nil {
			all = append(all, v)
		}
	}
	return all
}

// State describes all elements and relationships without guids, versions and times, so
// that two repositories with the same metadata have equal states.
func (r *Repository) State() map[string]string {
	lines, labels := map[string]string{}, map[string]string{}
	put := func(name string, header *events.ElementHeader, content ...any) {
		unique := name
		for n := 2; lines[unique] != ""; n++ {
			unique = fmt.Sprintf("%s #%d", name, n)
		}
		lines[unique] = fmt.Sprintf("%s zones=%q source=%q scope=%q", content, header.Zones, header.Origin.Source, header.Origin.Scope)
	}
	elements := r.Elements()
	for _, e := range elements {
		name := label(e)
		labels[e.Header.GUID] = name
		content := []any{e.Header.Type.Name, e.Properties.Raw()}
		for _, c := range e.Classifications {
			content = append(content, c.Name, c.Properties.Raw())
		}
		put(name, &e.Header, content...)
	}
	for _, e := range elements {
		q := &events.Related{ElementRef: events.ByGUID(e.Header.GUID), End: 1, IncludeArchived: true}
		for _, l := range collected(events.All(context.Background(), r, q)) {
			h := &l.Relationship.Header
			put(fmt.Sprintf("%s: %s -> %s", h.Type.Name, labels[e.Header.GUID], labels[l.Element.Header.GUID]), h, l.Relationship.Properties.Raw())
		}
	}
	return lines
}

// label names an element by its qualified name or, without one, by its content.
func label(e *events.Element) string {
	if e.Header.QualifiedName != "" {
		return e.Header.QualifiedName
	}
	return fmt.Sprintf("unnamed %s %s", e.Header.Type.Name, e.Properties.Raw())
}
