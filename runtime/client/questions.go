package client

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// WriterStatus returns the progress of the node that applies commands.
func (c *Client) WriterStatus(ctx context.Context) (events.WriterStatus, error) {
	return bus.Call[events.WriterStatus](ctx, c.bus, c.bus.Topics().API(topics.RepositoryService, topics.VerbWriterStatus), struct{}{})
}

// Ask implements [events.Asker]. While all nodes that could answer still load the
// metadata, it asks again for a while.
func (c *Client) Ask(ctx context.Context, q events.Question) ([]byte, error) {
	subject := c.bus.Topics().API(topics.RepositoryService, q.Verb())
	answer, err := c.bus.Call(ctx, subject, q)
	var loading *events.LoadProgress
	for end := time.Now().Add(loadingPatience); errors.Is(err, nats.ErrNoResponders) && time.Now().Before(end); {
		progress := c.loading(ctx)
		if progress == nil && ctx.Err() == nil { // a node may have become ready between the two questions
			return c.bus.Call(ctx, subject, q)
		}
		loading = cmp.Or(progress, loading)
		if bus.Sleep(ctx, loadingPause) != nil {
			break
		}
		answer, err = c.bus.Call(ctx, subject, q)
	}
	if err != nil && loading != nil && (ctx.Err() != nil || errors.Is(err, nats.ErrNoResponders)) {
		return nil, events.Errorf(events.CodeUnavailable, "", "node %s is still loading the metadata (%d of %d); try again in a while",
			loading.Node, loading.Read, loading.Of)
	}
	return answer, err
}

const (
	// loadingPatience is how long a question waits for nodes that load the metadata,
	// loadingPause the time between two attempts.
	loadingPatience = 5 * time.Second
	loadingPause    = 100 * time.Millisecond
	// lookTimeout bounds a question on the side, such as how far a node is.
	lookTimeout = 2 * time.Second
)

// loading returns the progress of a node that still loads the metadata, nil if there
// is none.
func (c *Client) loading(ctx context.Context) *events.LoadProgress {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	progress, err := bus.Call[events.LoadProgress](ctx, c.bus, c.bus.Topics().API(topics.RepositoryService, topics.VerbLoadProgress), struct{}{})
	if err != nil {
		return nil
	}
	return &progress
}
