package connectortest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"runtime/pprof"
	"strings"
	"time"
)

const leakLabel = "connectortest"

// marked runs f and returns a function that tells which goroutines, of those
// that f started and all that these started, are still there. A goroutine
// inherits the profiler's labels, so tests that run in parallel do not disturb.
func marked(f func()) (left func() []string) {
	id := rand.Text()
	pprof.Do(context.Background(), pprof.Labels(leakLabel, id), func(context.Context) { f() })
	label := fmt.Sprintf("%q:%q", leakLabel, id)
	return func() (stacks []string) {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			return []string{err.Error()}
		}
		for stack := range strings.SplitSeq(profile.String(), "\n\n") {
			if strings.Contains(stack, label) {
				stacks = append(stacks, stack)
			}
		}
		return stacks
	}
}

// noneLeft waits a little for the goroutines to be gone.
func (c *check) noneLeft(left func() []string, after string) {
	c.Helper()
	for deadline := time.Now().Add(promptness); ; <-time.After(promptness / 100) {
		stacks := left()
		if len(stacks) == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.Errorf("after %s there are %d goroutines left:\n%s", after, len(stacks), strings.Join(stacks, "\n\n"))
			return
		}
	}
}
