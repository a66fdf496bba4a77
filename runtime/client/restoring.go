package client

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
)

// restoring is the key of the positions bucket that says that the out topic is
// not whole.
const restoring = "restoring"

// Restoring returns what SetRestoring was told last, "" if nothing.
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

// ErrRestoring says that the out topic is not whole.
var ErrRestoring = errors.New("a restore was interrupted here, or still runs: restore again with the same file")

// Whole refuses where the out topic is not whole, as the repository does: a command
// would wait as long as it is not. It asks for a moment only, and lets pass who may
// not ask.
func (c *Client) Whole(ctx context.Context) error {
	if from, err := c.Restoring(ctx); err != nil || from == "" {
		return nil //nolint:nilerr // what cannot be asked is not known
	}
	return events.Errorf(events.CodeUnavailable, "", "%s", ErrRestoring)
}

// SetRestoring notes that the out topic is being restored, and from what, so that
// nobody takes it for the metadata; "" says that it is whole.
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
