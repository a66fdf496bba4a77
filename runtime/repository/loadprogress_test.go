package repository_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// stopping is a log that holds up who first tells it of damage.
type stopping struct {
	slog.Handler
	once          sync.Once
	reached, goOn chan struct{}
}

func (*stopping) Enabled(context.Context, slog.Level) bool { return true }

func (s *stopping) WithAttrs([]slog.Attr) slog.Handler { return s }

func (s *stopping) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "cannot be read") {
		s.once.Do(func() {
			s.reached <- struct{}{}
			<-s.goOn
		})
	}
	return nil
}

// While a node reads the store it says how far it is, to those who would
// otherwise hear that nobody is there, and answers as soon as it has read it.
func TestANodeThatIsStillReading(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	stop := b.start(t)
	b.connect(t)
	b.must(t, file("a", 1), file("b", 1))
	stop()
	broken := events.Event{ID: "x", Source: "/test", Type: events.TypeElementCreated, Data: []byte(`{}`), ContentType: events.JSON}
	if _, err := b.bus.Publish(t.Context(), b.bus.Topics().Element("DataFile", events.GUIDOf("c")), &broken); err != nil {
		t.Fatal(err)
	}
	log := &stopping{Handler: runtimetest.Logger().Handler(), reached: make(chan struct{}), goOn: make(chan struct{})}
	ready := make(chan struct{})
	repo, err := repository.New(repository.Settings{
		Node: "n2", Bus: b.bus, Types: looseTypes(t), Logger: slog.New(log), Ready: func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, repo.Serve)
	<-log.reached
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = events.Ask(ctx, b.metadata, &events.Count{})
	if events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "loading the metadata (2 of 3)") {
		t.Errorf("while it reads: %v", err)
	}
	counted := make(chan events.CountAnswer, 1)
	go func() { // patiently
		a, err := events.Ask(t.Context(), b.metadata, &events.Count{})
		if err != nil {
			t.Error(err)
		}
		counted <- a
	}()
	select {
	case <-ready:
		t.Error("it is ready before it has read everything")
	default:
	}
	close(log.goOn)
	<-ready
	if a := <-counted; a.Elements["DataFile"] != 2 {
		t.Errorf("got %+v", a)
	}
}

// Where there is no node at all, nobody is waited for.
func TestANodeThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	b.connect(t)
	_, err := events.Ask(t.Context(), b.metadata, &events.Count{})
	if events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "nobody answers") {
		t.Errorf("got %v", err)
	}
}
