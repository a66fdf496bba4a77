package main

import (
	"os"
	"runtime/debug"
)

// gcPercent trades some processor time for memory: the index and the streams
// live long, and with Go's default of 100 the heap would grow to twice of them.
const gcPercent = 50

// tuneMemory applies gcPercent unless GOGC says something else.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
