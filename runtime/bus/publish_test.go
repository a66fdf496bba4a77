package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

func notes(t *testing.T, from, to int) (list []events.Event) {
	t.Helper()
	for i := from; i < to; i++ {
		e := note(t, strconv.Itoa(i))
		e.ID = fmt.Sprintf("%s-%d", t.Name(), i)
		list = append(list, e)
	}
	return list
}

// stored returns the texts that the in topic holds.
func stored(t *testing.T, b *bus.Bus) (list []string) {
	t.Helper()
	err := b.Read(t.Context(), b.Topics().InStream(), []string{b.Topics().Commands("x")}, func(m *bus.Message) error {
		list = append(list, text(m))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func numbers(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

func TestAnEventThatIsPublishedAgainIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := note(t, "a")
	first, err := b.Publish(t.Context(), b.Topics().Commands("x"), &e)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Publish(t.Context(), b.Topics().Commands("x"), &e)
	if err != nil || again != first {
		t.Errorf("stored as %d and as %d (%v)", first, again, err)
	}
}

func TestManyEventsKeepTheirOrderOverBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.PublishAll(t.Context(), b.Topics().Commands("x"), slices.Values(notes(t, 0, 1234))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbers(0, 1234), stored(t, b)); diff != "" {
		t.Error(diff)
	}
}

func TestBatchesThatAreRepeatedAreStoredOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		first, then [2]int
	}{
		{"the same", [2]int{0, 700}, [2]int{0, 700}},
		{"with more behind", [2]int{0, 10}, [2]int{0, 20}},
		{"with more before", [2]int{10, 20}, [2]int{5, 20}},
		{"overlapping", [2]int{0, 10}, [2]int{5, 15}},
		{"one of them before", [2]int{7, 8}, [2]int{0, 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			all := notes(t, 0, 1000)
			for _, part := range [][2]int{c.first, c.then} {
				if err := b.PublishAll(t.Context(), b.Topics().Commands("x"), slices.Values(all[part[0]:part[1]])); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[string]int{}
			for _, s := range stored(t, b) {
				seen[s]++
			}
			for i := min(c.first[0], c.then[0]); i < max(c.first[1], c.then[1]); i++ {
				if n := seen[strconv.Itoa(i)]; n != 1 {
					t.Errorf("event %d is stored %d times", i, n)
				}
			}
		})
	}
}

// The answer to a batch is lost with the connection: the batch is sent again.
func TestPublishingContinuesOverAnOutage(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	b := o.bus()
	err := b.PublishAll(t.Context(), b.Topics().Commands("x"), func(yield func(events.Event) bool) {
		for i, e := range notes(t, 0, 3000) {
			if i == 1000 || i == 2000 {
				o.stop()
				o.start()
			}
			if !yield(e) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbers(0, 3000), stored(t, b)); diff != "" {
		t.Error(diff)
	}
}

func small() topics.Limits {
	l := topics.DefaultLimits()
	l.InBytes = 1 << 20
	return l
}

func TestAFullStreamHoldsPublishersBackUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	for name, publishMore := range map[string]func(ctx context.Context, b *bus.Bus, es []events.Event) error{
		"one by one": func(ctx context.Context, b *bus.Bus, es []events.Event) error {
			for i := range es {
				if _, err := b.Publish(ctx, b.Topics().Commands("x"), &es[i]); err != nil {
					return err
				}
			}
			return nil
		},
		"in batches": func(ctx context.Context, b *bus.Bus, es []events.Event) error {
			return b.PublishAll(ctx, b.Topics().Commands("x"), slices.Values(es))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupWith(t, small())
			stream, err := b.JetStream().Stream(t.Context(), b.Topics().InStream())
			if err != nil {
				t.Fatal(err)
			}
			big := func(n int) (list []events.Event) {
				for range n {
					list = append(list, note(t, strings.Repeat("x", 100<<10)))
				}
				return list
			}
			if err := publishMore(t.Context(), b, big(9)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := publishMore(ctx, b, big(5)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "maximum bytes") {
				t.Errorf("got %v, want a deadline that says that the stream is full", err)
			}
			first, err := stream.Info(t.Context())
			if err != nil || first.State.FirstSeq != 1 {
				t.Errorf("something was dropped: %+v, %v", first.State, err)
			}
			done := background(t, func(ctx context.Context) error { return publishMore(context.WithoutCancel(ctx), b, big(5)) })
			if err := stream.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			within(t, 10*time.Second, "going on", func() {
				if err := done(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestATooLargeEventIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	huge := note(t, strings.Repeat("x", int(b.MaxPayload())))
	if _, err := b.Publish(t.Context(), b.Topics().Commands("x"), &huge); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	err := b.PublishAll(t.Context(), b.Topics().Commands("x"), slices.Values([]events.Event{note(t, "a"), huge, note(t, "b")}))
	if !errors.Is(err, bus.ErrTooLarge) || !strings.Contains(err.Error(), strconv.FormatInt(b.MaxPayload(), 10)) {
		t.Errorf("got %v", err)
	}
}

func TestPublishingIsRefusedForGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := note(t, "a")
	bad.Source = ""
	if _, err := b.Publish(t.Context(), b.Topics().Commands("x"), &bad); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("an event without source: %v", err)
	}
	good := note(t, "a")
	if _, err := b.Publish(t.Context(), "not a subject", &good); err == nil {
		t.Error("a subject with blanks is taken")
	}
	m, err := bus.NewMessage(element(b, "a"), &good)
	if err != nil {
		t.Fatal(err)
	}
	m.Header.Set(jetstream.ExpectedLastSeqHeader, "7")
	if _, err := b.PublishMessage(t.Context(), m); !bus.IsSequence(err) {
		t.Errorf("a wrong expectation: %v", err)
	}
	b.Close()
	within(t, 2*time.Second, "failing", func() {
		if _, err := b.Publish(t.Context(), b.Topics().Commands("x"), &good); err == nil {
			t.Error("a closed bus publishes")
		}
	})
}

func TestPublishingWhereNoStreamIsWaitsForIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := note(t, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := b.Publish(ctx, "nowhere", &e); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, jetstream.ErrNoStreamResponse) {
		t.Errorf("got %v", err)
	}
}
