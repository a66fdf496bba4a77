package repository_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// Of more questions than a node takes on, those beyond are refused at once, and
// those that are taken on are answered.
func TestAFloodOfQuestionsIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1))
	const flood = 3000
	var refused, waited, fast atomic.Int64
	var asking sync.WaitGroup
	began := time.Now()
	for range flood {
		asking.Go(func() {
			// The sequence does not come: a question that is taken on waits for it.
			_, err := events.Ask(t.Context(), b.metadata, &events.Find{Page: events.Page{MinSequence: 1 << 40}})
			if events.CodeOf(err) != events.CodeUnavailable {
				t.Errorf("got %v", err)
				return
			}
			if e, ok := err.(*events.Error); ok && e.Pointer == "/minSequence" { //nolint:errorlint // as it came
				waited.Add(1)
				return
			}
			refused.Add(1)
			if time.Since(began) < 2500*time.Millisecond {
				fast.Add(1)
			}
		})
	}
	asking.Wait()
	if waited.Load() == 0 || refused.Load() < flood/2 || fast.Load() < refused.Load()*9/10 {
		t.Errorf("%d waited, %d were refused, %d of these fast", waited.Load(), refused.Load(), fast.Load())
	}
	if _, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("f")}); err != nil {
		t.Errorf("after the flood: %v", err)
	}
}

// A page is as long as is asked for, though it does not fit into a message.
func TestPagesAreLargerThanMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 3000
	text := make([]byte, 1500)
	for i := range text {
		text[i] = 'x'
	}
	b.fill(t, n, func(i int) events.Command {
		return typed("DataFile", nodeName(i), map[string]any{"text": string(text)})
	})
	runtimetest.Eventually(t, "all is applied", func() bool { return b.repo.Sequence() >= n })
	a, err := events.Ask(t.Context(), b.metadata, &events.Find{Page: events.Page{Limit: events.MaxPage}})
	if err != nil || len(a.Elements) != n || a.Next != "" {
		t.Errorf("got %d elements, next %q, %v", len(a.Elements), a.Next, err)
	}
	m, err := b.bus.Conn().Request(b.bus.Topics().API("repository", "find"), []byte(`{"limit":5000}`), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = events.Unmarshal[events.ElementsAnswer](m.Data); err != nil || len(a.Elements) == 0 || len(a.Elements) >= n || a.Next == "" {
		t.Errorf("a plain client: got %d elements, next %q, %v", len(a.Elements), a.Next, err)
	}
}

// A repository whose connection is closed ends, and says so once.
func TestARepositoryEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	first := &bundle{bus: runtimetest.NewBus(t, server)}
	first.start(t)
	first.connect(t)
	first.must(t, file("f", 1)) // it writes
	var lines atomic.Int64
	b := runtimetest.NewBus(t, server)
	second, err := repository.New(repository.Settings{Node: "n2", Bus: b, Logger: counting(&lines)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- second.Serve(ctx) }()
	runtimetest.Eventually(t, "the second one follows", func() bool { return second.Sequence() > 0 })
	b.Conn().Close()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it ends as if nothing had happened")
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
	if n := lines.Load(); n > 50 {
		t.Errorf("it logged %d lines", n)
	}
}

// counting returns a logger that counts its lines.
func counting(lines *atomic.Int64) *slog.Logger { return slog.New(counter{lines}) }

type counter struct{ lines *atomic.Int64 }

func (counter) Enabled(context.Context, slog.Level) bool { return true }

func (c counter) Handle(context.Context, slog.Record) error {
	c.lines.Add(1)
	return nil
}

func (c counter) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c counter) WithGroup(string) slog.Handler { return c }
