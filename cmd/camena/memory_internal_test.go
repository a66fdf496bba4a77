package main

import "testing"

func TestTheHeapOfALargeIndexGrowsByABoundedAmount(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 50, 1 << 20: 50, 1 << 30: 50, 2 << 30: 25, 4 << 30: 12, 64 << 30: 10} {
		if got := percentFor(live); got != want {
			t.Errorf("with %d bytes alive: %d %%, want %d %%", live, got, want)
		}
	}
}
