package cli

import "testing"

func TestTheHeapOfALargeIndexGrowsByABoundedAmount(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 50, 1 << 20: 50, 768 << 20: 50, 1 << 30: 37, 2 << 30: 18, 4 << 30: 10, 64 << 30: 10} {
		if got := percentFor(live); got != want {
			t.Errorf("with %d bytes alive: %d %%, want %d %%", live, got, want)
		}
	}
}
