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

// Start is where following a stream begins.
type Start int

// The places to start from.
const (
	// FromSequence starts at Sequence, or at the first message after it that exists.
	FromSequence Start = iota
	// FromNow delivers the messages that are published from now on.
	FromNow
	// FromLatest delivers the last message of every subject, then new messages.
	FromLatest
)

// FollowOptions select what to follow.
type FollowOptions struct {
	Stream string
	// Subjects to deliver; none means all of the stream.
	Subjects []string
	Start    Start
	Sequence uint64
	// Check, if set, is called at the beginning and after every break; its error ends
	// following.
	Check func(context.Context) error
	// Ready, if set, is called once, when the consumer exists: everything published
	// from then on is delivered.
	Ready func()
	// restarts makes following begin at Start again after every break.
	restarts bool
	// ends makes following end, without an error, after the last message.
	ends bool
	// present, if set, is called with the number of messages that exist before the
	// first one is delivered.
	present func(messages uint64)
	// Snapshot, if set, tells a handler where the present state ends that [FromLatest]
	// begins with.
	Snapshot *Snapshot
}

// Snapshot is the present state: the last message of every subject. After a break
// Follow reads it again, skips the messages that were delivered, and delivers all
// messages after Last. Continuing at a sequence instead would deliver former states of
// subjects that changed before Last.
type Snapshot struct {
	// Last is the last sequence of the stream before following began; the caller
	// sets it. Up to it only the present state is delivered.
	Last uint64
	// Until is the last sequence after the present state was read; Follow sets it.
	// Messages up to it may belong to the present state.
	Until uint64
	// again is set when the present state is read again.
	again bool
}

// ErrStop is what a handler returns to end following without an error.
var ErrStop = errors.New("stop following")

// Follow calls handle for every message, in stream order, until ctx is done or
// handle returns an error, which it returns unless that is [ErrStop]. After a
// reconnect it continues where it was. It leaves nothing behind on the server.
//
// It ends with [ErrClosed] when the connection is closed.
//
// It does what the ordered consumer of nats.go does, but it stops at once when ctx
// is done, even while the server does not answer.
func (b *Bus) Follow(ctx context.Context, f FollowOptions, handle func(*Message) error) error {
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
			return unless(h.err, ErrStop)
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

// handlerError is an error of the handler, not of the bus.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }

// followOnce follows until something breaks; it returns nil after the last message.
func (b *Bus) followOnce(ctx context.Context, f *FollowOptions, handle func(*Message) error) error {
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
	defer b.deleteConsumer(ctx, f.Stream, consumer)
	// The buffer must hold the largest message.
	buffer := max(bufferBytes, int(2*b.conn.MaxPayload()))
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(bufferMessages, buffer), jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer stopOnReconnect(ctx, connected, messages)()
	present := consumer.CachedInfo().NumPending
	f.begin(present)
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

// begin tells the caller that the consumer exists, and how many messages there are.
func (f *FollowOptions) begin(present uint64) {
	if f.Ready != nil {
		f.Ready()
		f.Ready = nil
	}
	if f.present != nil {
		f.present(present)
	}
}

func (f *FollowOptions) deliver(next func(delivered uint64) (*Message, error), handle func(*Message) error) error {
	for delivered := uint64(1); ; delivered++ {
		m, err := next(delivered - 1)
		if m == nil || err != nil {
			return err
		}
		if m.delivered != delivered {
			return fmt.Errorf("follow %s: a message was lost on the way", f.Stream)
		}
		if f.pastSnapshot(m) {
			return errSnapshotRead
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
func (f *FollowOptions) resume() {
	if f.restarts {
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

// pastSnapshot reports whether the message comes after a present state that was read
// again: following then continues there, by sequence.
func (f *FollowOptions) pastSnapshot(m *Message) bool {
	s := f.Snapshot
	if s == nil || f.Start != FromLatest || !s.again || m.Sequence <= s.Last {
		return false
	}
	f.Start, f.Sequence = FromSequence, s.Last+1
	return true
}

var errSnapshotRead = errors.New("the present state is delivered")

// handOver calls handle, and moves the position after the message. A message that is
// published while the server searches for the last message of each subject may arrive
// twice, the second time out of order.
func (f *FollowOptions) handOver(m *Message, handle func(*Message) error) error {
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
	// bufferMessages is the number of messages fetched ahead; bufferBytes bounds one
	// fetch to less than the server buffers for a connection before it closes it.
	bufferMessages = 1500
	bufferBytes    = 16 << 20
	// heartbeat is how often an idle consumer reports. After two missed heartbeats
	// another consumer is created.
	heartbeat = 3 * time.Second
	// quiet is the time without a message after which Follow checks whether any is
	// left.
	quiet = 250 * time.Millisecond
)

// wait returns how long to wait for a message. Stopping the messages when ctx is done
// is not enough: it has no effect if the connection was closed at the wrong moment.
func (f *FollowOptions) wait(ctx context.Context) jetstream.NextOpt {
	if f.ends {
		return jetstream.NextMaxWait(quiet)
	}
	return jetstream.NextContext(ctx)
}

// next returns the next message, or nil when none is left and following ends then;
// delivered is the number of messages before it.
func (f *FollowOptions) next(
	ctx context.Context, c jetstream.Consumer, messages jetstream.MessagesContext, wait jetstream.NextOpt, delivered uint64,
) (*Message, error) {
	for {
		raw, err := messages.Next(wait)
		if f.ends && errors.Is(err, nats.ErrTimeout) {
			// A pending message that was removed never comes.
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

func (b *Bus) consumer(ctx context.Context, f *FollowOptions) (jetstream.Consumer, error) {
	if err := b.pinNow(ctx, f); err != nil {
		return nil, err
	}
	config := jetstream.ConsumerConfig{
		FilterSubjects: f.Subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(f.Sequence, 1),
	}
	if f.Start == FromLatest {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverLastPerSubjectPolicy, 0
		if len(f.Subjects) == 0 {
			config.FilterSubjects = []string{">"}
		}
	}
	consumer, err := b.createConsumer(ctx, f.Stream, config)
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", f.Stream, err)
	}
	return consumer, nil
}

// pinNow turns "from now" into a sequence, so that a reconnect before the first
// message misses nothing.
func (b *Bus) pinNow(ctx context.Context, f *FollowOptions) error {
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
