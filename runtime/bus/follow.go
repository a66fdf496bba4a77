package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Start says where following a stream begins.
type Start int

// The places to start from.
const (
	// FromSequence starts at Following.Sequence; what is gone before it is skipped.
	FromSequence Start = iota
	// FromNow delivers what is published from here on.
	FromNow
	// FromLatest delivers the last message of every subject, then goes on live.
	FromLatest
)

// Following says what to follow.
type Following struct {
	Stream string
	// Subjects to deliver; none means all of the stream.
	Subjects []string
	Start    Start
	Sequence uint64
	// Check, if set, is called whenever following begins, at first and after
	// every break; its error ends it.
	Check func(context.Context) error
	// Ready, if set, is called once, when the first consumer stands: what is
	// published from then on is delivered.
	Ready func()
	// anew makes following begin at Start after every break, too.
	anew bool
	// ends makes following end, without an error, when nothing is left.
	ends bool
	// present, if set, is called with the number of messages that are there
	// already, before the first one is delivered.
	present func(messages uint64)
	// Snapshot, if set, is for a handler to which it matters where the present
	// state ends, when following begins with [FromLatest].
	Snapshot *Snapshot
}

// Snapshot is the present state, the last message of every subject. After a break
// it is taken again, without what was delivered, and what came after Last is
// delivered in full: going on at a sequence would deliver former states of what
// has been changed or deleted before Last.
type Snapshot struct {
	// Last is the last sequence of the stream before following began; the caller
	// sets it. What is delivered up to it is the present state, and nothing else.
	Last uint64
	// Until is a last sequence after the present state was taken; Follow sets it. The
	// present state may hold what is delivered up to it.
	Until uint64
	// again is set when it is not the first that is taken.
	again bool
}

// Follow calls handle for every message, in stream order, until ctx is done or
// handle returns an error, which it returns. It leaves nothing behind on the
// server, and after a reconnect it goes on where it was.
//
// It ends with [ErrClosed] when the connection is closed.
//
// It does what the ordered consumer of nats.go does, but stops at once when ctx
// is done, also while the server does not answer.
func (b *Bus) Follow(ctx context.Context, f Following, handle func(*Message) error) error {
	wait := NewBackoff(50*time.Millisecond, time.Second)
	for {
		if b.conn.IsClosed() {
			return fmt.Errorf("follow %s: %w", f.Stream, ErrClosed)
		}
		began, last := time.Now(), f.Sequence
		err := b.followOnce(ctx, &f, handle)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if h, ok := errors.AsType[*handlerError](err); ok && !b.conn.IsClosed() {
			return h.err
		}
		if f.Sequence != last || time.Since(began) > time.Second {
			wait.Reset()
		}
		b.set.Logger.DebugContext(ctx, "following again", slog.String("stream", f.Stream), slog.Any("error", err))
		if err := wait.Wait(ctx); err != nil {
			return err
		}
	}
}

// handlerError tells what the handler returned from what the bus did.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }

// followOnce follows until something breaks; nil means that nothing is left.
func (b *Bus) followOnce(ctx context.Context, f *Following, handle func(*Message) error) error {
	connected := b.conn.StatusChanged(nats.CONNECTED)
	defer b.conn.RemoveStatusListener(connected)
	if f.Check != nil {
		if err := f.Check(ctx); err != nil {
			return &handlerError{err: err}
		}
	}
	f.resume()
	consumer, err := b.consumer(ctx, f)
	if err != nil {
		return err
	}
	defer b.dismiss(ctx, f.Stream, consumer)
	// What is fetched ahead must hold the largest message.
	buffer := max(bufferBytes, int(2*b.conn.MaxPayload()))
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(bufferMessages, buffer), jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer stopOnReconnect(ctx, connected, messages)()
	if f.Ready != nil {
		f.Ready()
		f.Ready = nil
	}
	present := consumer.CachedInfo().NumPending
	if f.present != nil {
		f.present(present)
	}
	if f.ends && present == 0 {
		return nil
	}
	if f.Snapshot != nil && f.Start == FromLatest {
		state, err := b.StreamState(ctx, f.Stream)
		if err != nil {
			return err
		}
		f.Snapshot.Until = state.LastSeq
	}
	wait := f.wait(ctx)
	return f.deliver(func(delivered uint64) (*Message, error) { return f.next(ctx, consumer, messages, wait, delivered) }, handle)
}

func (f *Following) deliver(next func(delivered uint64) (*Message, error), handle func(*Message) error) error {
	for delivered := uint64(1); ; delivered++ {
		m, err := next(delivered - 1)
		if m == nil || err != nil {
			return err
		}
		if m.delivered != delivered {
			return fmt.Errorf("follow %s: a message was lost on the way", f.Stream)
		}
		if f.retaken(m) {
			return errRetaken
		}
		if err := f.handOver(m, handle); err != nil {
			return err
		}
		if f.ends && m.Pending == 0 {
			return nil
		}
	}
}

// resume says where to go on after a break.
func (f *Following) resume() {
	if f.anew {
		f.Start, f.Sequence = FromLatest, 0
	}
	s := f.Snapshot
	if s == nil || f.Start != FromLatest {
		return
	}
	s.again = f.Sequence > 0
	if f.Sequence > s.Last {
		f.Start = FromSequence
	}
}

// retaken reports whether the message is behind a present state that was taken
// again: what comes then is delivered from there on.
func (f *Following) retaken(m *Message) bool {
	s := f.Snapshot
	if s == nil || f.Start != FromLatest || !s.again || m.Sequence <= s.Last {
		return false
	}
	f.Start, f.Sequence = FromSequence, s.Last+1
	return true
}

var errRetaken = errors.New("the present state is delivered")

// handOver calls handle, and has following go on behind the message. What comes
// while the server looks for the last messages of the subjects it may deliver
// twice, the second time out of order.
func (f *Following) handOver(m *Message, handle func(*Message) error) error {
	if m.Sequence >= f.Sequence {
		if err := handle(m); err != nil {
			return &handlerError{err: err}
		}
		f.Sequence = m.Sequence + 1
	}
	if f.Snapshot == nil || m.Pending == 0 {
		f.Start = FromSequence
	}
	return nil
}

const (
	// bufferMessages is how much is fetched ahead; bufferBytes bounds one fetch
	// to less than what the server lets pile up for a connection before it
	// closes it.
	bufferMessages = 1500
	bufferBytes    = 16 << 20
	// heartbeat is how often an idle consumer says that it is there. Twice that
	// without a sign and another one is made.
	heartbeat = 3 * time.Second
	// quiet is after how long without a message it is checked whether any is left.
	quiet = 250 * time.Millisecond
)

// wait says how long to wait for a message. That messages are stopped when ctx
// is done is not enough: a connection that is closed at the wrong moment leaves
// them deaf to it.
func (f *Following) wait(ctx context.Context) jetstream.NextOpt {
	if f.ends {
		return jetstream.NextMaxWait(quiet)
	}
	return jetstream.NextContext(ctx)
}

// next returns the next message, or nil when nothing is left and that ends it;
// delivered is how many came before it.
func (f *Following) next(
	ctx context.Context, c jetstream.Consumer, messages jetstream.MessagesContext, wait jetstream.NextOpt, delivered uint64,
) (*Message, error) {
	for {
		raw, err := messages.Next(wait)
		if f.ends && errors.Is(err, nats.ErrTimeout) {
			// What was pending may have been removed, and so will never come.
			attempt, cancel := context.WithTimeout(ctx, requestTimeout)
			info, err := c.Info(attempt)
			cancel()
			if err != nil || info.NumPending == 0 && info.Delivered.Consumer <= delivered {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		m, err := newMessage(raw)
		return &m, err
	}
}

// stopOnReconnect ends messages when ctx does, and when the connection was lost:
// the server may have forgotten the consumer.
func stopOnReconnect(ctx context.Context, connected <-chan nats.Status, messages jetstream.MessagesContext) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-connected:
		case <-ctx.Done():
		}
		messages.Stop()
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

func (b *Bus) consumer(ctx context.Context, f *Following) (jetstream.Consumer, error) {
	if err := b.pinNow(ctx, f); err != nil {
		return nil, err
	}
	config := jetstream.ConsumerConfig{FilterSubjects: f.Subjects}
	switch f.Start {
	case FromLatest:
		config.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
		if len(f.Subjects) == 0 {
			config.FilterSubjects = []string{">"}
		}
	default:
		config.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		config.OptStartSeq = max(f.Sequence, 1)
	}
	consumer, err := b.createConsumer(ctx, f.Stream, config)
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", f.Stream, err)
	}
	return consumer, nil
}

// pinNow turns "from now" into a sequence, so that a reconnect before the first
// message misses nothing.
func (b *Bus) pinNow(ctx context.Context, f *Following) error {
	if f.Start != FromNow {
		return nil
	}
	state, err := b.StreamState(ctx, f.Stream)
	if err != nil {
		return err
	}
	f.Start, f.Sequence = FromSequence, state.LastSeq+1
	return nil
}
