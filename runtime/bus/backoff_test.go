package bus_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/runtime/bus"
)

func TestBackoffGrowsToItsMaximum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const first, most = time.Second, 5 * time.Minute
		wait := bus.NewBackoff(first, most)
		for failed := range rapid.IntRange(1, 100).Draw(t, "failed") {
			full := most
			if failed < 9 {
				full = min(first<<failed, most)
			}
			if got := wait.Next(); got > full+1 || got < full/2-1 {
				t.Fatalf("waits %s after %d more failures, want between %s and %s", got, failed, full/2, full)
			}
		}
		wait.Reset()
		if got := wait.Next(); got > first+1 || got < first/2-1 {
			t.Fatalf("after a reset it waits %s, want between %s and %s", got, first/2, first)
		}
	})
}
