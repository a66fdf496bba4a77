package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// position is an entry of the bucket of positions: a value, and the generation of the
// connector that last read or wrote it. Value is nil if only a generation was noted.
type position struct {
	Generation uint64 `json:"generation"`
	Value      []byte `json:"value,omitzero"`
}

// LoadPosition implements [connectors.Positions].
func (c *Client) LoadPosition(ctx context.Context, key string, generation uint64) ([]byte, error) {
	var loaded []byte
	err := c.revisePosition(ctx, key, generation, func(p *position) (changed bool) {
		loaded = p.Value
		return generation > p.Generation
	})
	return loaded, err
}

// SavePosition implements [connectors.Positions].
func (c *Client) SavePosition(ctx context.Context, key string, generation uint64, value []byte) error {
	return c.revisePosition(ctx, key, generation, func(p *position) (changed bool) {
		p.Value = append([]byte{}, value...)
		return true
	})
}

// revisePosition reads a position and writes it if revise reports a change. If
// another process has written it meanwhile, it starts again.
func (c *Client) revisePosition(ctx context.Context, key string, generation uint64, revise func(*position) (changed bool)) error {
	if c.sender == "" {
		return errNameless
	}
	kv, err := c.positions(ctx)
	if err != nil {
		return err
	}
	name := topics.Escape(c.sender) + "." + topics.Escape(key)
	for {
		p, revision, err := readPosition(ctx, kv, name)
		switch {
		case err != nil:
			return fmt.Errorf("position %s: %w", key, err)
		case generation > 0 && generation < p.Generation:
			return fmt.Errorf("position %s: %w", key, events.Errorf(events.CodeStale, events.ExtGeneration,
				"generation %d of %s is over; its positions are those of generation %d", generation, c.sender, p.Generation))
		case !revise(&p):
			return nil
		}
		p.Generation = max(generation, p.Generation)
		err = writePosition(ctx, kv, name, &p, revision)
		if err == nil {
			return nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !bus.IsSequence(err) {
			return fmt.Errorf("position %s: %w", key, err)
		}
	}
}

// readPosition returns revision 0 if there is no position.
func readPosition(ctx context.Context, kv jetstream.KeyValue, name string) (p position, revision uint64, err error) {
	e, err := kv.Get(ctx, name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return p, 0, nil
	}
	if err != nil {
		return p, 0, err
	}
	if !bytes.HasPrefix(e.Value(), []byte(`{"generation":`)) {
		return position{Value: e.Value()}, e.Revision(), nil // from before there were generations
	}
	p, err = events.Unmarshal[position](e.Value())
	return p, e.Revision(), err
}

// writePosition writes a position if it still has that revision.
func writePosition(ctx context.Context, kv jetstream.KeyValue, name string, p *position, revision uint64) error {
	data, err := events.Marshal(p)
	if err != nil {
		return err
	}
	if revision == 0 {
		_, err = kv.Create(ctx, name, data)
	} else {
		_, err = kv.Update(ctx, name, data, revision)
	}
	return err
}

// positions returns the bucket of positions.
func (c *Client) positions(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := c.bus.KeyValue(ctx, c.bus.Topics().PositionsBucket())
	if err != nil {
		return nil, fmt.Errorf("positions: %w", err)
	}
	return kv, nil
}

// ForgetPositions deletes the positions of all connectors.
func (c *Client) ForgetPositions(ctx context.Context) error {
	kv, err := c.positions(ctx)
	if err != nil {
		return err
	}
	keys, err := kv.ListKeys(ctx)
	if err != nil {
		return err
	}
	for key := range keys.Keys() {
		if key == restoring {
			continue
		}
		if err := kv.Purge(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
