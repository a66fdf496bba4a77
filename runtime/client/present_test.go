package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// told is one received change; a size of 0 is a deletion.
type told struct {
	sequence uint64
	name     string
	size     int
}

// chronicle publishes changes of many files at random, and records them.
type chronicle struct {
	*testing.T
	bus    *bus.Bus
	mu     sync.Mutex
	random *rand.Rand
	all    []told
	listed gathered[told]
}

// crowd is more elements than a listener fetches ahead.
const crowd = 2500

func newChronicle(t *testing.T, b *bus.Bus, seed uint64) *chronicle {
	t.Helper()
	c := &chronicle{T: t, bus: b, random: rand.New(rand.NewPCG(seed, 0))}
	for _, share := range []int{1, 3} { // every one, then some again
		var names []int
		for i := range crowd {
			if i%share == 0 {
				names = append(names, i)
			}
		}
		c.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		c.write(names, 3-share)
	}
	return c
}

// write publishes a change of each of the named, of which some are deletions.
func (c *chronicle) write(names []int, sizes int) {
	c.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var futures []jetstream.PubAckFuture
	first := len(c.all)
	for _, i := range names {
		change := told{name: fmt.Sprintf("file-%d", i), size: max(0, 1+c.random.IntN(4)*sizes)}
		if sizes <= 0 {
			change.size = c.random.IntN(4)
		}
		subject, e := changed(c.T, c.bus, file(), change.name, "", change.size)
		m, err := bus.NewMessage(subject, &e)
		if err != nil {
			c.Fatal(err)
		}
		future, err := c.bus.JetStream().PublishMsgAsync(m)
		if err != nil {
			c.Fatal(err)
		}
		futures, c.all = append(futures, future), append(c.all, change)
	}
	for i, future := range futures {
		select {
		case ack := <-future.Ok():
			c.all[first+i].sequence = ack.Sequence
		case err := <-future.Err():
			c.Fatal(err)
		}
	}
}

// some returns a few of the elements, old and new ones.
func (c *chronicle) some(n int) (names []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		names = append(names, c.random.IntN(crowd+200))
	}
	return names
}

// listen follows from the present state on; at is called after every change.
func (c *chronicle) listen(at func(n int)) (before uint64) {
	c.Helper()
	m := client.New(c.bus, "listener")
	before, err := m.LastChange(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	n := 0
	background(c.T, func(ctx context.Context) error {
		return m.Follow(ctx, connectors.Filter{Present: true, Types: []string{"DataFile"}}, func(_ context.Context, change connectors.Change) error {
			e := change.Element.State()
			size, ok := e.Properties.Map()["size"].(float64)
			if !ok {
				c.Errorf("%d has no size", change.Sequence)
			}
			c.listed.add(told{change.Sequence, e.Header.QualifiedName, int(size)})
			n++
			at(n)
			return nil
		})
	})
	return before
}

// dismiss deletes the consumers of all listeners.
func (c *chronicle) dismiss() {
	stream, err := c.bus.JetStream().Stream(c.Context(), c.bus.Topics().OutStream())
	if err != nil {
		c.Error(err)
		return
	}
	names := stream.ConsumerNames(c.Context())
	for name := range names.Name() {
		if err := stream.DeleteConsumer(c.Context(), name); err != nil {
			c.Error(err)
		}
	}
}

// check waits for one more change and then compares the received changes with the
// published ones. Up to before, only the present state may be received; after since,
// every change.
func (c *chronicle) check(before, since uint64) {
	c.Helper()
	c.write([]int{crowd + 999}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.all[len(c.all)-1]
	eventually(c.T, "the last change", func() bool { return slices.Contains(c.listed.all(), last) })
	happened, present := map[uint64]told{}, map[string]told{}
	final := map[string]told{}
	for _, change := range c.all {
		happened[change.sequence], final[change.name] = change, change
		if change.sequence <= before {
			present[change.name] = change
		}
	}
	known, previous := map[string]told{}, uint64(0)
	for _, change := range c.listed.all() {
		switch {
		case change.sequence <= previous:
			c.Fatalf("%+v is told after %d", change, previous)
		case happened[change.sequence] != change:
			c.Fatalf("%+v is told, %+v happened", change, happened[change.sequence])
		case change.sequence <= before && (present[change.name] != change || change.size == 0):
			c.Fatalf("%+v is not what was present, %+v", change, present[change.name])
		}
		previous, known[change.name] = change.sequence, change
		delete(happened, change.sequence)
	}
	for sequence, missed := range happened {
		if sequence > since {
			c.Errorf("%+v was never told", missed)
		}
	}
	for name, is := range final {
		if have, ok := known[name]; have != is && (ok || is.size > 0) {
			c.Errorf("it is %+v, told was %+v", is, have)
		}
	}
}

// The present state and then every change, while changes go on and the consumer
// is lost, in the middle of the present state, too.
func TestPresentThenLive(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := newChronicle(t, setup(t), seed)
			breaks := map[int]bool{}
			for range seed {
				breaks[1+c.random.IntN(2000)] = true
			}
			began := make(chan struct{})
			before := c.listen(func(n int) {
				if n == 1 {
					close(began)
				}
				if breaks[n] {
					c.dismiss()
					c.write(c.some(30), 0)
					c.write(c.some(30), 0)
				}
			})
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 10 {
					c.write(c.some(20), 0)
				}
			}()
			<-began
			since, err := client.New(c.bus, "x").LastChange(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			<-done
			c.listed.await(t, 2001) // behind all breaks
			c.write(c.some(50), 0)
			c.check(before, since)
		})
	}
}

// After the present state, changes during a break are received one by one.
func TestPresentThenABreakThenLive(t *testing.T) {
	t.Parallel()
	c := newChronicle(t, setup(t), 7)
	before := c.listen(func(int) {})
	alive := 0
	last := map[string]told{}
	for _, change := range c.all {
		last[change.name] = change
	}
	for _, change := range last {
		if change.size > 0 {
			alive++
		}
	}
	c.listed.await(t, alive)
	for range 3 {
		c.dismiss()
		c.write([]int{1, 2, 1, 2}, 1)
		c.write([]int{1, 2, 1, 2}, 0)
	}
	c.check(before, before)
}

func TestPresentWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	c := newChronicle(t, o.bus(), 8)
	before := c.listen(func(n int) {
		if n == 700 || n == 1400 {
			o.stop()
			o.start()
			eventually(t, "the connection", c.bus.Conn().IsConnected)
			c.write(c.some(100), 0)
			c.write(c.some(100), 0)
		}
	})
	c.listed.await(t, 1401)
	c.check(before, before)
}

// A slow listener lags; no other waits for it, and it does not fetch all that it still
// has to handle.
func TestASlowListenerSlowsNobody(t *testing.T) {
	t.Parallel()
	c := &chronicle{T: t, bus: setup(t), random: rand.New(rand.NewPCG(1, 1))}
	c.write([]int{0}, 1)
	called, release := make(chan struct{}), make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-release:
		default:
			close(release)
		}
	}))
	before := c.listen(func(n int) {
		if n == 1 {
			close(called)
			<-release
		}
	})
	<-called
	within(t, 30*time.Second, "publishing", func() {
		for range 6 {
			c.write(c.some(500), 1)
		}
	})
	if seen := c.listed.all(); len(seen) != 1 {
		t.Errorf("it was told %d changes meanwhile", len(seen))
	}
	stream, err := c.bus.JetStream().Stream(t.Context(), c.bus.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	var fetched uint64
	for info := range stream.ListConsumers(t.Context()).Info() {
		fetched += info.Delivered.Consumer
	}
	if fetched == 0 || fetched > 1500 {
		t.Errorf("it has fetched %d of 3001 changes", fetched)
	}
	close(release)
	c.check(before, before)
}
