package topics_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/topics"
)

// declared starts a server and creates everything that is declared on it.
func declared(t *testing.T, names topics.Topics, l topics.Limits) jetstream.JetStream {
	t.Helper()
	server, err := embedded.New(embedded.Settings{Dir: t.TempDir(), Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := server.Serve(ctx); err != nil { // which only stops it
			t.Error(err)
		}
	})
	conn, err := nats.Connect("", nats.InProcessServer(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	declare(t, js, names, l)
	return js
}

func declare(t *testing.T, js jetstream.JetStream, names topics.Topics, l topics.Limits) {
	t.Helper()
	for _, c := range names.Streams(l) {
		if _, err := js.CreateOrUpdateStream(t.Context(), c); err != nil {
			t.Fatalf("stream %s: %v", c.Name, err)
		}
	}
	for _, c := range names.Buckets(l) {
		if _, err := js.CreateOrUpdateKeyValue(t.Context(), c); err != nil {
			t.Fatalf("bucket %s: %v", c.Bucket, err)
		}
	}
}

func smallLimits() topics.Limits {
	l := topics.DefaultLimits()
	l.InBytes = 1 << 20
	return l
}

func TestTheServerTakesTheDeclarations(t *testing.T) {
	t.Parallel()
	names := camena(t)
	js := declared(t, names, smallLimits())
	declare(t, js, names, smallLimits()) // again, as every node does at its start
	larger := smallLimits()
	larger.History, larger.InBytes, larger.OpsAge, larger.DedupWindow = 5, 2<<20, time.Hour, time.Minute
	declare(t, js, names, larger) // as an operator does who changes the limits

	other, err := topics.New("other")
	if err != nil {
		t.Fatal(err)
	}
	declare(t, js, other, smallLimits()) // on the same account
	out, err := js.Stream(t.Context(), names.OutStream())
	if err != nil {
		t.Fatal(err)
	}
	if got := out.CachedInfo().Config.MaxMsgsPerSubject; got != 5 {
		t.Errorf("history is %d, want 5", got)
	}
}

// The server's default is 1,000 consumers a stream.
func TestManyConsumersOfTheOutTopic(t *testing.T) {
	t.Parallel()
	names := camena(t)
	js := declared(t, names, smallLimits())
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for i := range 1001 {
		group.Go(func() error {
			_, err := js.CreateConsumer(ctx, names.OutStream(), jetstream.ConsumerConfig{
				Name: "listener-" + strconv.Itoa(i), FilterSubject: names.ElementsOf("Table"), MemoryStorage: true,
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestSchedulesFire(t *testing.T) {
	t.Parallel()
	names := camena(t)
	js := declared(t, names, smallLimits())
	due, err := js.OrderedConsumer(t.Context(), names.CyclesStream(), jetstream.OrderedConsumerConfig{FilterSubjects: []string{names.DueOf("node")}})
	if err != nil {
		t.Fatal(err)
	}
	for connector, pattern := range map[string]string{
		"once":  "@at " + time.Now().UTC().Format(time.RFC3339Nano),
		"every": "@every 1s",
		"cron":  "* * * * * *",
	} {
		m := nats.NewMsg(names.Schedule(connector, "refresh"))
		m.Header.Set("Nats-Schedule", pattern)
		m.Header.Set("Nats-Schedule-Target", names.Due("node", connector))
		m.Header.Set("Nats-Schedule-TTL", "5s")
		m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		m.Data = []byte(connector)
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
	}
	fired := map[string]int{}
	for fired["once"] < 1 || fired["every"] < 2 || fired["cron"] < 2 {
		m, err := due.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatalf("after %v: %v", fired, err)
		}
		node, connector, err := names.ParseDue(m.Subject())
		if err != nil || node != "node" || connector != string(m.Data()) {
			t.Fatalf("%s: %q, %v", m.Subject(), connector, err)
		}
		fired[connector]++
	}
	if fired["once"] != 1 {
		t.Errorf("a one-shot fired %d times", fired["once"])
	}
}

// The writer's tools on the out topic: an atomic batch that expects the last
// sequence, and tombstones that run out.
func TestTheOutTopicIsAStore(t *testing.T) {
	t.Parallel()
	names := camena(t)
	l := smallLimits()
	l.History = 2
	js := declared(t, names, l)
	subject := names.Element("Table", "g")
	for i := range 3 {
		if _, err := js.Publish(t.Context(), subject, fmt.Appendf(nil, "%d", i), jetstream.WithExpectLastSequence(uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := js.Publish(t.Context(), subject, nil, jetstream.WithExpectLastSequence(2)); err == nil {
		t.Error("a deposed writer can publish")
	}
	out, err := js.Stream(t.Context(), names.OutStream())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := out.Info(t.Context()); err != nil || info.State.Msgs != 2 || info.State.LastSeq != 3 {
		t.Errorf("got %+v, %v, want the last 2 of 3", info.State, err)
	}
	last, err := out.GetLastMsgForSubject(t.Context(), subject)
	if err != nil || string(last.Data) != "2" {
		t.Errorf("got %s, %v", last.Data, err)
	}
	if _, err := js.Publish(t.Context(), subject, nil, jetstream.WithMsgTTL(time.Hour)); err != nil {
		t.Errorf("tombstone: %v", err)
	}
}

func TestTheInTopicRefusesWhenFull(t *testing.T) {
	t.Parallel()
	names := camena(t)
	js := declared(t, names, smallLimits())
	var err error
	sent := 0
	for body := make([]byte, 64<<10); err == nil && sent < 100; sent++ {
		_, err = js.Publish(t.Context(), names.Commands("files"), body)
	}
	if err == nil {
		t.Fatalf("%d messages fit into %d bytes", sent, smallLimits().InBytes)
	}
	in, err := js.Stream(t.Context(), names.InStream())
	if err != nil {
		t.Fatal(err)
	}
	if first := in.CachedInfo().State.FirstSeq; first != 1 {
		t.Errorf("the first message is %d: something was lost", first)
	}
}

// Keys of leases run out by themselves, and watchers are told.
func TestBuckets(t *testing.T) {
	t.Parallel()
	names := camena(t)
	js := declared(t, names, smallLimits())
	leases, err := js.KeyValue(t.Context(), names.LeasesBucket())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{topics.RepositoryLease, topics.Escape(""), topics.Escape("a.b/c €\x00"), topics.Escape("=")} {
		if _, err := leases.Create(t.Context(), key, []byte("node")); err != nil {
			t.Fatalf("key %q: %v", key, err)
		}
	}
	if _, err := leases.Create(t.Context(), topics.RepositoryLease, []byte("other")); err == nil {
		t.Error("two nodes hold one lease")
	}
	watch, err := leases.Watch(t.Context(), topics.RepositoryLease)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := watch.Stop(); err != nil {
			t.Error(err)
		}
	}()
	deadline := time.After(topics.LeaseTTL + 10*time.Second)
	for {
		select {
		case entry := <-watch.Updates():
			if entry != nil && entry.Operation() != jetstream.KeyValuePut {
				return
			}
		case <-deadline:
			t.Fatal("the lease does not run out")
		}
	}
}

func TestTheTimesOfLeasesFit(t *testing.T) {
	t.Parallel()
	if topics.Heartbeat*3 > topics.SelfFence || topics.SelfFence+topics.Heartbeat > topics.LeaseTTL {
		t.Errorf("a node renews every %s, stops after %s, and loses its lease after %s", topics.Heartbeat, topics.SelfFence, topics.LeaseTTL)
	}
}
