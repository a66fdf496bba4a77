package index

// typeCounts counts elements and relationships by type.
type typeCounts struct{ elements, archived, relationships map[string]int }

func newTypeCounts() typeCounts {
	return typeCounts{elements: map[string]int{}, archived: map[string]int{}, relationships: map[string]int{}}
}

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
	names := make([]string, 0, len(t.elements)+len(t.archived))
	for name, n := range t.elements {
		if n > 0 {
			names = append(names, name)
		}
	}
	for name, n := range t.archived {
		if n > 0 && t.elements[name] <= 0 {
			names = append(names, name)
		}
	}
	return names
}
