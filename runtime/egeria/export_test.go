package egeria

import (
	"context"
	"io"
	"iter"
)

// New returns the archive in the first size bytes of r.
func New(r io.ReaderAt, size int64) *Archive {
	return &Archive{file: r, size: size, done: func() error { return nil }}
}

// Steps yields the steps of the types, and then all others.
func (p *Plan) Steps(ctx context.Context) iter.Seq2[*Step, error] {
	return func(yield func(*Step, error) bool) {
		if p.Report.Broken == nil {
			for _, s := range p.typeSteps(p.types) {
				if !yield(s, nil) {
					return
				}
			}
		}
		p.instances(ctx)(yield)
	}
}
