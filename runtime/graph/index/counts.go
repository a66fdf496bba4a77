package index

import (
	"maps"
	"slices"
)

// typeCounts counts elements and relationships by type.
type typeCounts struct{ elements, archived, relationships map[string]int }

// add adds n for a record.
func (t *typeCounts) add(r *Record, n int) {
	of := t.elements
	switch {
	case r.Relationship:
		of = t.relationships
	case r.Archived:
		of = t.archived
	}
	of[r.Type.Name] += n
}

// typeNames returns the types that have elements.
func (t *typeCounts) typeNames() []string {
	all := maps.Clone(t.elements)
	for name, n := range t.archived {
		all[name] += n
	}
	maps.DeleteFunc(all, func(_ string, n int) bool { return n <= 0 })
	return slices.Collect(maps.Keys(all))
}
