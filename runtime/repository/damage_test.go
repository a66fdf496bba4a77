package repository_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// fill sends commands without waiting for their outcome.
func (b *bundle) fill(t *testing.T, n int, command func(i int) events.Command) {
	t.Helper()
	err := b.metadata.Send(t.Context(), func(yield func(events.Event) bool) {
		for i := range n {
			e, err := events.NewCommand("/test", command(i))
			if err != nil {
				t.Error(err)
				return
			}
			if !yield(e) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func idleBundle(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	m := client.New(b.bus, "test")
	b.metadata = m
	return b
}

// An event whose acknowledgement was not asked for yet must not wait for ever
// behind commands that change nothing.
func TestManyCommandsThatChangeNothingDoNotStallTheWriter(t *testing.T) {
	t.Parallel()
	b := idleBundle(t)
	b.fill(t, 8000, func(i int) events.Command {
		if i < 100 {
			return file("f"+strconv.Itoa(i), i)
		}
		return file("f99", 99)
	})
	b.start(t)
	if r := b.apply(t, file("the last", 1)); !r.Changed || r.Sequence != 101 {
		t.Errorf("behind 7,900 commands that change nothing: %+v", r)
	}
}

// Large commands are read as far as there is room for them.
func TestABacklogOfLargeCommandsIsApplied(t *testing.T) {
	t.Parallel()
	b := idleBundle(t)
	text := strings.Repeat("x", 300<<10)
	const n = 60 // more than is fetched ahead
	b.fill(t, n, func(i int) events.Command {
		return upsert("DataFile", "large", map[string]any{"size": i, "description": text})
	})
	b.start(t)
	runtimetest.Eventually(t, "all commands are applied", func() bool { return b.repo.Sequence() == n })
}

// A power cut can take the end of the out topic from a living node. The in topic
// still has the commands that led there: they are applied again.
func TestAnOutTopicThatLostItsEndIsReadAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const all, left = 20, 15
	for i := range all {
		b.apply(t, file("a", i))
	}
	cutOut(t, b, left)
	r := b.apply(t, file("a", 1000))
	if r.Error != nil || r.Version != all+1 || r.Sequence != all+1 {
		t.Fatalf("after the loss: %+v", r)
	}
	if state, err := b.bus.StreamState(t.Context(), b.bus.Topics().OutStream()); err != nil || state.LastSeq != r.Sequence {
		t.Errorf("the out topic reaches to %d, the answer says %d (%v)", state.LastSeq, r.Sequence, err)
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("a"), MinSequence: r.Sequence})
	if err != nil {
		t.Fatal(err)
	}
	if size, err := events.Property[int](a.Element.Properties, "size"); err != nil || size != 1000 || a.Sequence != r.Sequence {
		t.Errorf("read back: sequence %d, size %d, %v", a.Sequence, size, err)
	}
}

// cutOut leaves only the first events of the out topic.
func cutOut(t *testing.T, b *bundle, left uint64) {
	t.Helper()
	js, name := b.bus.JetStream(), b.bus.Topics().OutStream()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var kept []*nats.Msg
	for i := uint64(1); i <= left; i++ {
		m, err := stream.GetMsg(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(m.Header, func(key string, _ []string) bool { return strings.HasPrefix(key, "Nats-") })
		kept = append(kept, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
	}
	if err := js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	for _, m := range kept {
		if _, err := js.PublishMsg(t.Context(), m, jetstream.WithRetryAttempts(3)); err != nil {
			t.Fatal(err)
		}
	}
}
