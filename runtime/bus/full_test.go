package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/runtime/bus"
)

func refusal(status int, code jetstream.ErrorCode, description string) error {
	return fmt.Errorf("nats: %w", &jetstream.APIError{Code: status, ErrorCode: code, Description: description})
}

// Errors of a server without space, as opposed to those of a stream that has reached
// its own limit.
func TestErrorsOfAServerWithoutSpace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		full bool
	}{
		{refusal(503, 10023, "insufficient resources"), true},
		{refusal(500, 10047, "insufficient storage resources available"), true},
		{refusal(400, 10002, "resource limits exceeded for account"), true},
		{refusal(500, 10028, "insufficient memory resources available"), true},
		{refusal(503, 10077, "write x.blk: no space left on device"), true},
		{fmt.Errorf("%w: x", bus.ErrFull), true},
		{refusal(503, 10077, "maximum bytes exceeded"), false},
		{refusal(503, 10077, "maximum messages exceeded"), false},
		{refusal(400, 10071, "wrong last sequence: 3"), false},
		{context.DeadlineExceeded, false},
		{nil, false},
	} {
		if got := bus.IsFull(c.err); got != c.full {
			t.Errorf("%v: got %t", c.err, got)
		}
	}
}

func TestSendersHearOfAServerWithoutSpace(t *testing.T) {
	t.Parallel()
	yes := func(context.Context) bool { return true }
	no := func(context.Context) bool { return false }
	silent := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	saying := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for name, c := range map[string]struct {
		publish func(context.Context) error
		alive   func(context.Context) bool
		full    bool
	}{
		"it says so":                 {saying(refusal(503, 10023, "insufficient resources")), no, true},
		"it stores no batch":         {saying(refusal(400, 10176, "batch publish is incomplete")), no, true},
		"it is silent, but answers":  {silent, yes, true},
		"it is gone":                 {silent, no, false},
		"the stream is full":         {saying(refusal(503, 10077, "maximum bytes exceeded")), yes, false},
		"it says now this, now that": {alternating(), yes, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, sender := range []bool{true, false} {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					began := time.Now()
					err := bus.Store(ctx, sender, c.alive, c.publish)
					cancel()
					want, least, most := context.DeadlineExceeded, time.Minute, time.Minute
					if c.full && sender {
						want, least, most = bus.ErrFull, 5*time.Second, 14*time.Second
					}
					if took := time.Since(began); !errors.Is(err, want) || took < least || took > most {
						t.Errorf("sender %t: got %v after %s, want %v", sender, err, took, want)
					}
				}
			})
		})
	}
}

// alternating is a server that has space for one message from time to time.
func alternating() func(context.Context) error {
	n := 0
	return func(context.Context) error {
		n++
		if n%2 == 0 {
			return refusal(503, 10077, "maximum bytes exceeded")
		}
		return refusal(503, 10023, "insufficient resources")
	}
}
