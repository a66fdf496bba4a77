package connectors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// deafBus loses the outcomes of the first commands.
type deafBus struct {
	*fakeBus
	lose int
}

func (b *deafBus) Request(ctx context.Context, e events.Event) (events.Result, error) {
	r, err := b.fakeBus.Request(ctx, e)
	if b.lose > 0 {
		b.lose--
		<-ctx.Done()
		return events.Result{}, context.Cause(ctx)
	}
	return r, err
}

// An outcome that got lost with a server must not hold up a connector until its
// refresh runs out of time.
func TestReconcileOutlivesLostOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &deafBus{fakeBus: &fakeBus{}, lose: 3}
		c := connectors.NewContext(connectors.Settings{
			Definition: events.Definition{ID: "c", Name: "c"}, Generation: 2, Publisher: b, Asker: b, Follower: b,
		})
		defer func() { _ = c.Close(t.Context()) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		r, err := c.Reconcile(ctx, "scope", wanted("a"))
		if err != nil || r.Created != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
