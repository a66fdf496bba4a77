package client

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
)

// restoring is the key of the positions bucket that says that the out topic is
// incomplete.
const restoring = "restoring"

// Restoring returns what SetRestoring noted, "" if nothing.
func (c *Client) Restoring(ctx context.Context) (string, error) {
	attempt, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	kv, err := c.positions(attempt)
	if err != nil {
		return "", err
	}
	e, err := kv.Get(attempt, restoring)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return string(e.Value()), nil
}

// ErrRestoring says that the out topic is incomplete.
var ErrRestoring = errors.New("a restore was interrupted here, or still runs: restore again with the same file")

// Whole returns an error while the out topic is incomplete: the repository applies no
// commands then. It returns nil if that cannot be found out in a moment.
func (c *Client) Whole(ctx context.Context) error {
	if from, err := c.Restoring(ctx); err != nil || from == "" {
		return nil //nolint:nilerr // what cannot be asked is not known
	}
	return events.Errorf(events.CodeUnavailable, "", "%s", ErrRestoring)
}

// SetRestoring notes that the out topic is being restored, and from what, so that
// nobody takes it for the metadata; "" says that it is complete.
func (c *Client) SetRestoring(ctx context.Context, from string) error {
	attempt, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	kv, err := c.positions(attempt)
	if err != nil {
		return err
	}
	if from == "" {
		return kv.Purge(attempt, restoring)
	}
	_, err = kv.PutString(attempt, restoring, from)
	return err
}
