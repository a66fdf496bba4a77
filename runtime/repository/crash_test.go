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
	"github.com/camena-io/camena/runtime/internal/graphtest"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// plan is a random course of events: commands, and writers that die.
type plan struct {
	furnished bool
	batches   []batch // none: one writer, which does not die
	commands  []events.Event
}

// batch is a number of commands and the steps at which the writers die that apply them.
type batch struct {
	size   int
	deaths []int
}

func plans() *rapid.Generator[plan] {
	return rapid.Custom(func(t *rapid.T) plan {
		p := plan{furnished: rapid.IntRange(0, 3).Draw(t, "empty") > 0, commands: rapid.SliceOfN(graphtest.Requests(), 20, 60).Draw(t, "commands")}
		if rapid.IntRange(0, 4).Draw(t, "peaceful") == 0 {
			return p
		}
		for left := len(p.commands); left > 0; {
			// A writer takes at least one step for each command, so each one dies, except
			// for a rival to whom the other one has left nothing.
			b := batch{size: rapid.IntRange(1, left).Draw(t, "batch")}
			b.deaths = rapid.SliceOfN(rapid.IntRange(1, b.size), 1, 2).Draw(t, "die at steps")
			p.batches = append(p.batches, b)
			left -= b.size
		}
		return p
	})
}

// Random commands, a writer that dies at any step of its work, and sometimes a
// second one that believes to be the only one: in the end the store holds what
// the model holds, no change is lost, none is there twice.
func TestStoreEqualsModelWhateverCrashes(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	rounds := 15
	if asked, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String()); err == nil && asked != 100 {
		rounds = asked
	}
	deaths, crashed := 0, 0
	for n := range rounds {
		seed := int(time.Now().UnixNano())
		w := newWorld(t, server, fmt.Sprintf("crash%d", n))
		w.play(plans().Example(seed))
		w.close()
		if deaths += w.deaths; w.deaths > 0 {
			crashed++
		}
		if t.Failed() {
			t.Fatalf("round %d, with the seed %d", n, seed)
		}
	}
	t.Logf("%d writers died, in %d of %d rounds", deaths, crashed, rounds)
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
	died     chan struct{}
	deaths   int
	rivals   bool // there were two writers at once
	writers  []*doomed
	// follower follows from the beginning, and never writes.
	follower *repository.Repository
	stop     func()
	// last is the sequence of the last outcome.
	last    uint64
	replies replies
}

// play lets everything happen, and compares.
func (w *world) play(p plan) {
	w.follow()
	if p.furnished {
		w.send(graphtest.Fixtures())
	}
	if len(p.batches) == 0 {
		w.startWriter(0)
		w.send(p.commands)
		w.finish()
		w.replay()
		return
	}
	for _, b := range p.batches {
		w.send(p.commands[:b.size])
		p.commands = p.commands[b.size:]
		w.suffer(b.deaths)
	}
	w.startWriter(0)
	w.finish()
}

// suffer lets writers die. One that is alone has enough to do to get there.
func (w *world) suffer(steps []int) {
	w.crashes = true
	w.rivals = w.rivals || len(steps) > 1
	for _, step := range steps {
		w.startWriter(step)
	}
	before, patience := w.deaths, 10*time.Second
	for range steps {
		select {
		case <-w.died:
			w.deaths++
		case <-time.After(patience):
		}
		patience = 300 * time.Millisecond
	}
	if w.deaths == before {
		w.t.Error("no writer died")
	}
	w.stopWriters()
	for len(w.died) > 0 {
		<-w.died // just now
		w.deaths++
	}
}

// finish restores what can be restored, and compares.
func (w *world) finish() {
	w.awaitApplied()
	w.learn()
	w.send(w.model.Restores())
	w.awaitApplied()
	w.learn()
	w.compare()
}

// replies are the outcomes that the senders are told, by number of the command.
type replies struct {
	inbox string
	sub   *nats.Subscription
}

func newWorld(t *testing.T, server *embedded.Server, domain string) *world {
	t.Helper()
	w := &world{t: t, server: server, domain: domain, model: graphtest.NewModel(looseTypes(t)), died: make(chan struct{}, 2), replies: replies{inbox: nats.NewInbox()}}
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

func (w *world) send(list []events.Event) {
	err := w.metadata.Send(w.t.Context(), func(yield func(events.Event) bool) {
		for _, e := range list {
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
	d := &doomed{bus: w.connect(), done: make(chan struct{})}
	var steps atomic.Int64
	w.started++ // the lease of a dead one would have to run out first
	node := fmt.Sprintf("w%d", w.started)
	d.repo = w.repository(node, node, d.bus, func(string) {
		if steps.Add(1) == int64(step) {
			d.bus.Conn().Close()
			w.died <- struct{}{}
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
