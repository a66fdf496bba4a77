package bus_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

func element(b *bus.Bus, guid string) string { return b.Topics().Element("DataFile", guid) }

// follow gathers the texts of followed messages, and waits until following is ready.
func follow(t *testing.T, b *bus.Bus, f bus.FollowOptions) (seen *gathered[string], stop func() error) {
	t.Helper()
	seen = &gathered[string]{}
	ready := make(chan struct{})
	f.Stream, f.Ready = b.Topics().OutStream(), func() { close(ready) }
	stop = background(t, func(ctx context.Context) error {
		return b.Follow(ctx, f, func(m *bus.Message) error {
			seen.add(text(m))
			return nil
		})
	})
	<-ready
	return seen, stop
}

func TestFollowFromASequence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 5 {
		publish(t, b, element(b, strconv.Itoa(i)), strconv.Itoa(i))
	}
	seen, _ := follow(t, b, bus.FollowOptions{Sequence: 3})
	publish(t, b, element(b, "x"), "5")
	if diff := cmp.Diff([]string{"2", "3", "4", "5"}, seen.await(t, 4)); diff != "" {
		t.Error(diff)
	}
}

func TestFollowFromNowMissesNothingAfterReady(t *testing.T) {
	t.Parallel()
	b := setup(t)
	publish(t, b, element(b, "a"), "before")
	for range 10 {
		seen, stop := follow(t, b, bus.FollowOptions{Start: bus.FromNow})
		publish(t, b, element(b, "a"), "after")
		if got := seen.await(t, 1); got[0] != "after" {
			t.Errorf("got %v", got)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
	}
}

func TestFollowFromLatestContinuesLive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 6 {
		publish(t, b, element(b, strconv.Itoa(i%3)), strconv.Itoa(i))
	}
	seen, _ := follow(t, b, bus.FollowOptions{Start: bus.FromLatest})
	publish(t, b, element(b, "0"), "6")
	publish(t, b, element(b, "0"), "7")
	if diff := cmp.Diff([]string{"3", "4", "5", "6", "7"}, seen.await(t, 5)); diff != "" {
		t.Error(diff)
	}
}

func TestFollowOnlyTheSubjectsAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen, _ := follow(t, b, bus.FollowOptions{Subjects: []string{b.Topics().ElementsOf("DataFile"), b.Topics().RelationshipsOf("*")}})
	publish(t, b, b.Topics().Element("FileFolder", "f"), "folder")
	publish(t, b, element(b, "a"), "file")
	publish(t, b, b.Topics().Relationship("NestedFile", "r"), "nested")
	if diff := cmp.Diff([]string{"file", "nested"}, seen.await(t, 2)); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorOfTheHandlerEndsFollowing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	publish(t, b, element(b, "a"), "a")
	publish(t, b, element(b, "b"), "b")
	broken, calls := errors.New("broken"), 0
	err := b.Follow(t.Context(), bus.FollowOptions{Stream: b.Topics().OutStream()}, func(*bus.Message) error {
		calls++
		return broken
	})
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestFollowLeavesNoConsumerBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	publish(t, b, element(b, "a"), "a")
	for range 3 {
		if err := b.Read(t.Context(), b.Topics().OutStream(), []string{b.Topics().Changes()}, func(*bus.Message) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	_, stop := follow(t, b, bus.FollowOptions{})
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	eventually(t, "no consumer", func() bool {
		stream, err := b.JetStream().Stream(t.Context(), b.Topics().OutStream())
		return err == nil && stream.CachedInfo().State.Consumers == 0
	})
}

func TestFollowContinuesAfterTheServerWasAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	b := o.bus()
	seen, _ := follow(t, b, bus.FollowOptions{Start: bus.FromLatest})
	var want []string
	send := func(n int) {
		for range n {
			want = append(want, strconv.Itoa(len(want)))
			publish(t, b, element(b, strconv.Itoa(len(want)%3)), want[len(want)-1])
		}
	}
	send(10)
	seen.await(t, 10)
	for range 2 {
		o.stop()
		o.start()
		within(t, 15*time.Second, "going on", func() {
			send(10)
			seen.await(t, len(want))
		})
	}
	if diff := cmp.Diff(want, seen.all()); diff != "" {
		t.Errorf("not without gap or repeat:\n%s", diff)
	}
}

func TestFollowStopsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	b := o.bus()
	seen, stop := follow(t, b, bus.FollowOptions{})
	publish(t, b, element(b, "a"), "a")
	seen.await(t, 1)
	o.stop()
	eventually(t, "the connection is lost", func() bool { return !b.Conn().IsConnected() })
	within(t, 2*time.Second, "stopping", func() {
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestReadDeliversWhatThereIsAndEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	read := func(subjects ...string) (list []string) {
		t.Helper()
		if err := b.Read(t.Context(), b.Topics().OutStream(), subjects, func(m *bus.Message) error {
			list = append(list, text(m))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := read(b.Topics().Changes()); got != nil {
		t.Errorf("an empty stream has %v", got)
	}
	var want []string
	for i := range 700 {
		want = append(want, strconv.Itoa(i))
	}
	var batch []events.Event
	for _, w := range want {
		batch = append(batch, note(t, w))
	}
	if err := b.PublishAll(t.Context(), element(b, "a"), slices.Values(batch)); err != nil {
		t.Fatal(err)
	}
	publish(t, b, element(b, "b"), "b")
	if got := read(element(b, "a"), element(b, "b"), element(b, "c")); !slices.Equal(got, append(want[700-64:], "b")) {
		t.Errorf("got %v, want the last 64 and b", got)
	}
	if got := read(element(b, "c")); got != nil {
		t.Errorf("an empty subject has %v", got)
	}
	broken := errors.New("broken")
	if err := b.Read(t.Context(), b.Topics().OutStream(), []string{element(b, "a")}, func(*bus.Message) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// Reading must not wait for messages that are removed meanwhile.
func TestReadEndsWhenMessagesVanish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		publish(t, b, element(b, "a"), "a")
	}
	stream, err := b.JetStream().Stream(t.Context(), b.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "reading", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		n := 0
		err := b.Read(ctx, b.Topics().OutStream(), []string{element(b, "a")}, func(*bus.Message) error {
			n++
			if n > 1 {
				return nil
			}
			return stream.Purge(ctx)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// More messages may be removed than are buffered already.
func TestReadEndsWhenMostMessagesVanish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const elements, each = 80, 50 // more than is fetched ahead
	for i := range elements {
		var batch []events.Event
		for range each {
			batch = append(batch, note(t, "x"))
		}
		if err := b.PublishAll(t.Context(), element(b, strconv.Itoa(i)), slices.Values(batch)); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := b.JetStream().Stream(t.Context(), b.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	n := 0
	err = b.Read(ctx, b.Topics().OutStream(), []string{b.Topics().Changes()}, func(*bus.Message) error {
		n++
		if n > 1 {
			return nil
		}
		return stream.Purge(ctx)
	})
	if err != nil || n == elements*each {
		t.Errorf("%d were read, %v", n, err)
	}
}

// If the connection is closed just when the delivery begins, stopping the messages has
// no effect: waiting for one must end by itself.
func TestWaitingForAMessageEndsWithoutStoppingThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	consumer, err := b.JetStream().CreateConsumer(t.Context(), b.Topics().OutStream(), jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(messages.Stop)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := bus.Next(ctx, consumer, messages)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it goes on waiting")
	}
}
