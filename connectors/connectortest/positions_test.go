package connectortest_test

import (
	"testing"

	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

func TestPositionsAreFenced(t *testing.T) {
	t.Parallel()
	r := connectortest.NewRepository()
	if p, err := r.LoadPosition(t.Context(), "k", 2); p != nil || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
	if err := r.SavePosition(t.Context(), "k", 1, []byte("999")); events.CodeOf(err) != events.CodeStale {
		t.Errorf("an older generation saves: %v", err)
	}
	for _, generation := range []uint64{2, 0, 3} {
		if err := r.SavePosition(t.Context(), "k", generation, []byte("5")); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.LoadPosition(t.Context(), "k", 2); events.CodeOf(err) != events.CodeStale {
		t.Errorf("an older generation loads: %v", err)
	}
	if p, err := r.LoadPosition(t.Context(), "k", 3); string(p) != "5" || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
}
