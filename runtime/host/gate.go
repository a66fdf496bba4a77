package host

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// gate lets a limited number of connectors start or refresh at a time, in the
// order in which they came, so that thousands that are due together do not
// overload the node. A place is lost after a while: a connector that takes
// longer mostly waits for another system, and must not make others wait.
type gate struct {
	places *semaphore.Weighted
	limit  time.Duration
}

func newGate(places int, limit time.Duration) *gate {
	return &gate{places: semaphore.NewWeighted(int64(places)), limit: limit}
}

// enter waits for a place; leave gives it back.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if err := g.places.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	release := sync.OnceFunc(func() { g.places.Release(1) })
	timer := time.AfterFunc(g.limit, release)
	return func() {
		timer.Stop()
		release()
	}, nil
}
