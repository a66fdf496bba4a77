package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
)

type size struct {
	Bytes int `json:"bytes"`
}

type filler struct {
	Room int    `json:"room"`
	Text string `json:"text"`
}

// fillerService answers with a text of the requested size.
func fillerService(t *testing.T, b *bus.Bus) (subject string) {
	t.Helper()
	service, err := micro.AddService(b.Conn(), micro.Config{Name: "filler", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Stop() })
	handler := bus.AnswerWithin(b, func(question []byte, room int) (any, error) {
		q, err := events.Unmarshal[size](question)
		if err != nil {
			return nil, err
		}
		text := strings.Repeat("0123456789abcdef", q.Bytes/16+1)
		return filler{Room: room, Text: text[:q.Bytes]}, nil
	})
	inBackground := micro.HandlerFunc(func(r micro.Request) { go handler.Handle(r) })
	subject = b.Topics().API("test", "fill")
	if err := service.AddEndpoint("fill", inBackground, micro.WithEndpointSubject(subject)); err != nil {
		t.Fatal(err)
	}
	if err := b.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	return subject
}

func TestLargeAnswersComeInParts(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	b, client := runtimetest.NewBus(t, server), runtimetest.NewBus(t, server)
	subject := fillerService(t, b)
	const message = 1 << 20
	var asking sync.WaitGroup
	for _, n := range []int{0, 10, message - 5000, message - 4096, message, message + 1, 3*message + 77, 12 * message} {
		asking.Go(func() {
			a, err := bus.Call[filler](t.Context(), client, subject, size{Bytes: n})
			if err != nil || len(a.Text) != n {
				t.Errorf("%d bytes: got %d, %v", n, len(a.Text), err)
			}
			if want := strings.Repeat("0123456789abcdef", n/16+1)[:n]; a.Text != want {
				t.Errorf("%d bytes came otherwise than they were sent", n)
			}
		})
	}
	asking.Wait()
	var err error
	runtimetest.Eventually(t, "an answer", func() bool { // which a busy machine may not make in time
		_, err = bus.Call[filler](t.Context(), client, subject, size{Bytes: bus.MaxAnswer})
		return events.CodeOf(err) != events.CodeUnavailable
	})
	if events.CodeOf(err) != events.CodeTooLarge || !strings.Contains(err.Error(), "page by page") {
		t.Errorf("what is larger than all limits: %v", err)
	}
}

// A plain NATS client gets one message, which says what it can do.
func TestAPlainClientIsToldOfWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	subject := fillerService(t, b)
	m, err := b.Conn().Request(subject, []byte(`{"bytes":10}`), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	a, err := events.Unmarshal[filler](m.Data)
	if err != nil || a.Room <= 0 || a.Room > 1<<20 || m.Header.Get("Camena-Parts") != "" {
		t.Errorf("got %.200v, %v", a, err)
	}
	if m, err = b.Conn().Request(subject, []byte(`{"bytes":20000000}`), time.Minute); err != nil {
		t.Fatal(err)
	}
	if m.Header.Get(micro.ErrorCodeHeader) != string(events.CodeTooLarge) || !strings.Contains(string(m.Data), "ask for less") {
		t.Errorf("got %v %.200s", m.Header, m.Data)
	}
}

// A receiver that stops confirming parts delays no other, and missing parts are noticed.
func TestAnswersThatBreakOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	subject := b.Topics().API("test", "broken")
	sub, err := b.Conn().Subscribe(subject, func(m *nats.Msg) {
		for _, part := range []string{"1", "3"} {
			p := nats.NewMsg(m.Reply)
			p.Reply, p.Data = b.Conn().NewInbox(), []byte(`{}`)
			p.Header.Set("Camena-Part", part)
			p.Header.Set("Camena-Parts", "4")
			if err := b.Conn().PublishMsg(p); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	if _, err := bus.Call[filler](ctx, b, subject, size{}); events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "whole") {
		t.Errorf("a part is missing: %v", err)
	}
	cancel()
	if _, err := bus.Call[filler](ctx, b, subject, size{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after ctx is done: %v", err)
	}
	// A receiver that confirms nothing gets only the first parts.
	inbox := b.Conn().NewInbox()
	parts, err := b.Conn().SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	q := nats.NewMsg(fillerService(t, b))
	q.Reply, q.Data = inbox, []byte(`{"bytes":20000000}`)
	q.Header.Set("Camena-Accepts", "parts")
	if err := b.Conn().PublishMsg(q); err != nil {
		t.Fatal(err)
	}
	n, patience := 0, 20*time.Second
	for {
		if _, err := parts.NextMsg(patience); err != nil {
			break
		}
		n, patience = n+1, time.Second
	}
	if n != 8 {
		t.Errorf("%d parts were sent ahead, want 8", n)
	}
}

// Following ends with an error when the connection is closed.
func TestFollowingEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]bus.FollowOptions{
		"plain": {}, "with a check": {Check: func(context.Context) error { return errors.New("it fails") }},
	} {
		b := setup(t)
		f.Stream = b.Topics().OutStream()
		ready := make(chan struct{})
		f.Ready = func() { close(ready) }
		done := make(chan error, 1)
		if f.Check != nil {
			b.Conn().Close()
			close(ready)
		}
		go func() { done <- b.Follow(t.Context(), f, func(*bus.Message) error { return nil }) }()
		<-ready
		b.Conn().Close()
		select {
		case err := <-done:
			if !errors.Is(err, bus.ErrClosed) {
				t.Errorf("%s: got %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it goes on", name)
		}
		if err := b.Read(t.Context(), f.Stream, nil, func(*bus.Message) error { return nil }); err == nil {
			t.Errorf("%s: reading goes on", name)
		}
	}
}
