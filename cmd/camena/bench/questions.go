package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// ask measures the answers, as a client with a connection of its own gets them.
func (b *queries) ask(ctx context.Context, r *rig, server *bus.Bus) ([]figure, error) {
	conn, err := r.connect(ctx, "queries")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	m := client.New(conn, "bench")
	bare, err := b.bare(ctx, server, conn)
	if err != nil {
		return nil, fmt.Errorf("bare endpoint: %w", err)
	}
	lookups, err := b.paced(ctx, func(i int) error {
		_, err := events.Ask(ctx, m, &events.Get{ElementRef: events.ByName(b.name(i))})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up by name: %w", err)
	}
	searches, err := b.search(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return slices.Concat([]figure{{"rate", b.rate, "look-ups a second"}},
		times(lookups, "lookup_", "an element by its name, over the bus", 50, 99),
		times(bare, "bare_", "an endpoint that does nothing, at the same rate", 50, 99),
		[]figure{{"searches", b.searches, "text searches"}},
		times(searches, "search_", "the first 100 elements with a text", 50, 99, 100)), nil
}

// bare asks an endpoint that does nothing.
func (b *queries) bare(ctx context.Context, server, conn *bus.Bus) ([]time.Duration, error) {
	subject := server.Topics().API("bare", "get")
	endpoint, err := server.Conn().Subscribe(subject, func(m *nats.Msg) { _ = m.Respond(nil) })
	if err != nil {
		return nil, err
	}
	if err := server.Conn().Flush(); err != nil {
		return nil, err
	}
	took, err := b.paced(ctx, func(int) error {
		_, err := conn.Conn().RequestWithContext(ctx, subject, nil)
		return err
	})
	return took, errors.Join(err, endpoint.Unsubscribe())
}

// paced asks at the rate, however many answers are still to come, about elements
// taken at random.
func (b *queries) paced(ctx context.Context, ask func(i int) error) ([]time.Duration, error) {
	n := b.count()
	runtime.GC() // what others left behind is not this measurement's
	took, failed := make([]time.Duration, n), make([]error, n)
	var asking sync.WaitGroup
	err := atRate(ctx, b.rate, n, func(i int) error {
		asking.Go(func() {
			sent := time.Now()
			failed[i] = ask(rand.IntN(b.elements)) //nolint:gosec // any element
			took[i] = time.Since(sent)
		})
		return nil
	})
	asking.Wait()
	if err != nil {
		return nil, err
	}
	if wrong := slices.DeleteFunc(failed, func(err error) bool { return err == nil }); len(wrong) > 0 {
		return nil, fmt.Errorf("%d of %d: %w", len(wrong), n, wrong[0])
	}
	return took, nil
}

// search looks for texts that are in one element, in some, in many, in none.
func (b *queries) search(ctx context.Context, m *client.Client) ([]time.Duration, error) {
	took := make([]time.Duration, 0, b.searches)
	for i := range b.searches {
		var text string
		switch i % 5 {
		case 0:
			text = fmt.Sprintf("PART-%08d", rand.IntN(b.elements)) //nolint:gosec // any element
		case 1:
			text = invented(1500 + i)
		case 2:
			text = invented(i)
		case 3:
			text = invented(i%20) + " " + invented(i%30)
		default:
			text = fmt.Sprintf("nowhere %d", i)
		}
		began := time.Now()
		if _, err := events.Ask(ctx, m, &events.Find{Text: text}); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
