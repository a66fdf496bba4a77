package repository_test

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/graph/graphtest"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// Random commands, a writer that dies at any step of its work, and sometimes a
// second one that believes to be the only one: in the end the store holds what
// the model holds, no change is lost, none is there twice.
func TestStoreEqualsModelWhateverCrashes(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	var domains atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		n := domains.Add(1)
		if n > 15 && flag.Lookup("rapid.checks").Value.String() == "100" {
			return // that is enough, unless somebody asks for more
		}
		w := newWorld(t, server, fmt.Sprintf("crash%d", n))
		defer w.close()
		w.follow()
		if rapid.IntRange(0, 3).Draw(rt, "empty") > 0 {
			w.send(graphtest.Furniture())
		}
		list := rapid.SliceOfN(graphtest.Wishes(), 20, 60).Draw(rt, "commands")
		if rapid.IntRange(0, 2).Draw(rt, "peaceful") == 0 {
			w.startWriter(0)
			w.send(list)
			w.finish(rt)
			w.replay(rt)
			return
		}
		for len(list) > 0 {
			n := rapid.IntRange(1, len(list)).Draw(rt, "batch")
			w.send(list[:n])
			list = list[n:]
			w.suffer(rt, n)
		}
		w.startWriter(0)
		w.finish(rt)
	})
}

// world is one installation on a shared server.
type world struct {
	t        *testing.T
	server   *embedded.Server
	domain   string
	bus      *bus.Bus
	metadata *client.Client
	model    *graphtest.Model
	sent     int
	started  int
	crashes  bool
	rivals   bool // there were two writers at once
	writers  []*doomed
	// follower follows from the beginning, and never writes.
	follower *repository.Repository
	stop     func()
	// last is the sequence of the last outcome.
	last    uint64
	replies replies
}

// suffer lets writers die over n commands.
func (w *world) suffer(rt *rapid.T, n int) {
	w.crashes = true
	rivals := rapid.IntRange(1, 2).Draw(rt, "writers at once")
	w.rivals = w.rivals || rivals > 1
	for range rivals {
		w.startWriter(rapid.IntRange(1, 3*n+3).Draw(rt, "dies at step"))
	}
	w.awaitDeathsOrQuiet()
}

// finish restores what can be restored, and compares.
func (w *world) finish(rt *rapid.T) {
	w.awaitApplied()
	w.learn(rt)
	w.send(w.model.Restores())
	w.awaitApplied()
	w.learn(rt)
	w.compare(rt)
}

// replies are the outcomes that the senders are told, by number of the command.
type replies struct {
	inbox string
	sub   *nats.Subscription
}

func newWorld(t *testing.T, server *embedded.Server, domain string) *world {
	t.Helper()
	w := &world{t: t, server: server, domain: domain, model: graphtest.NewModel(), replies: replies{inbox: nats.NewInbox()}}
	w.bus = w.connect()
	limits := topics.DefaultLimits()
	limits.History = 1000
	if err := w.bus.Ensure(t.Context(), limits); err != nil {
		t.Fatal(err)
	}
	w.metadata = client.New(w.bus, "test")
	var err error
	if w.replies.sub, err = w.bus.Conn().SubscribeSync(w.replies.inbox + ".*"); err != nil {
		t.Fatal(err)
	}
	return w
}

// read takes what has arrived.
func (r *replies) read() (map[int][]events.Result, error) {
	got := map[int][]events.Result{}
	for {
		n, _, err := r.sub.Pending()
		if n == 0 || err != nil {
			return got, err
		}
		m, err := r.sub.NextMsg(time.Second)
		if err != nil {
			return got, err
		}
		n, err = strconv.Atoi(strings.TrimPrefix(m.Subject, r.inbox+"."))
		if err != nil {
			return got, err
		}
		result, err := events.Unmarshal[events.Result](m.Data)
		if err != nil {
			return got, err
		}
		got[n] = append(got[n], result)
	}
}

func (w *world) connect() *bus.Bus {
	b, err := bus.Connect(w.t.Context(), bus.Settings{InProcess: w.server, Domain: w.domain, Logger: runtimetest.Logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// follow starts a node that never gets the lease.
func (w *world) follow() {
	held := make(chan struct{})
	lease, err := w.bus.NewLease(w.t.Context(), "nobody", "nobody", "nobody")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		_ = lease.Hold(ctx, func(tenure context.Context) error {
			close(held)
			<-tenure.Done()
			return context.Cause(tenure)
		})
	})
	<-held
	w.follower = w.repository("follower", "nobody", w.bus, nil)
	running.Go(func() {
		if err := w.follower.Serve(ctx); err != nil && ctx.Err() == nil {
			w.t.Error(err)
		}
	})
	w.stop = func() {
		stop()
		running.Wait()
	}
}

func (w *world) repository(node, lease string, b *bus.Bus, crash func(string)) *repository.Repository {
	repo, err := repository.New(repository.Settings{
		Node: node, Bus: b, Types: looseTypes(w.t), Logger: runtimetest.Logger(), LeaseKey: lease,
		PublishZones: []string{"sales", "research"}, DefaultZones: []string{"draft"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	repo.CrashAt(crash)
	return repo
}

func (w *world) close() {
	w.stopWriters()
	w.stop()
	removeAll(w.t, w.bus)
	w.bus.Close()
}

func (w *world) stopWriters() {
	for _, d := range w.writers {
		d.stop()
		d.bus.Close()
		<-d.done
	}
	w.writers = nil
}

// doomed is a writer that dies at some step: its connection breaks there.
type doomed struct {
	dead chan struct{}
	bus  *bus.Bus
	repo *repository.Repository
	stop context.CancelFunc
	done chan struct{}
}

// removeAll deletes the streams and buckets of a domain: the server reserves
// what they may grow to.
func removeAll(t *testing.T, b *bus.Bus) {
	t.Helper()
	for _, s := range b.Topics().Streams(topics.DefaultLimits()) {
		if err := b.JetStream().DeleteStream(context.Background(), s.Name); err != nil {
			t.Error(err)
		}
	}
	for _, k := range b.Topics().Buckets(topics.DefaultLimits()) {
		if err := b.JetStream().DeleteKeyValue(context.Background(), k.Bucket); err != nil {
			t.Error(err)
		}
	}
}

func (w *world) send(list []graphtest.Wish) {
	err := w.metadata.Send(w.t.Context(), func(yield func(events.Event) bool) {
		for _, o := range list {
			e, err := o.Event()
			if err != nil {
				w.t.Error(err)
				return
			}
			w.sent++
			e.SetExtension(events.ExtReplyTo, w.replies.inbox+"."+strconv.Itoa(w.sent))
			if !yield(e) {
				return
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// startWriter starts a writer with a lease of its own, so that nothing but the
// out topic keeps rivals apart; it dies at the given step, 0 for never.
func (w *world) startWriter(step int) *doomed {
	d := &doomed{dead: make(chan struct{}), bus: w.connect(), done: make(chan struct{})}
	var steps atomic.Int64
	w.started++ // the lease of a dead one would have to run out first
	node := fmt.Sprintf("w%d", w.started)
	d.repo = w.repository(node, node, d.bus, func(string) {
		if steps.Add(1) == int64(step) {
			d.bus.Conn().Close()
			close(d.dead)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go func() {
		defer close(d.done)
		if err := d.repo.Serve(ctx); err != nil && ctx.Err() == nil && !d.bus.Conn().IsClosed() {
			w.t.Error(err)
		}
	}()
	w.writers = append(w.writers, d)
	return d
}

// awaitDeathsOrQuiet waits until the doomed are dead, or there is nothing left
// for them to die of.
func (w *world) awaitDeathsOrQuiet() {
	for _, d := range w.writers {
		select {
		case <-d.dead:
		case <-time.After(30 * time.Millisecond):
		}
	}
	w.stopWriters()
}

// awaitApplied sends a last command and waits for its outcome.
func (w *world) awaitApplied() {
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	w.sent++
	e, err := events.NewCommand("/test", upsert("DataFile", "the last one", map[string]any{"x": w.sent}))
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.metadata.Request(ctx, e)
	if err != nil {
		w.t.Fatal(err)
	}
	w.last = r.Sequence
}
