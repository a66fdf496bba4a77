package repository_test

import (
	"slices"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// A dead letter says whether the sender heard of the refusal.
func TestADeadLetterSaysWhetherItsSenderWasTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if r := b.apply(t, typed("Nothing", "a", nil)); events.CodeOf(r.Error) != events.CodeUnknownType {
		t.Fatalf("got %+v", r)
	}
	e, err := events.NewCommand("/test", typed("Nothing", "b", nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.metadata.Send(t.Context(), slices.Values([]events.Event{e})); err != nil {
		t.Fatal(err)
	}
	var told []string
	runtimetest.Eventually(t, "two dead letters", func() bool {
		told = nil
		err := b.bus.Read(t.Context(), b.bus.Topics().DeadLetterStream(), []string{b.bus.Topics().DeadLetters()}, func(m *bus.Message) error {
			e, err := m.Event()
			told = append(told, e.Extension(events.ExtTold))
			return err
		})
		return err == nil && len(told) == 2
	})
	if !slices.Equal(told, []string{"true", ""}) {
		t.Errorf("got %q", told)
	}
}
