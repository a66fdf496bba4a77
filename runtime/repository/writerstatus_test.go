package repository_test

import (
	"sync/atomic"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// A writer that stands still cannot tell so itself; its node does.
func TestAWriterThatStandsStillIsTold(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	var stands atomic.Bool
	stood, goOn := make(chan struct{}), make(chan struct{})
	repo, err := repository.New(repository.Settings{
		Node: "n1", Bus: b.bus, Types: looseTypes(t), Logger: runtimetest.Logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	repo.CrashAt(func(step string) {
		if step == "publish" && stands.CompareAndSwap(true, false) {
			close(stood)
			<-goOn
		}
	})
	b.repo = repo
	runtimetest.Run(t, repo.Serve)
	b.connect(t)
	writing := func() events.WriterStatus {
		t.Helper()
		w, err := b.metadata.WriterStatus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	b.must(t, file("a", 1), file("a", 1)) // the second one changes nothing
	if w := writing(); w != (events.WriterStatus{Node: "n1", Applied: 2}) {
		t.Errorf("it has applied all: %+v", w)
	}
	stands.Store(true)
	for _, name := range []string{"b", "c"} {
		e, err := events.NewCommand("/test", file(name, 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.bus.Publish(t.Context(), b.bus.Topics().Commands("test"), &e); err != nil {
			t.Fatal(err)
		}
	}
	<-stood
	before, after := writing(), writing()
	if before.Applied != 2 || before.Waiting != 2 || before.Still <= 0 || after.Still <= before.Still {
		t.Errorf("it stands still: %+v, then %+v", before, after)
	}
	close(goOn)
	b.must(t, file("d", 1))
	if w := writing(); w != (events.WriterStatus{Node: "n1", Applied: 5}) {
		t.Errorf("it goes on: %+v", w)
	}
}
