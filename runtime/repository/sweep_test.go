package repository_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestSweepPurgesOldDeletionsWithTheirHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"gone", "back", "stays"} {
		b.apply(t, file(name, 1))
		b.apply(t, file(name, 2))
	}
	b.apply(t, &events.Delete{Element: events.ByName("gone")})
	b.apply(t, &events.Delete{Element: events.ByName("back")})
	b.apply(t, file("back", 3))
	last := b.apply(t, &events.Delete{Element: events.ByName("stays")})

	if n := b.repo.Sweep(t.Context(), time.Now().Add(-time.Hour)); n != 0 {
		t.Errorf("swept %d deletions of this hour", n)
	}
	if n := b.repo.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 1 {
		t.Errorf("swept %d, want 1: what is back, and the last event, stay", n)
	}
	history := func(name string) int {
		a, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName(name), MinSequence: last.Sequence})
		if err != nil && events.CodeOf(err) != events.CodeNotFound {
			t.Fatal(err)
		}
		return len(a.Changes)
	}
	if got := [3]int{history("gone"), history("back"), history("stays")}; got != [3]int{0, 4, 3} {
		t.Errorf("events kept of gone, back, stays: %v", got)
	}
	// The position outlives the sweep: nothing is applied again.
	if r := b.apply(t, file("back", 3)); r.Changed {
		t.Errorf("after the sweep: %+v", r)
	}
}

// This is why deletions are swept and do not just carry a TTL: when a message's
// time is up, the one before it is the last of its subject again.
func TestATTLOnATombstoneWouldBringTheElementBack(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBus(t, runtimetest.NewServer(t))
	subject := b.Topics().Element("DataFile", events.GUIDOf("x"))
	for _, m := range []*nats.Msg{
		{Subject: subject, Data: []byte("state")},
		{Subject: subject, Data: []byte("tombstone"), Header: nats.Header{jetstream.MsgTTLHeader: {"1s"}}},
	} {
		if _, err := b.JetStream().PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := b.JetStream().Stream(t.Context(), b.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Eventually(t, "the state is last again", func() bool {
		m, err := stream.GetLastMsgForSubject(t.Context(), subject)
		return err == nil && string(m.Data) == "state"
	})
}
