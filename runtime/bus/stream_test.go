package bus_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// TestCopyWhileMessagesAreReplaced publishes to the same subjects while they are
// copied: newer messages replace the removed ones.
func TestCopyWhileMessagesAreReplaced(t *testing.T) {
	t.Parallel()
	limits := topics.DefaultLimits()
	limits.History = 1
	b := setupWith(t, limits)
	subject := func(n int) string { return b.Topics().Element("X", strconv.Itoa(n)) }
	for n := range 20 {
		publish(t, b, subject(n), "old")
	}
	c := bus.CopyOptions{Stream: b.Topics().OutStream()}
	got := map[string]string{}
	err := b.Copy(t.Context(), c, func(m *bus.Message) error {
		if len(got) == 0 {
			publish(t, b, subject(0), "new")
			publish(t, b, subject(20), "later")
		}
		got[m.Subject] = text(m)
		return nil
	})
	if err != nil || got[subject(19)] != "old" {
		t.Errorf("copied %v (%v)", got, err)
	}
	for n := range 20 {
		if got[subject(n)] == "" {
			t.Errorf("%s is missing", subject(n))
		}
	}
	var since []string
	c.From = 21
	if err := b.Copy(t.Context(), c, func(m *bus.Message) error { since = append(since, text(m)); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(since, []string{"new", "later"}) {
		t.Errorf("behind sequence 20: %v", since)
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stream := b.Topics().OutStream()
	messages := func(n int) []*nats.Msg {
		var all []*nats.Msg
		for i := range n {
			e := note(t, strconv.Itoa(i))
			m, err := bus.NewMessage(b.Topics().Element("X", strconv.Itoa(i)), &e)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		return all
	}
	if err := b.Append(t.Context(), stream, 0, messages(500)); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(t.Context(), stream, 500, messages(1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(t.Context(), stream, 7, messages(2)); !errors.Is(err, bus.ErrSequence) {
		t.Errorf("appending where the end is not: %v", err)
	}
	if state, err := b.StreamState(t.Context(), stream); err != nil || state.LastSeq != 501 {
		t.Errorf("the stream ends at %d (%v)", state.LastSeq, err)
	}
}
