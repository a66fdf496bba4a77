package bus_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
)

const streams = "test.stream"

// streaming serves streams with a handler, and returns a caller on another connection.
func streaming(t *testing.T, handle func(ctx context.Context, request []byte, send func([]byte) error) error) *bus.Bus {
	t.Helper()
	server := runtimetest.NewServer(t)
	b := runtimetest.NewBus(t, server)
	service, err := micro.AddService(b.Conn(), micro.Config{Name: "test", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Stop() })
	if err := service.AddEndpoint("stream", bus.AnswerStream(t.Context(), b, handle), micro.WithEndpointSubject(streams)); err != nil {
		t.Fatal(err)
	}
	return runtimetest.NewBus(t, server)
}

func TestAStreamArrivesWholeAndInOrder(t *testing.T) {
	t.Parallel()
	const parts = 1000
	b := streaming(t, func(_ context.Context, request []byte, send func([]byte) error) error {
		for i := range parts {
			if err := send(append([]byte{byte(i), byte(i >> 8)}, request...)); err != nil {
				return err
			}
		}
		return nil
	})
	n := 0
	for part, err := range b.Stream(t.Context(), streams, []byte("hello")) {
		if err != nil || int(part[0])|int(part[1])<<8 != n || string(part[2:]) != "hello" {
			t.Fatalf("part %d is %q, %v", n, part, err)
		}
		n++
	}
	if n != parts {
		t.Errorf("got %d parts", n)
	}
}

func TestALargeRequest(t *testing.T) {
	t.Parallel()
	b := streaming(t, func(_ context.Context, request []byte, send func([]byte) error) error {
		sum := uint64(0)
		for i, c := range request {
			sum += uint64(i) * uint64(c)
		}
		answer, err := events.Marshal([]uint64{uint64(len(request)), sum})
		return errors.Join(err, send(answer))
	})
	request := bytes.Repeat([]byte("0123456789abcdef?"), 2<<20)
	sum := uint64(0)
	for i, c := range request {
		sum += uint64(i) * uint64(c)
	}
	for part, err := range b.Stream(t.Context(), streams, request) {
		got, decodeErr := events.Unmarshal[[]uint64](part)
		if err != nil || decodeErr != nil || got[0] != uint64(len(request)) || got[1] != sum {
			t.Errorf("got %v, %v, %v", got, err, decodeErr)
		}
	}
	for _, err := range b.Stream(t.Context(), streams, make([]byte, bus.MaxRequest+1)) {
		if events.CodeOf(err) != events.CodeTooLarge {
			t.Errorf("a request that is too large: %v", err)
		}
	}
}

// A caller that takes slowly is not flooded, and keeps the service from working ahead.
func TestTheServiceWaitsForTheCaller(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	ended := make(chan error, 1)
	b := streaming(t, func(ctx context.Context, _ []byte, send func([]byte) error) error {
		for {
			if err := send([]byte("part")); err != nil {
				ended <- errors.Join(err, context.Cause(ctx))
				return err
			}
			sent.Add(1)
		}
	})
	taken := 0
	for _, err := range b.Stream(t.Context(), streams, nil) {
		if err != nil {
			t.Fatal(err)
		}
		taken++
		if taken == 100 {
			if ahead := sent.Load() - int64(taken); ahead > 16 {
				t.Errorf("%d parts ahead of the caller", ahead)
			}
			break
		}
	}
	select {
	case err := <-ended:
		if !errors.Is(err, bus.ErrCanceled) {
			t.Errorf("the service ends with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the service goes on after the caller has stopped")
	}
}

func TestAStreamEndsWithTheErrorOfTheService(t *testing.T) {
	t.Parallel()
	b := streaming(t, func(_ context.Context, _ []byte, send func([]byte) error) error {
		return errors.Join(send([]byte("part")), events.Errorf(events.CodeRefused, "/a", "no"))
	})
	parts := 0
	var last error
	for _, err := range b.Stream(t.Context(), streams, nil) {
		if last = err; err == nil {
			parts++
		}
	}
	if e := events.AsError(last); parts != 1 || e.Code != events.CodeRefused || e.Pointer != "/a" {
		t.Errorf("%d parts, then %v", parts, last)
	}
	for _, err := range b.Stream(t.Context(), "test.nobody", nil) {
		if events.CodeOf(err) != events.CodeUnavailable || !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("nobody there: %v", err)
		}
	}
}

// The deadline of the caller ends the work of the service.
func TestADeadlineEndsAStreamOnBothSides(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	b := streaming(t, func(ctx context.Context, _ []byte, _ func([]byte) error) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for _, err := range b.Stream(ctx, streams, nil) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller sees %v", err)
		}
	}
	select {
	case err := <-ended: // it knows the deadline, too
		if !errors.Is(err, bus.ErrCanceled) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the service ends with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the service goes on")
	}
}

// A caller that vanishes is noticed.
func TestACallerThatVanishes(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	b := streaming(t, func(ctx context.Context, _ []byte, _ func([]byte) error) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	go func() {
		for _, err := range b.Stream(t.Context(), streams, nil) {
			t.Log(err) // the connection is gone
		}
	}()
	time.AfterFunc(300*time.Millisecond, b.Close)
	select {
	case err := <-ended:
		if events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("the service ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the service goes on")
	}
}
