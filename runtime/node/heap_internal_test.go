package node

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestALargeHeapGrowsByLess(t *testing.T) {
	t.Parallel()
	for live, percent := range map[uint64]int{0: 50, 100 << 20: 50, 768 << 20: 50, 1536 << 20: 25, 100 << 30: 10} {
		if got := heapGrowth(live); got != percent {
			t.Errorf("%d MiB live: %d %%, want %d", live>>20, got, percent)
		}
	}
}

// The percentage is that of the process: this test does not run beside others.
func TestTheBoundIsSetAnewAfterEachCollection(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	BoundHeap()
	for range 3 {
		debug.SetGCPercent(100)
		for deadline := time.Now().Add(10 * time.Second); debug.SetGCPercent(100) == 100; runtime.GC() {
			if time.Now().After(deadline) {
				t.Fatal("the percentage stays 100 after collections")
			}
		}
	}
}
