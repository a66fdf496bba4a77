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

// leavesNone runs f and checks that the goroutines that it starts, directly or not, end
// soon. Goroutines inherit the labels of the profiler, so those of parallel tests are not
// among them.
func (c *check) leavesNone(after string, f func()) {
	c.Helper()
	id := rand.Text()
	pprof.Do(context.Background(), pprof.Labels(leakLabel, id), func(context.Context) { f() })
	label := fmt.Sprintf("%q:%q", leakLabel, id)
	for deadline := time.Now().Add(stopTimeout); ; <-time.After(stopTimeout / 100) {
		left := labeled(label)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.Errorf("after %s there are %d goroutines left:\n%s", after, len(left), strings.Join(left, "\n\n"))
			return
		}
	}
}

// labeled returns the stacks of the goroutines with a label.
func labeled(label string) (stacks []string) {
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
