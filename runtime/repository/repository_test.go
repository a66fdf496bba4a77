package repository_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// bundle is a repository on a bus of its own.
type bundle struct {
	bus      *bus.Bus
	metadata *client.Client
	repo     *repository.Repository
}

func setup(tb testing.TB) *bundle {
	tb.Helper()
	b := &bundle{bus: runtimetest.NewBus(tb, runtimetest.NewServer(tb))}
	b.start(tb)
	b.connect(tb)
	return b
}

func (b *bundle) connect(tb testing.TB) {
	tb.Helper()
	m := client.New(b.bus, "test")
	b.metadata = m
}

func (b *bundle) start(tb testing.TB) (stop func()) {
	tb.Helper()
	ready := make(chan struct{})
	repo, err := repository.New(repository.Settings{
		Node: "n1", Bus: b.bus, Types: looseTypes(tb), Logger: runtimetest.Logger(), Ready: sync.OnceFunc(func() { close(ready) }),
	})
	if err != nil {
		tb.Fatal(err)
	}
	b.repo = repo
	stop = runtimetest.Run(tb, repo.Serve)
	select {
	case <-ready:
	case <-tb.Context().Done():
	}
	return stop
}

func (b *bundle) apply(tb testing.TB, c events.Command, extensions ...string) events.Result {
	tb.Helper()
	e, err := events.NewCommand("/test", c)
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(extensions); i += 2 {
		e.SetExtension(extensions[i], extensions[i+1])
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 60*time.Second)
	defer cancel()
	r, err := b.metadata.Request(ctx, e)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func file(name string, size int) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{
		Type: "DataFile", QualifiedName: name, Properties: events.Props(map[string]any{"pathName": name, "size": size}),
	}}
}

func TestUpsertCreatesOnceAndChangesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.apply(t, file("a", 1))
	if r.Error != nil || !r.Changed || r.Version != 1 || r.GUID != events.GUIDOf("a") {
		t.Fatalf("create: %+v", r)
	}
	again := b.apply(t, file("a", 1))
	if again.Changed || again.Version != 1 || again.Sequence != r.Sequence {
		t.Fatalf("the same again: %+v", again)
	}
	if r = b.apply(t, file("a", 2)); !r.Changed || r.Version != 2 {
		t.Fatalf("changed: %+v", r)
	}
	got, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("a"), MinSequence: r.Sequence})
	if err != nil {
		t.Fatal(err)
	}
	if size, _ := events.Property[int](got.Element.Properties, "size"); size != 2 {
		t.Fatalf("read back: %+v", got.Element)
	}
}

func BenchmarkCommands(b *testing.B) {
	s := setup(b)
	text := strings.Repeat("x", 700)
	b.ResetTimer()
	err := s.metadata.Send(b.Context(), func(yield func(events.Event) bool) {
		for i := range b.N {
			name := fmt.Sprintf("DataFile::host::/data/folder/%d.csv", i)
			e, err := events.NewCommand("/bench", &events.Upsert{Element: events.ElementSpec{
				Type: "DataFile", QualifiedName: name,
				Properties: events.Props(map[string]any{"pathName": name, "size": i, "description": text, "encoding": "UTF-8", "fileExtension": "csv", "displayName": name}),
			}})
			if err != nil {
				b.Fatal(err)
			}
			if !yield(e) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	runtimetest.Eventually(b, "all applied", func() bool { return s.repo.Sequence() >= uint64(b.N) })
}
