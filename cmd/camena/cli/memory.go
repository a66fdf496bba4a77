package cli

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// gcPercent trades some processor time for memory: the index and the streams
	// live long, and with Go's default of 100 the heap would grow to twice of them.
	gcPercent = 50
	// gcHeadroom is by how many bytes a large heap may outgrow what lives in it:
	// half as much again of some GB is more than it needs.
	gcHeadroom = 384 << 20
	// gcLeast is the percentage below which the collector would hardly rest.
	gcLeast = 10
	// gcPause is between two looks at the heap. It is long beside the time in which
	// the percentage changes much.
	gcPause = time.Second
)

// tuneMemory bounds by how much the heap outgrows what lives in it, until ctx is
// done, unless GOGC says something else.
func tuneMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(gcPause)
	defer tick.Stop()
	for percent := 0; ; {
		metrics.Read(sample)
		if now := percentFor(sample[0].Value.Uint64()); now != percent {
			percent = now
			debug.SetGCPercent(percent)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// percentFor returns the percentage for a heap with so many bytes alive.
func percentFor(live uint64) int {
	const whole = 100
	return int(max(gcLeast, min(gcPercent, gcHeadroom*whole/max(live, 1))))
}
