package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// Stored heartbeats show that the bus stores messages.
func TestSilence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := client.New(b, "")
	if silence, err := c.Silence(t.Context()); err != nil || silence != client.Never {
		t.Fatalf("before any heartbeat: %s, %v", silence, err)
	}
	nodes, err := bus.OpenBucket[string](t.Context(), b, b.Topics().NodesBucket())
	if err != nil {
		t.Fatal(err)
	}
	beat := "beat"
	if _, err := nodes.Put(t.Context(), "n", &beat); err != nil {
		t.Fatal(err)
	}
	if silence, err := c.Silence(t.Context()); err != nil || silence > time.Minute {
		t.Errorf("after one: %s, %v", silence, err)
	}
}

func TestAWriterThatStandsStillIsUnhealthy(t *testing.T) {
	t.Parallel()
	for still, want := range map[time.Duration]string{
		0: "", client.StalledAfter - 1: "", client.StalledAfter: "no progress for 10s",
	} {
		err := client.Stalled(&events.WriterStatus{Node: "n1", Waiting: 3, Still: events.Duration(still)})
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "3 commands") || !strings.Contains(err.Error(), "node n1")) {
			t.Errorf("after %s: %v, want %q", still, err, want)
		}
	}
}
