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

// marked runs f and returns a function that lists the running goroutines that f
// started, directly or not. Goroutines inherit the labels of the profiler, so those of
// parallel tests are not among them.
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

// noneLeft checks that the goroutines end soon.
func (c *check) noneLeft(left func() []string, after string) {
	c.Helper()
	for deadline := time.Now().Add(stopTimeout); ; <-time.After(stopTimeout / 100) {
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
