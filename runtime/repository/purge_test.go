package repository_test

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// powerless is a server on which nothing of the out topic can be purged.
type powerless struct {
	*embedded.Server

	tried *atomic.Int64
}

func (p powerless) InProcessConn() (net.Conn, error) {
	conn, err := p.Server.InProcessConn()
	return &powerlessConn{conn, p.tried}, err
}

type powerlessConn struct {
	net.Conn

	tried *atomic.Int64
}

func (c *powerlessConn) Write(b []byte) (int, error) {
	purge, nothing := []byte("STREAM.PURGE.CAMENA_OUT"), []byte("STREAM.PURGE.CAMENA_OUX")
	if !bytes.Contains(b, purge) {
		return c.Conn.Write(b)
	}
	c.tried.Add(1)
	return c.Conn.Write(bytes.ReplaceAll(b, purge, nothing))
}

// weaken has the commands that follow applied by a writer that cannot purge.
func weaken(t *testing.T) (b *bundle, tried *atomic.Int64, stop func()) {
	t.Helper()
	server := runtimetest.NewServer(t)
	b = &bundle{bus: runtimetest.NewBus(t, server)}
	b.connect(t)
	tried = &atomic.Int64{}
	weak, err := bus.Connect(t.Context(), bus.Settings{InProcess: powerless{server, tried}, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(weak.Close)
	b.repo, err = repository.New(repository.Settings{Node: "weak", Bus: weak, Types: looseTypes(t), Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	return b, tried, runtimetest.Run(t, b.repo.Serve)
}

// next begins another node, which can do what the weak one cannot, and waits until
// it answers questions.
func (b *bundle) next(t *testing.T) *repository.Repository {
	t.Helper()
	ready := make(chan struct{})
	next, err := repository.New(repository.Settings{
		Node: "next", Bus: b.bus, Types: looseTypes(t), Logger: runtimetest.Logger(), Ready: func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, next.Serve)
	select {
	case <-ready:
	case <-t.Context().Done():
	}
	return next
}

// secrets returns how many events tell the secret.
func (b *bundle) secrets(t *testing.T) (n int) {
	t.Helper()
	for _, e := range b.out(t, 1) {
		if strings.Contains(string(e.Data), "a secret") {
			n++
		}
	}
	return n
}

func secret(name string) *events.Upsert {
	return upsert("DataFile", name, map[string]any{"text": "a secret"})
}

func purgeOf(name string) *events.Delete {
	return &events.Delete{Element: events.ByName(name), Method: events.DeletePurge}
}

// What a writer could not erase, because the element had it under another type,
// the next one does, whether it has followed or begins anew, and although the
// position has gone on since.
func TestTheNextWriterErasesWhatTheLastOneCouldNot(t *testing.T) {
	t.Parallel()
	for _, followed := range []bool{false, true} {
		b, tried, stop := weaken(t)
		b.must(t, file("first", 1))
		var next *repository.Repository
		if followed {
			next = b.next(t)
		}
		b.must(t, secret("f"), &events.Retype{Element: events.ByName("f"), Type: "CSVFile"}, purgeOf("f"))
		last := b.must(t, file("second", 1), file("third", 1))
		if tried.Load() == 0 || b.secrets(t) == 0 {
			t.Fatalf("the weak writer tried %d times to erase something", tried.Load())
		}
		if followed {
			if err := next.Await(t.Context(), last.Sequence); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		if !followed {
			b.next(t)
		}
		runtimetest.Eventually(t, "the history is purged", func() bool { return b.secrets(t) == 0 })
	}
}

// Under its last type the history of what is purged goes as the purge is stored,
// so that nobody has to remember it, whatever comes next.
func TestAPurgeErasesByBeingStored(t *testing.T) {
	t.Parallel()
	b, _, _ := weaken(t)
	b.must(t, secret("f"), secret("g"), secret("h"), link("DataFlow", "f", "h", map[string]any{"label": "a secret"}), file("last", 1))
	set := func(commands ...events.Command) *events.ChangeSet {
		s, err := events.NewChangeSet(commands...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	touched := upsert("DataFile", "g", map[string]any{"text": "a secret, too"})
	b.must(t, purgeOf("f"), file("f", 1), set(touched, purgeOf("g"), file("g", 1), touched, purgeOf("g"), file("g", 2)), set(secret("h"), purgeOf("h")))
	if n := b.secrets(t); n > 0 {
		t.Errorf("%d events tell the secret", n)
	}
}

// What could not be erased, and was hidden by a creation from a writer that never
// heard of the purge, is not told, and swept when its time has come.
func TestNothingIsToldOfBeforeAPurge(t *testing.T) {
	t.Parallel()
	b, _, stop := weaken(t)
	b.must(t, secret("f"))
	before := b.state(t, "f", b.must(t, file("other", 1))).Header.Versions.CreateTime
	b.must(t, &events.Retype{Element: events.ByName("f"), Type: "CSVFile"}, purgeOf("f"))
	created := b.must(t, upsert("CSVFile", "f", nil))
	// The purge is pushed out of the history, so that only the creation is left.
	stream, err := b.bus.JetStream().Stream(t.Context(), b.bus.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), created.Sequence-1); err != nil {
		t.Fatal(err)
	}
	stop()
	if b.secrets(t) == 0 {
		t.Fatal("it was erased")
	}
	next := b.next(t)
	q := events.Get{ElementRef: events.ByName("f"), AsOf: before, MinSequence: created.Sequence}
	if a, err := events.Ask(t.Context(), b.metadata, &q); events.CodeOf(err) != events.CodeNotFound || !strings.Contains(err.Error(), "not known any more") {
		t.Errorf("as it was: got %+v, %v", a, err)
	}
	h, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName("f")})
	if err != nil || len(h.Changes) != 1 {
		t.Errorf("its history: got %d changes, %v", len(h.Changes), err)
	}
	runtimetest.Eventually(t, "it is swept", func() bool {
		next.Sweep(t.Context(), time.Now().Add(time.Hour))
		return b.secrets(t) == 0
	})
}

// A node of an earlier version may have taken back what this one needs.
func TestAPurgeWhereTheStreamDoesNotLetItErase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, secret("f"), secret("g"), file("last", 1))
	info, err := b.bus.StreamInfo(t.Context(), b.bus.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	info.Config.AllowRollup = false
	if _, err := b.bus.JetStream().UpdateStream(t.Context(), info.Config); err != nil {
		t.Fatal(err)
	}
	b.must(t, purgeOf("f"), purgeOf("g"), file("last", 2))
	if n := b.secrets(t); n > 0 {
		t.Errorf("%d events tell the secret", n)
	}
}
