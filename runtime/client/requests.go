package client

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
)

const (
	// requestWindow is how many commands may wait for their outcome: a new writer
	// answers again as many of those that its predecessor applied.
	requestWindow = 800
	requestBatch  = 100
	// silence is the time without any outcome after which those that are missing are
	// asked for: outcomes are not kept for a connection that was lost. They are asked
	// for so many times.
	silence   = 10 * time.Second
	inquiries = 3
	// lingering is how long outcomes are still taken after ctx is done.
	lingering = 3 * time.Second
)

// RequestAll sends commands in their order, many at a time, and calls done with
// the index and the outcome of each, as they come. It returns when all have come.
// Each command is sent once: where an outcome is lost, RequestAll asks for it. An
// outcome that is not known any more is [events.CodeUnavailable]. After ctx is done
// it waits a moment for outcomes; a command without one may still be applied.
func (c *Client) RequestAll(ctx context.Context, commands iter.Seq[events.Event], done func(n int, r events.Result)) error {
	return c.requestAll(ctx, silence, commands, done)
}

func (c *Client) requestAll(ctx context.Context, silence time.Duration, commands iter.Seq[events.Event], done func(int, events.Result)) error {
	r := &requests{
		client: c, done: done, silence: silence, pending: map[int]*request{},
		answers: make(chan answer, 2*(requestWindow+requestBatch)), // to each command and to one inquiry
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
	answers chan answer
	silent  int
}

type request struct {
	id     string // of the command
	forget func()
}

// answer is the outcome of the command with an index.
type answer struct {
	n       int
	message *nats.Msg
}

func (r *requests) send(ctx context.Context, commands iter.Seq[events.Event]) error {
	for e := range commands {
		r.pending[r.next] = &request{id: e.ID}
		r.add(r.next, e)
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

// add adds an event to the batch whose answer is the outcome of a request.
func (r *requests) add(n int, e events.Event) {
	subject, forget := r.client.bus.Reply(func(m *nats.Msg) {
		select {
		case r.answers <- answer{n: n, message: m}:
		default: // more than is expected
		}
	})
	r.pending[n].forget = forget
	r.batch = append(r.batch, replyingTo(e, subject))
}

func (r *requests) flush(ctx context.Context) error {
	batch := r.batch
	r.batch = nil
	return r.client.Send(ctx, slices.Values(batch))
}

// await waits until at most so many commands wait for their outcome.
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
		case <-timer.C:
			if err := r.inquire(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		timer.Reset(r.silence)
	}
	return nil
}

func (r *requests) take(a answer) error {
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

// inquire asks for the outcomes that are missing.
func (r *requests) inquire(ctx context.Context) error {
	r.silent++
	if r.silent > inquiries {
		return events.Errorf(events.CodeUnavailable, "", "%d commands are stored and will be applied, but no repository has answered for %s",
			len(r.pending), time.Duration(r.silent)*r.silence)
	}
	for _, n := range slices.Sorted(maps.Keys(r.pending)) {
		e, err := events.NewCommand("/"+r.client.sender, &events.Flush{OutcomeOf: r.pending[n].id})
		if err != nil {
			return err
		}
		r.pending[n].forget()
		r.add(n, e)
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
