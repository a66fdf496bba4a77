package repository_test

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// powerless is a server on which nothing can be purged.
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
	purge, nothing := []byte("STREAM.PURGE."), []byte("STREAM.NOSUCH")
	if !bytes.Contains(b, purge) {
		return c.Conn.Write(b)
	}
	c.tried.Add(1)
	return c.Conn.Write(bytes.ReplaceAll(b, purge, nothing))
}

// What a writer could not erase the next one does, whether it has followed or
// begins anew, and although the position has gone on since.
func TestTheNextWriterErasesWhatTheLastOneCouldNot(t *testing.T) {
	t.Parallel()
	for _, followed := range []bool{false, true} {
		server := runtimetest.NewServer(t)
		b := &bundle{bus: runtimetest.NewBus(t, server)}
		b.connect(t)
		tried := &atomic.Int64{}
		weak, err := bus.Connect(t.Context(), bus.Settings{InProcess: powerless{server, tried}, Logger: runtimetest.Logger()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(weak.Close)
		b.repo, err = repository.New(repository.Settings{Node: "weak", Bus: weak, Types: looseTypes(t), Logger: runtimetest.Logger()})
		if err != nil {
			t.Fatal(err)
		}
		stop := runtimetest.Run(t, b.repo.Serve)
		b.must(t, file("first", 1))
		var next *repository.Repository
		begin := func() {
			next, err = repository.New(repository.Settings{Node: "next", Bus: b.bus, Types: looseTypes(t), Logger: runtimetest.Logger()})
			if err != nil {
				t.Fatal(err)
			}
			runtimetest.Run(t, next.Serve)
		}
		if followed {
			begin()
		}
		b.must(t, upsert("DataFile", "f", map[string]any{"text": "a secret"}), &events.Delete{Element: events.ByName("f"), Method: events.DeletePurge})
		last := b.must(t, file("second", 1), file("third", 1))
		if tried.Load() == 0 {
			t.Fatal("the weak writer did not try to erase anything")
		}
		if followed {
			if err := next.Await(t.Context(), last.Sequence); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		if !followed {
			begin()
		}
		runtimetest.Eventually(t, "the history is purged", func() bool {
			return !slices.ContainsFunc(b.out(t, 1), func(e events.Event) bool { return strings.Contains(string(e.Data), "secret") })
		})
	}
}
