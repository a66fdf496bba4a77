package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
	// Buffer is how many messages are fetched ahead; 0 means 500.
	Buffer int
	// Ready, if set, is called once, when the first consumer stands: what is
	// published from then on is delivered.
	Ready func()
}

// Follow calls handle for every message, in stream order, until ctx is done or
// handle returns an error, which it returns. It leaves nothing behind on the
// server, and after a reconnect it goes on where it was.
func (b *Bus) Follow(ctx context.Context, f Following, handle func(*Message) error) error {
	wait := pause{first: 50 * time.Millisecond, max: time.Second}
	for {
		last := f.Sequence
		err := b.followOnce(ctx, &f, handle)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if h, ok := errors.AsType[*handlerError](err); ok {
			return h.err
		}
		if f.Sequence != last {
			wait.reset()
		}
		b.set.Logger.Debug("following again", slog.String("stream", f.Stream), slog.Any("error", err))
		if wait.sleep(ctx) != nil {
			return context.Cause(ctx)
		}
	}
}

// handlerError tells what the handler returned from what the bus did.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }

func (b *Bus) followOnce(ctx context.Context, f *Following, handle func(*Message) error) error {
	messages, err := b.messages(ctx, f)
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	if f.Ready != nil {
		f.Ready()
		f.Ready = nil
	}
	for {
		raw, err := messages.Next()
		if err != nil {
			return err
		}
		m, err := newMessage(raw)
		if err != nil {
			return err
		}
		if err := handle(&m); err != nil {
			return &handlerError{err: err}
		}
		f.Start, f.Sequence = FromSequence, m.Sequence+1
	}
}

func (b *Bus) messages(ctx context.Context, f *Following) (jetstream.MessagesContext, error) {
	if err := b.pinNow(ctx, f); err != nil {
		return nil, err
	}
	config := jetstream.OrderedConsumerConfig{FilterSubjects: f.Subjects, InactiveThreshold: time.Minute}
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
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	consumer, err := b.js.OrderedConsumer(attempt, f.Stream, config)
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", f.Stream, err)
	}
	buffer := f.Buffer
	if buffer == 0 {
		buffer = 500
	}
	return consumer.Messages(jetstream.PullMaxMessages(buffer))
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

// StreamState returns how far a stream reaches.
func (b *Bus) StreamState(ctx context.Context, name string) (jetstream.StreamState, error) {
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	stream, err := b.js.Stream(attempt, name)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("stream %s: %w", name, err)
	}
	return stream.CachedInfo().State, nil
}

// LastSequence returns the sequence of the last message that a stream still
// holds, 0 if it is empty.
func (b *Bus) LastSequence(ctx context.Context, name string) (uint64, error) {
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	stream, err := b.js.Stream(attempt, name)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", name, err)
	}
	m, err := stream.GetLastMsgForSubject(attempt, ">")
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("last message of %s: %w", name, err)
	}
	return m.Sequence, nil
}

var errRead = errors.New("read to the end")

// Read calls handle for every message of the subjects that a stream holds now.
func (b *Bus) Read(ctx context.Context, stream string, subjects []string, handle func(*Message) error) error {
	pending, err := b.pending(ctx, stream, subjects)
	if err != nil || pending == 0 {
		return err
	}
	err = b.Follow(ctx, Following{Stream: stream, Subjects: subjects}, func(m *Message) error {
		if err := handle(m); err != nil {
			return err
		}
		if pending--; pending == 0 {
			return errRead
		}
		return nil
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

// pending returns how many messages of the subjects a stream holds.
func (b *Bus) pending(ctx context.Context, name string, subjects []string) (uint64, error) {
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	stream, err := b.js.Stream(attempt, name)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", name, err)
	}
	var n uint64
	for _, subject := range subjects {
		info, err := stream.Info(attempt, jetstream.WithSubjectFilter(subject))
		if err != nil {
			return 0, fmt.Errorf("stream %s: %w", name, err)
		}
		for _, count := range info.State.Subjects {
			n += count
		}
	}
	return n, nil
}
