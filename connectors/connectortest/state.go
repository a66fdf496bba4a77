package connectortest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// Element returns the element with that qualified name, nil if there is none.
func (r *Repository) Element(qualifiedName string) *events.Element {
	a, err := events.Ask(context.Background(), r, &events.Get{ElementRef: events.ByName(qualifiedName)})
	if err != nil {
		return nil
	}
	return a.Element
}

// Elements returns all elements in the order of their qualified names.
func (r *Repository) Elements() []*events.Element {
	elements, _ := r.all()
	slices.SortFunc(elements, func(a, b *events.Element) int { return strings.Compare(findKey(a), findKey(b)) })
	return elements
}

// findKey orders elements by qualified name, and those without one by guid.
func findKey(e *events.Element) string { return e.Header.QualifiedName + "\x00" + e.Header.GUID }

// State describes all elements and relationships without what differs from run
// to run (guids, versions, times): two repositories that hold the same metadata
// have equal states.
func (r *Repository) State() map[string]string {
	lines, labels := map[string]string{}, map[string]string{}
	put := func(name, content string) {
		unique := name
		for n := 2; lines[unique] != ""; n++ {
			unique = fmt.Sprintf("%s #%d", name, n)
		}
		lines[unique] = content
	}
	elements, relationships := r.all()
	for _, e := range elements {
		labels[e.Header.GUID] = label(e)
		put(label(e), fmt.Sprintf("%s %s zones=%q classifications=%s source=%q scope=%q",
			e.Header.Type.Name, e.Properties.Raw(), e.Header.Zones, marks(e), e.Header.Origin.Source, e.Header.Origin.Scope))
	}
	for _, l := range relationships {
		put(fmt.Sprintf("%s: %s -> %s", l.Header.Type.Name, labels[l.End1.GUID], labels[l.End2.GUID]),
			fmt.Sprintf("%s source=%q scope=%q", l.Properties.Raw(), l.Header.Origin.Source, l.Header.Origin.Scope))
	}
	return lines
}

// all returns everything that there is.
func (r *Repository) all() ([]*events.Element, []*events.Relationship) {
	r.mu.Lock()
	defer r.mu.Unlock()
	elements, relationships := r.index.States()
	return decodedAll[events.Element](elements), decodedAll[events.Relationship](relationships)
}

// label names an element by its qualified name, or else by what it holds, since
// its guid would be another one the next time.
func label(e *events.Element) string {
	if e.Header.QualifiedName != "" {
		return e.Header.QualifiedName
	}
	return fmt.Sprintf("unnamed %s %s", e.Header.Type.Name, e.Properties.Raw())
}

func marks(e *events.Element) string {
	var b strings.Builder
	for _, m := range e.Classifications {
		fmt.Fprintf(&b, "%s%s", m.Name, m.Properties.Raw())
	}
	return b.String()
}

func decodedAll[T any, J ~[]byte](states []J) []*T {
	all := make([]*T, len(states))
	for i, s := range states {
		all[i] = decoded[T](s)
	}
	return all
}

// decoded reads what the graph wrote, which can be read.
func decoded[T any](data []byte) *T {
	v, err := events.Unmarshal[T](data)
	if err != nil {
		return nil
	}
	return &v
}
