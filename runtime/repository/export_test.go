package repository

import "github.com/camena-io/camena/runtime/graph"

// Index returns the index of the repository.
func (r *Repository) Index() *graph.Index { return r.index }

// CrashAt has a function called at the writer's steps "publish", "published" and
// "committed". It is given before the repository serves.
func (r *Repository) CrashAt(step func(name string)) { r.crash = step }
