package repository_test

import (
	"strconv"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// Whoever deletes the in topic must not make the repository deaf: the new one
// counts from 1 again, far below the position that the out topic tells.
func TestANewInTopicIsAppliedFromItsBeginning(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	stop := b.start(t)
	m := client.New(b.bus, "test")
	b.metadata = m
	for i := range 20 {
		b.apply(t, file("a", i))
	}
	stop()
	if err := b.bus.JetStream().DeleteStream(t.Context(), b.bus.Topics().InStream()); err != nil {
		t.Fatal(err)
	}
	if err := b.bus.Ensure(t.Context(), topics.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	stop = b.start(t)
	for i := range 5 {
		if r := b.apply(t, file("a", 100+i)); !r.Changed || r.Version != int64(21+i) {
			t.Fatalf("command %d on the new in topic: %+v", i, r)
		}
	}
	stop()
	b.start(t)
	if r := b.apply(t, file("a", 104)); r.Changed || r.Version != 25 {
		t.Fatalf("after a restart: %+v", r)
	}
}

// The new in topic may have grown beyond the old position before a writer looks.
func TestANewInTopicLongerThanThePositionIsAppliedWhole(t *testing.T) {
	t.Parallel()
	b := idleBundle(t)
	stop := b.start(t)
	for i := range 20 {
		b.apply(t, file("a", i))
	}
	stop()
	if err := b.bus.JetStream().DeleteStream(t.Context(), b.bus.Topics().InStream()); err != nil {
		t.Fatal(err)
	}
	if err := b.bus.Ensure(t.Context(), topics.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	b.fill(t, 30, func(i int) events.Command { return file("b"+strconv.Itoa(i), i) })
	b.start(t)
	if r := b.apply(t, file("the last", 1)); r.Sequence != 20+30+1 {
		t.Errorf("after 30 commands on a new in topic: %+v", r)
	}
}
