package node

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	growth   = 50        // per cent by which a heap may outgrow what lives in it
	headroom = 384 << 20 // and by at most so many bytes, if it is large
	least    = 10        // per cent; with less the collector hardly rests
)

// BoundHeap trades some processor time for the memory of the process: with Go's
// default, a heap grows to twice of what lives in it, and an index lives long. After
// each collection it decides anew how far the heap may grow. It leaves a process
// alone for which GOGC is set.
func BoundHeap() {
	if os.Getenv("GOGC") == "" {
		boundHeap(struct{}{})
	}
}

// boundHeap is called again after each collection, which finds its mark.
func boundHeap(struct{}) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(heapGrowth(live[0].Value.Uint64()))
	type mark struct{ _ *byte } // with a pointer it is not put beside others that live on
	runtime.AddCleanup(new(mark), boundHeap, struct{}{})
}

// heapGrowth returns by how many per cent a heap may grow in which so many bytes live.
func heapGrowth(live uint64) int {
	const whole = 100
	return int(max(least, min(growth, headroom*whole/max(live, 1))))
}
