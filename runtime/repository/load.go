package repository

import (
	"context"

	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/graph/index"
)

// Load returns an index of the state that is stored when it is called, as a
// repository has it; types are those that the repository has. Progress hears how many
// events are read of how many.
func Load(ctx context.Context, b *bus.Bus, types *opentypes.Registry, progress func(read, of uint64)) (*index.Index, error) {
	r, err := New(Settings{Node: "load", Bus: b, Types: types, Logger: b.Logger()})
	if err != nil {
		return nil, err
	}
	r.loadProgress.report = progress
	_, err = r.catchUp(ctx)
	return r.index, err
}
