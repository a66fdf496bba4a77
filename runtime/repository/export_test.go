package repository

import "github.com/camena-io/camena/runtime/graph"

// Index returns the index of the repository.
func (r *Repository) Index() *graph.Index { return r.index }
