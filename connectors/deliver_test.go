package connectors_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camena-io/camena/connectors"
)

var errBroken = errors.New("broken")

func TestAListenerGivesUpInTime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err      func(call int) error
		calls    int
		from, to time.Duration
	}{
		"takes it":       {func(int) error { return nil }, 1, 0, 0},
		"takes it later": {func(call int) error { return map[bool]error{true: errBroken}[call < 10] }, 10, 20 * time.Second, time.Minute},
		"never takes it": {func(int) error { return errBroken }, 10, 20 * time.Second, time.Minute},
		"refuses it":     {func(int) error { return connectors.Permanent(errBroken) }, 1, 0, 0},
		"refuses it then": {func(call int) error {
			return map[bool]error{true: errBroken, false: connectors.Permanent(errBroken)}[call < 3]
		}, 3, 0, time.Second},
		"says when": {func(call int) error {
			return map[bool]error{true: connectors.RetryAfter(errBroken, time.Hour)}[call < 30]
		}, 30, 29 * time.Hour, 29 * time.Hour},
		"says when, then fails": {func(call int) error {
			return map[bool]error{true: connectors.RetryAfter(errBroken, time.Hour), false: errBroken}[call <= 2]
		}, 12, 2 * time.Hour, 2*time.Hour + time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls, failures, began := 0, 0, time.Now()
				err := connectors.Deliver(t.Context(), 75*time.Millisecond, 30*time.Second, func() error {
					calls++
					return test.err(calls)
				}, func(error) { failures++ })
				last := test.err(calls)
				if (err == nil) != (last == nil) || calls != test.calls || last != nil && failures != calls || last == nil && failures != calls-1 {
					t.Errorf("ended with %v after %d calls, %d of which failed", err, calls, failures)
				}
				if took := time.Since(began); took < test.from || took > test.to {
					t.Errorf("took %s, want %s to %s", took, test.from, test.to)
				}
			})
		})
	}
}
