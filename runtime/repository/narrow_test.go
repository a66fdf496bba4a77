package repository_test

import (
	"bytes"
	"fmt"
	"net"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// narrow is a server that says it takes messages of 100,000 bytes at most.
type narrow struct{ *embedded.Server }

func (n narrow) InProcessConn() (net.Conn, error) {
	conn, err := n.Server.InProcessConn()
	return narrowConn{conn}, err
}

type narrowConn struct{ net.Conn }

func (c narrowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	copy(b, bytes.ReplaceAll(b[:n], []byte(`"max_payload":8388608`), []byte(`"max_payload":100000 `)))
	return n, err
}

// Whoever waits for an outcome hears it, although it does not fit into a message.
func TestAnAnswerThatIsTooLargeIsShortened(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	b := &bundle{bus: runtimetest.NewBus(t, server)}
	b.connect(t)
	writers, err := bus.Connect(t.Context(), bus.Settings{InProcess: narrow{server}, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writers.Close)
	if most := writers.MaxPayload(); most != 100_000 {
		t.Fatalf("the server takes %d bytes", most)
	}
	b.repo, err = repository.New(repository.Settings{Node: "n1", Bus: writers, Types: looseTypes(t), Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, b.repo.Serve)
	const n = 900
	var steps []events.Command
	for i := range n {
		steps = append(steps, file(fmt.Sprintf("the file %d", i), 1))
	}
	if r := b.apply(t, set(t, steps...), events.ExtDryRun, "true"); r.Error != nil || !r.Changed || r.More != n || len(r.Preview) != 0 || len(r.Steps) != 0 {
		t.Errorf("a dry run: %d previewed, %d steps, %d more, %v", len(r.Preview), len(r.Steps), r.More, r.Error)
	}
	for i, changed := range []bool{true, false} {
		r := b.must(t, set(t, steps...))
		if r.Changed != changed || r.Sequence != n || r.More != n || len(r.Steps) != 0 {
			t.Errorf("round %d: changed %v, sequence %d, %d steps, %d more", i, r.Changed, r.Sequence, len(r.Steps), r.More)
		}
	}
	if r := b.must(t, set(t, steps[:2]...)); len(r.Steps) != 2 || r.More != 0 {
		t.Errorf("one that fits: %+v", r)
	}
}
