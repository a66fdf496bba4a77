package repository_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/internal/graphtest"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// node is one of several repository nodes on a server.
type node struct {
	bus  *bus.Bus
	repo *repository.Repository
	stop func()
}

func startNode(t *testing.T, server *embedded.Server, name, domain string) *node {
	t.Helper()
	b, err := bus.Connect(t.Context(), bus.Settings{InProcess: server, Domain: domain, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context(), topics.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	repo, err := repository.New(repository.Settings{Node: name, Bus: b, Types: looseTypes(t), Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	return &node{bus: b, repo: repo, stop: runtimetest.Run(t, repo.Serve)}
}

// pair starts two nodes, the first of which writes, and a client.
func pair(t *testing.T) (first, second *node, client *bundle) {
	t.Helper()
	server := runtimetest.NewServer(t)
	first = startNode(t, server, "first", "")
	client = &bundle{bus: runtimetest.NewBus(t, server), repo: first.repo}
	client.connect(t)
	client.must(t, file("first of all", 1)) // the first one has the lease
	second = startNode(t, server, "second", "")
	return first, second, client
}

func TestOwnWritesAreReadBackFromEveryNode(t *testing.T) {
	t.Parallel()
	_, second, b := pair(t)
	for i := range 200 {
		r := b.must(t, file("f", i))
		a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("f"), MinSequence: r.Sequence})
		if err != nil || a.Element.Header.Versions.Version != r.Version || a.Sequence < r.Sequence {
			t.Fatalf("write %d: got %+v, %v", i, a, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := second.repo.Await(ctx, b.repo.Sequence()); err != nil {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := second.repo.Await(ctx, 10_000); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("what is not written yet: %v", err)
	}
}

func TestASecondNodeTakesOverAndLosesNothing(t *testing.T) {
	t.Parallel()
	first, second, b := pair(t)
	stopped := make(chan struct{})
	const n = 400
	for i := range n {
		if i == n/2 {
			go func() {
				defer close(stopped)
				first.stop()
			}()
		}
		if r := b.apply(t, file("f", i)); r.Error != nil || r.Version != int64(i)+1 {
			t.Fatalf("write %d: %+v", i, r)
		}
	}
	<-stopped
	if who, err := second.repo.Writing(t.Context()); err != nil || who != "second" {
		t.Errorf("%q writes, %v", who, err)
	}
	for i, e := range b.out(t, 2+n-64) {
		if want := strconv.Itoa(2 + n - 64 + i); e.Extension(events.ExtInSequence) != want {
			t.Fatalf("event %d is caused by %s, want %s", i, e.Extension(events.ExtInSequence), want)
		}
	}
}

// The writer dies after its events are stored and before it answers: the next
// one answers for it.
func TestTheNextWriterAnswersWhatWasApplied(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	for name, c := range map[string]events.Command{
		"upsert": file("f", 2), "link": link("NestedFile", "d", "f", nil), "delete": &events.Delete{Element: events.ByName("f")},
		"set": set(t, file("f", 3), file("g", 1)), "unchanged": file("f", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			domain := "late-" + name
			first := startNode(t, server, "first", domain)
			b := &bundle{bus: startBus(t, server, domain), repo: first.repo}
			b.connect(t)
			b.must(t, file("f", 1), folder("d"))
			first.stop()
			doomed, err := repository.New(repository.Settings{
				Node: "doomed", Bus: first.bus, Types: looseTypes(t), Logger: runtimetest.Logger(),
			})
			if err != nil {
				t.Fatal(err)
			}
			doomed.CrashAt(func(step string) {
				if step == "published" {
					// What is published arrives, what is answered does not.
					if err := first.bus.Conn().Flush(); err == nil {
						first.bus.Conn().Close()
					}
				}
			})
			stop := runtimetest.Run(t, doomed.Serve)
			answered := make(chan events.Result, 1)
			go func() {
				e, err := events.NewCommand("/test", c)
				if err != nil {
					t.Error(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				r, err := b.metadata.Request(ctx, e)
				if err != nil {
					t.Error(err)
				}
				answered <- r
			}()
			if name != "unchanged" {
				runtimetest.Eventually(t, "the writer dies", func() bool { return first.bus.Conn().IsClosed() })
				stop()
				startNode(t, server, "second", domain)
			}
			r := <-answered
			if r.Error != nil || r.Changed == (name == "unchanged") || (r.GUID == "") != (name == "set") || r.Sequence < 2 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func startBus(t *testing.T, server *embedded.Server, domain string) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(t.Context(), bus.Settings{InProcess: server, Domain: domain, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// Whoever answers, the writer from its memory or a follower from the stream,
// the answer is the same.
func TestAFollowersIndexIsTheWriters(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	for round := range 12 {
		domain := fmt.Sprintf("index%d", round)
		writer := startNode(t, server, "writer", domain)
		b := &bundle{bus: startBus(t, server, domain), repo: writer.repo}
		b.connect(t)
		var last uint64
		for i, c := range rapid.SliceOfN(graphtest.Commands(), 30, 60).Example(round) {
			r := b.apply(t, c, events.ExtScope, []string{"", "s"}[i%2])
			last = max(last, r.Sequence)
		}
		fromMemory := everything(t, b, last)
		writer.stop() // and its questions with it
		follower, err := repository.New(repository.Settings{Node: "follower", LeaseKey: "another", Bus: writer.bus, Types: looseTypes(t), Logger: runtimetest.Logger()})
		if err != nil {
			t.Fatal(err)
		}
		stop := runtimetest.Run(t, follower.Serve)
		runtimetest.Eventually(t, "the follower answers everything", func() bool {
			ctx := t.Context()
			_, count := events.Ask(ctx, b.metadata, &events.Count{})
			_, find := events.Ask(ctx, b.metadata, &events.Find{})
			_, digests := events.Ask(ctx, b.metadata, &events.Digests{})
			_, get := events.Ask(ctx, b.metadata, &events.Get{})
			_, related := events.Ask(ctx, b.metadata, &events.Related{})
			_, history := events.Ask(ctx, b.metadata, &events.History{})
			return !slices.ContainsFunc([]error{count, find, digests, get, related, history}, func(err error) bool {
				return events.CodeOf(err) == events.CodeUnavailable
			})
		})
		if diff := cmp.Diff(fromMemory, everything(t, b, last), cmp.Comparer(events.Properties.Equal)); diff != "" {
			t.Error(diff)
		}
		stop()
		removeAll(t, b.bus)
	}
}

// everything asks all questions about the elements of a model's commands.
func everything(t *testing.T, b *bundle, sequence uint64) (answers []any) {
	t.Helper()
	ctx := t.Context()
	check := func(a any, err error) {
		if err != nil && events.CodeOf(err) != events.CodeNotFound {
			t.Fatal(err)
		}
		answers = append(answers, a, fmt.Sprint(err))
	}
	page := events.Page{Limit: 1000, MinSequence: sequence}
	found, err := events.Ask(ctx, b.metadata, &events.Find{Page: page})
	check(found, err)
	count, err := events.Ask(ctx, b.metadata, &events.Count{})
	check(count, err)
	for _, scope := range []string{"", "s"} {
		digests, err := events.Ask(ctx, b.metadata, &events.Digests{Scope: scope, Page: page})
		check(digests, err)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		got, err := events.Ask(ctx, b.metadata, &events.Get{ElementRef: events.ByName(name)})
		check(got, err)
		related, err := events.Ask(ctx, b.metadata, &events.Related{ElementRef: events.ByName(name), Page: page})
		check(related, err)
		history, err := events.Ask(ctx, b.metadata, &events.History{ElementRef: events.ByName(name)})
		check(history, err)
	}
	return answers
}

func TestTheInTopicIsTrimmed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 20_500 // more than are applied between two trimmings
	err := b.metadata.Send(t.Context(), func(yield func(events.Event) bool) {
		for i := range n {
			e, err := events.NewCommand("/test", file(strconv.Itoa(i), i))
			if err != nil || !yield(e) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Eventually(t, "all is applied", func() bool { return b.repo.Sequence() >= n })
	runtimetest.Eventually(t, "the in topic is trimmed", func() bool {
		state, err := b.bus.StreamState(t.Context(), b.bus.Topics().InStream())
		return err == nil && state.Msgs < 6000
	})
	if got := len(b.names(t, events.Find{Page: events.Page{Limit: events.MaxPage}})); got != n {
		t.Errorf("%d elements, want %d", got, n)
	}
}

// A small in topic is full of what was applied already: it must be trimmed
// before publishers wait for ever.
func TestASmallInTopicDoesNotStayFull(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"few large": strings.Repeat("x", 100<<10), "many small": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
			limits := topics.DefaultLimits()
			limits.InBytes = 1 << 20
			if err := b.bus.Ensure(t.Context(), limits); err != nil {
				t.Fatal(err)
			}
			b.start(t)
			b.connect(t)
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			size, n := 0, 0
			err := b.metadata.Send(ctx, func(yield func(events.Event) bool) {
				for ; size < 4<<20; n++ {
					e, err := events.NewCommand("/test", typed("DataFile", strconv.Itoa(n), map[string]any{"text": text}))
					size += len(e.Data) + 500
					if err != nil || !yield(e) {
						return
					}
				}
			})
			if err != nil {
				t.Fatalf("after %d: %v", n, err)
			}
		})
	}
}

// metadataContext is the context of a connector that catalogs for a source.
func metadataContext(t *testing.T, b *bundle, source string) *connectors.Context {
	t.Helper()
	c := connectors.NewContext(connectors.Settings{
		Definition: events.Definition{ID: "c", Name: "c", MetadataSource: source}, Generation: 1, Logger: runtimetest.Logger(),
		Publisher: b.metadata, Asker: b.metadata, Follower: b.metadata, Positions: b.metadata,
	})
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// tree yields n files in folders of 100, every with a few oddities.
func tree(n int) iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		for i := range n {
			dir, name := fmt.Sprintf("dir/%d", i/100), fmt.Sprintf("dir/%d/f%d", i/100, i)
			spec := &events.ElementSpec{Type: "DataFile", QualifiedName: name, Properties: events.Props(map[string]any{
				"size": i, "name": name, "a": []any{1.5, nil, map[string]any{"z": 1, "<é\">": "\u2028"}},
			})}
			if i%7 == 0 {
				spec.Zones, spec.Classifications = []string{"b", "a"}, []events.Classification{{Name: "Criticality"}, {Name: "Impact", Properties: events.Props(map[string]any{"x": i})}}
			}
			if i%100 == 0 && !yield(connectors.Wanted{Element: &events.ElementSpec{Type: "FileFolder", QualifiedName: dir}}, nil) {
				return
			}
			if !yield(connectors.Wanted{Element: spec}, nil) || !yield(connectors.Wanted{Relationship: &events.RelationshipSpec{
				Type: "NestedFile", End1: events.ByName(dir), End2: events.ByName(name),
			}}, nil) {
				return
			}
		}
	}
}

func TestASecondReconciliationSendsNothing(t *testing.T) {
	t.Parallel()
	for source, n := range map[string]int{"": 500, "source": 5000} {
		t.Run("source "+source, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			// Some of it is there already, under another guid.
			imported := file("dir/0/f3", 1)
			imported.Element.GUID = "aaaaaaaa-0000-4000-8000-000000000000"
			if r := b.apply(t, imported, events.ExtMetadataSource, source); r.Error != nil {
				t.Fatal(r.Error)
			}
			for round, want := range []connectors.Reconciled{
				{Created: int64(2*n + n/100)}, {Unchanged: int64(2*n + n/100)}, {Deleted: 2 * 100, Unchanged: int64(2*(n-100) + n/100)}, {Unchanged: int64(2*(n-100) + n/100)},
			} {
				files := n
				if round > 1 {
					files -= 100
				}
				ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
				got, err := metadataContext(t, b, source).Reconcile(ctx, "scope", tree(files))
				cancel()
				if round > 1 { // a folder goes with its files
					want.Unchanged--
					if round == 2 {
						want.Deleted++
					}
				}
				if err != nil || got != want {
					t.Fatalf("round %d: got %+v, %v, want %+v", round, got, err, want)
				}
			}
		})
	}
}
