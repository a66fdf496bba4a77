package index

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// States returns the JSON of all elements and relationships, sorted.
func (x *Index) States() (elements, relationships []jsontext.Value) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range x.byGUID {
		if r.Relationship {
			relationships = append(relationships, r.State())
		} else {
			elements = append(elements, r.State())
		}
	}
	slices.SortFunc(elements, slices.Compare)
	slices.SortFunc(relationships, slices.Compare)
	return elements, relationships
}
