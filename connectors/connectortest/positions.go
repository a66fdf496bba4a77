package connectortest

import (
	"context"
	"slices"

	"github.com/camena-io/camena/events"
)

// position is a saved position, and the last generation that loaded or saved it.
type position struct {
	generation uint64
	value      []byte
}

// LoadPosition implements [connectors.Positions].
func (r *Repository) LoadPosition(_ context.Context, key string, generation uint64) ([]byte, error) {
	return r.position(key, generation, func(*position) {})
}

// SavePosition implements [connectors.Positions].
func (r *Repository) SavePosition(_ context.Context, key string, generation uint64, value []byte) error {
	_, err := r.position(key, generation, func(p *position) { p.value = append([]byte{}, value...) })
	return err
}

// position changes a position on behalf of a generation and returns its value.
func (r *Repository) position(key string, generation uint64, revise func(*position)) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.positions[key]
	if generation > 0 && generation < p.generation {
		return nil, events.Errorf(events.CodeStale, events.ExtGeneration, "generation %d is over; the position is that of generation %d", generation, p.generation)
	}
	revise(&p)
	p.generation = max(generation, p.generation)
	r.positions[key] = p
	return slices.Clone(p.value), nil
}
