package connectors_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// outTopic is a topic with positions, which counts how often they are saved.
type outTopic struct {
	*fakeBus
	mu        sync.Mutex
	last      uint64
	began     []uint64 // where following began
	positions map[string]string
	saved     int
	down      error
}

func newOutTopic() *outTopic {
	return &outTopic{fakeBus: &fakeBus{changes: make(chan connectors.Change)}, positions: map[string]string{}}
}

func (o *outTopic) set(last uint64, down error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last, o.down = last, down
}

func (o *outTopic) position(key string) (position string, saved int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.positions[key], o.saved
}

func (o *outTopic) LastChange(context.Context) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last, o.down
}

func (o *outTopic) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	o.mu.Lock()
	o.began = append(o.began, f.From)
	o.mu.Unlock()
	return o.fakeBus.Follow(ctx, f, func(ctx context.Context, c connectors.Change) error {
		err := handle(ctx, c)
		if err != nil {
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
		}
		return err
	})
}

func (o *outTopic) LoadPosition(_ context.Context, key string, _ uint64) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, ok := o.positions[key]; ok {
		return []byte(p), o.down
	}
	return nil, o.down
}

func (o *outTopic) SavePosition(ctx context.Context, key string, _ uint64, value []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := errors.Join(o.down, ctx.Err()); err != nil {
		return err
	}
	o.positions[key] = string(value)
	o.saved++
	return nil
}

// listener starts a connector that listens.
func (o *outTopic) listener(t *testing.T, notify func(), handle func(context.Context, connectors.Change) error, filters ...connectors.Filter) *connectors.Context {
	t.Helper()
	c := connectors.NewContext(connectors.Settings{
		Definition: events.Definition{ID: "c", Name: "c"}, Publisher: o, Asker: o, Follower: o, Positions: o, Notify: notify,
	})
	for _, f := range filters {
		if err := c.Listen(f, handle); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	return c
}

func (o *outTopic) send(sequence uint64) {
	c := tableChange("t")
	c.Sequence = sequence
	o.changes <- c
	synctest.Wait()
}

func closeContext(t *testing.T, c *connectors.Context) {
	t.Helper()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func takes(context.Context, connectors.Change) error { return nil }

func TestAListenerGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutTopic()
		o.set(41, nil)
		c := o.listener(t, nil, takes, connectors.Filter{})
		closeContext(t, c) // moved before its first change
		o.set(50, nil)
		c = o.listener(t, nil, takes, connectors.Filter{})
		for sequence := uint64(42); sequence < 50; sequence++ {
			o.send(sequence)
		}
		if p, saved := o.position("listener"); p != "42" || saved != 2 {
			t.Errorf("within a second it is %s, saved %d times", p, saved)
		}
		<-time.After(3 * time.Second)
		synctest.Wait()
		if p, saved := o.position("listener"); p != "49" || saved != 3 {
			t.Errorf("after it, it is %s, saved %d times", p, saved)
		}
		o.send(50)
		<-time.After(time.Second / 2)
		o.send(51)
		closeContext(t, c)
		if p, _ := o.position("listener"); p != "51" {
			t.Errorf("at the end it is %s", p)
		}
		closeContext(t, o.listener(t, nil, takes, connectors.Filter{}))
		if diff := cmp.Diff([]uint64{42, 42, 52}, o.began); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The out topic of a new installation is empty.
func TestAListenerBeforeTheFirstChangeOfAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutTopic()
		for range 2 {
			closeContext(t, o.listener(t, nil, takes, connectors.Filter{}))
			o.set(3, nil)
		}
		if diff := cmp.Diff([]uint64{1, 1}, o.began); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// What was not handled is not behind the position, and a listener that keeps a
// position of its own, or wants all that is present, has none here.
func TestPositionsOfListeners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutTopic()
		o.set(6, nil)
		c := o.listener(t, nil, func(_ context.Context, c connectors.Change) error {
			if c.Sequence == 8 {
				return errors.New("broken")
			}
			return nil
		}, connectors.Filter{})
		o.send(7)
		o.send(8)
		<-time.After(10 * time.Second)
		closeContext(t, c)
		if p, _ := o.position("listener"); p != "7" {
			t.Errorf("got %s", p)
		}
		c = o.listener(t, nil, takes, connectors.Filter{From: 3}, connectors.Filter{Present: true}, connectors.Filter{Now: true})
		o.send(99)
		closeContext(t, c)
		if p, _ := o.position("listener"); p != "7" {
			t.Errorf("got %s", p)
		}
		o.positions["listener"] = "of somebody else"
		closeContext(t, o.listener(t, nil, takes, connectors.Filter{}, connectors.Filter{}))
		if diff := cmp.Diff([]uint64{7, 3, 0, 0, 7, 7}, o.began); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"listener": "6", "listener.2": "6"}, o.positions); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A bus that is away delays a listener's begin and savings, and loses nothing.
func TestAListenerOutlivesTheBus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutTopic()
		away := errors.New("away")
		o.set(6, away)
		c := o.listener(t, nil, takes, connectors.Filter{})
		if p := c.Problems()["listener position"]; p != "away" || o.began != nil {
			t.Errorf("the problem is %q, began %v", p, o.began)
		}
		o.set(6, nil)
		<-time.After(5 * time.Second)
		synctest.Wait()
		o.set(9, away)
		o.send(7)
		if p := c.Problems()["listener position"]; p != "away" {
			t.Errorf("the problem is %q", p)
		}
		o.set(9, nil)
		<-time.After(5 * time.Second)
		synctest.Wait()
		if p, _ := o.position("listener"); p != "7" || len(c.Problems()) != 0 {
			t.Errorf("got %s, %v", p, c.Problems())
		}
		closeContext(t, c)
	})
}

func TestAFailingListenerIsAProblemMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutTopic()
		var c *connectors.Context
		var shown []string
		calls := 0
		c = o.listener(t, func() { shown = append(shown, c.Problems()["listener"]) }, func(context.Context, connectors.Change) error {
			calls++
			switch calls {
			case 1, 2:
				return errors.New("broken")
			case 3:
				panic("boom")
			}
			return nil
		}, connectors.Filter{})
		o.send(7)
		if got := c.Problems()["listener"]; got != "broken" {
			t.Errorf("the problem is %q", got)
		}
		<-time.After(time.Hour)
		o.send(8)
		closeContext(t, c)
		if want := []string{"broken", "panic: boom", ""}; !slices.Equal(shown, want) {
			t.Errorf("shown was %q, want %q", shown, want)
		}
	})
}
