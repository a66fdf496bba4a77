package repository_test

import (
	"bytes"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// watched is a server to which a connection sends something, the second time,
// only after something else has happened.
type watched struct {
	*embedded.Server

	what   []byte
	before func()
	times  *atomic.Int64
}

func (w watched) InProcessConn() (net.Conn, error) {
	conn, err := w.Server.InProcessConn()
	return &watchedConn{conn, w}, err
}

type watchedConn struct {
	net.Conn
	watched
}

func (c *watchedConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, c.what) && c.times.Add(1) == 2 {
		c.before()
	}
	return c.Conn.Write(b)
}

// Another writer, which believes to be the only one too, publishes while this
// one finds out how far the out topic reaches: no command may be left out.
func TestAWriterThatIsOvertakenWhileItCatchesUpLosesNothing(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	b := &bundle{bus: runtimetest.NewBus(t, server)}
	b.connect(t)
	const rest = 50
	b.fill(t, 1, func(int) events.Command { return file("the first", 1) })
	overtaken := make(chan struct{})
	overtake := func() {
		defer close(overtaken)
		rival, err := repository.New(repository.Settings{Node: "rival", LeaseKey: "rival", Bus: b.bus, Types: looseTypes(t), Logger: runtimetest.Logger()})
		if err != nil {
			t.Error(err)
			return
		}
		stop := runtimetest.Run(t, rival.Serve)
		runtimetest.Eventually(t, "the rival applies a command", func() bool { return rival.Sequence() > 0 })
		stop()
		b.fill(t, rest, func(i int) events.Command { return file(strconv.Itoa(i), i) })
	}
	// It asks for the last event before it stands for election, and as the writer.
	last := []byte("GET." + b.bus.Topics().OutStream())
	slow, err := bus.Connect(t.Context(), bus.Settings{InProcess: watched{server, last, overtake, &atomic.Int64{}}, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slow.Close)
	repo, err := repository.New(repository.Settings{Node: "slow", Bus: slow, Types: looseTypes(t), Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, repo.Serve)
	<-overtaken
	if r := b.apply(t, file("the last", 1)); r.Error != nil || r.Sequence != rest+2 {
		t.Errorf("after %d commands: %+v", rest+1, r)
	}
	var causes []string
	for _, e := range b.out(t, 1) {
		causes = append(causes, e.Extension(events.ExtInSequence))
	}
	for i := range rest + 2 {
		if !slices.Contains(causes, strconv.Itoa(i+1)) {
			t.Errorf("command %d is left out", i+1)
		}
	}
}
