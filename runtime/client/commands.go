package client

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
)

const (
	// requestWindow is how many commands may wait for their outcome: a new writer
	// answers again that many of those that the one before it has applied.
	requestWindow = 800
	requestBatch  = 100
	// silence is after how long without an outcome those who wait are sent again:
	// outcomes are not kept for a connection that was lost. It is done that often.
	silence   = 10 * time.Second
	repeats   = 3
	lingering = 3 * time.Second
)

// RequestAll sends commands in their order, many at a time, and calls done with
// the place and the outcome of each, as they come. It returns when all have come.
// Some may be sent twice, so they should say how things shall be. When ctx is
// done it still awaits for a moment what was sent; what no outcome came of may
// yet be applied.
func (c *Client) RequestAll(ctx context.Context, commands iter.Seq[events.Event], done func(n int, r events.Result)) error {
	return c.requestAll(ctx, silence, commands, done)
}

func (c *Client) requestAll(ctx context.Context, silence time.Duration, commands iter.Seq[events.Event], done func(int, events.Result)) error {
	r := &requests{
		client: c, done: done, silence: silence, pending: map[int]*request{},
		answers: make(chan numbered, 2*(requestWindow+requestBatch)), // of each and of its repetition
	}
	defer r.forget()
	err := r.send(ctx, commands)
	if err == nil {
		err = r.await(ctx, 0)
	}
	if err != nil {
		r.linger()
	}
	return err
}

// requests are commands on their way.
type requests struct {
	client  *Client
	done    func(int, events.Result)
	silence time.Duration
	next    int
	batch   []events.Event
	pending map[int]*request
	answers chan numbered
	silent  int
}

type request struct {
	event  events.Event
	forget func()
}

// numbered is the outcome of a command and its place.
type numbered struct {
	n       int
	message *nats.Msg
}

func (r *requests) send(ctx context.Context, commands iter.Seq[events.Event]) error {
	for e := range commands {
		q := &request{event: e}
		r.pending[r.next] = q
		r.batch = append(r.batch, r.addressed(r.next, q))
		r.next++
		if len(r.batch) < requestBatch {
			continue
		}
		if err := r.flush(ctx); err != nil {
			return err
		}
		if err := r.await(ctx, requestWindow-requestBatch); err != nil {
			return err
		}
	}
	return r.flush(ctx)
}

// addressed returns the event of a request with the subject for its outcome.
func (r *requests) addressed(n int, q *request) events.Event {
	subject, forget := r.client.bus.Reply(func(m *nats.Msg) {
		select {
		case r.answers <- numbered{n: n, message: m}:
		default: // more than was to be expected
		}
	})
	q.forget = forget
	e := q.event
	e.Extensions = cloneWith(e.Extensions, events.ExtReplyTo, subject)
	return e
}

func (r *requests) flush(ctx context.Context) error {
	batch := r.batch
	r.batch = nil
	return r.client.Send(ctx, slices.Values(batch))
}

// await waits until no more than so many commands wait for their outcome.
func (r *requests) await(ctx context.Context, most int) error {
	timer := time.NewTimer(r.silence)
	defer timer.Stop()
	for len(r.pending) > most {
		select {
		case a := <-r.answers:
			if err := r.take(a); err != nil {
				return err
			}
			r.silent = 0
			timer.Reset(r.silence)
		case <-timer.C:
			if err := r.repeat(ctx); err != nil {
				return err
			}
			timer.Reset(r.silence)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (r *requests) take(a numbered) error {
	result, err := events.Unmarshal[events.Result](a.message.Data)
	if err != nil {
		return fmt.Errorf("the outcome of a command cannot be read: %w", err)
	}
	if q, waits := r.pending[a.n]; waits {
		q.forget()
		delete(r.pending, a.n)
		r.done(a.n, result)
	}
	return nil
}

// repeat sends again what waits, as commands of their own.
func (r *requests) repeat(ctx context.Context) error {
	r.silent++
	if r.silent > repeats {
		return events.Errorf(events.CodeUnavailable, "", "%d commands are stored and will be applied, but no repository has answered for %s",
			len(r.pending), time.Duration(r.silent)*r.silence)
	}
	for _, n := range slices.Sorted(maps.Keys(r.pending)) {
		q := r.pending[n]
		q.forget()
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		q.event.ID = id.String()
		r.batch = append(r.batch, r.addressed(n, q))
	}
	return r.flush(ctx)
}

// linger takes the outcomes that still come.
func (r *requests) linger() {
	end := time.NewTimer(min(lingering, r.silence))
	defer end.Stop()
	for len(r.pending) > 0 {
		select {
		case a := <-r.answers:
			if r.take(a) != nil {
				return
			}
		case <-end.C:
			return
		}
	}
}

func (r *requests) forget() {
	for _, q := range r.pending {
		q.forget()
	}
}
