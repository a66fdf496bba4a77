package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// ofStream calls f with a stream, within the time of one request.
func (b *Bus) ofStream(ctx context.Context, name string, f func(context.Context, jetstream.Stream) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if err == nil {
		err = f(ctx, stream)
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	return nil
}

// StreamInfo returns the configuration and state of a stream.
func (b *Bus) StreamInfo(ctx context.Context, name string) (info *jetstream.StreamInfo, err error) {
	err = b.ofStream(ctx, name, func(_ context.Context, s jetstream.Stream) error {
		info = s.CachedInfo()
		return nil
	})
	return info, err
}

// StreamState returns the first and last sequences of a stream and its size.
func (b *Bus) StreamState(ctx context.Context, name string) (state jetstream.StreamState, err error) {
	info, err := b.StreamInfo(ctx, name)
	if err == nil {
		state = info.State
	}
	return state, err
}

// Message returns the message of a stream at a sequence. The error is
// [ErrMissing] if there is none.
func (b *Bus) Message(ctx context.Context, name string, sequence uint64, options ...jetstream.GetMsgOpt) (m *Message, err error) {
	err = b.ofStream(ctx, name, func(ctx context.Context, s jetstream.Stream) error {
		m, err = stored(s.GetMsg(ctx, sequence, options...))
		return err
	})
	return m, err
}

// LastMessage returns the last message of a subject, which may have wildcards. The
// error is [ErrMissing] if there is none.
func (b *Bus) LastMessage(ctx context.Context, name, subject string) (m *Message, err error) {
	err = b.ofStream(ctx, name, func(ctx context.Context, s jetstream.Stream) error {
		m, err = stored(s.GetLastMsgForSubject(ctx, subject))
		return err
	})
	return m, err
}

// unless returns an error, nil if it is an expected one.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func stored(raw *jetstream.RawStreamMsg, err error) (*Message, error) {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	return &Message{Subject: raw.Subject, Sequence: raw.Sequence, Time: raw.Time, Header: raw.Header, Data: raw.Data}, nil
}

// DeleteMessage removes one message. The error is [ErrMissing] if there is none.
func (b *Bus) DeleteMessage(ctx context.Context, name string, sequence uint64) error {
	return b.ofStream(ctx, name, func(ctx context.Context, s jetstream.Stream) error {
		_, err := stored(&jetstream.RawStreamMsg{}, s.DeleteMsg(ctx, sequence))
		return err
	})
}

// LastSequence returns the sequence of the last message that a stream still holds,
// 0 if it is empty.
func (b *Bus) LastSequence(ctx context.Context, name string) (uint64, error) {
	m, err := b.LastMessage(ctx, name, ">")
	if m == nil {
		return 0, unless(err, ErrMissing)
	}
	return m.Sequence, nil
}

// StoredFrom returns when the first message at or after a sequence was stored.
func (b *Bus) StoredFrom(ctx context.Context, name string, sequence uint64) (at time.Time, found bool, err error) {
	m, err := b.Message(ctx, name, sequence, jetstream.WithGetMsgSubject(">"))
	if m == nil {
		return at, false, unless(err, ErrMissing)
	}
	return m.Time, true, nil
}

// MessageID returns the event id of the message at a sequence: "" if it no longer
// exists, "?" if it is not an event.
func (b *Bus) MessageID(ctx context.Context, name string, sequence uint64) (string, error) {
	m, err := b.Message(ctx, name, sequence)
	if m == nil {
		return "", unless(err, ErrMissing)
	}
	e, err := m.Event()
	if err != nil {
		return "?", nil //nolint:nilerr // it is told
	}
	return e.ID, nil
}

// SequenceSince returns the sequence of the first message that a stream stored
// after a time, or its next sequence if there is none.
func (b *Bus) SequenceSince(ctx context.Context, name string, t time.Time) (uint64, error) {
	state, err := b.StreamState(ctx, name)
	if err != nil {
		return 0, err
	}
	t = t.Add(time.Nanosecond)
	consumer, err := b.createConsumer(ctx, name, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &t,
	})
	if err != nil {
		return 0, fmt.Errorf("stream %s since %s: %w", name, t, err)
	}
	defer b.deleteConsumer(ctx, name, consumer)
	if consumer.CachedInfo().NumPending == 0 {
		return state.LastSeq + 1, nil
	}
	raw, err := consumer.Next(jetstream.FetchMaxWait(requestTimeout))
	if err != nil {
		return 0, fmt.Errorf("stream %s since %s: %w", name, t, err)
	}
	m, err := newMessage(raw)
	return m.Sequence, err
}

// CopyOptions select messages of a stream.
type CopyOptions struct {
	Stream string
	// Subjects to copy; none means all.
	Subjects []string
	// From is the first sequence; 0 is the beginning.
	From uint64
	// Latest selects only the last message of every subject.
	Latest bool
}

// Copy calls handle for the messages that a stream holds when it begins, in
// stream order. If newer ones replace some of them meanwhile, it continues until it
// has caught up, so that the last message of every subject is copied.
func (b *Bus) Copy(ctx context.Context, c CopyOptions, handle func(*Message) error) error {
	state, err := b.StreamState(ctx, c.Stream)
	if err != nil || state.Msgs == 0 || c.From > state.LastSeq {
		return err
	}
	f := FollowOptions{Stream: c.Stream, Subjects: c.Subjects, Sequence: c.From, ends: true}
	if c.Latest {
		f.Start = FromLatest
	}
	whole, copied := !c.Latest && len(c.Subjects) == 0 && c.From <= state.FirstSeq, uint64(0)
	return b.Follow(ctx, f, func(m *Message) error {
		if m.Sequence > state.LastSeq && whole && copied == state.Msgs {
			return ErrStop
		}
		copied++
		return handle(m)
	})
}

// Read copies the messages of some subjects.
func (b *Bus) Read(ctx context.Context, stream string, subjects []string, handle func(*Message) error) error {
	return b.Copy(ctx, CopyOptions{Stream: stream, Subjects: subjects}, handle)
}

// Append stores messages at the end of a stream, all or none, if that is at a
// sequence; otherwise it is an [ErrSequence]. There may be 1,000 of them.
func (b *Bus) Append(ctx context.Context, stream string, last uint64, messages []*nats.Msg) error {
	return retry(ctx, 50*time.Millisecond, time.Second, func(attempt context.Context) error {
		err := b.append(attempt, last, messages)
		if err == nil {
			return nil
		}
		// The answer may have been lost, not the messages.
		state, stateErr := b.StreamState(ctx, stream)
		switch {
		case stateErr == nil && state.LastSeq == last+uint64(len(messages)):
			return nil
		case stateErr == nil && state.LastSeq != last:
			return backoff.Permanent(fmt.Errorf("%w: the stream %s ends at %d, expected %d", ErrSequence, stream, state.LastSeq, last))
		case isHopeless(err):
			return backoff.Permanent(err)
		}
		return fmt.Errorf("append to %s: %w", stream, err)
	})
}

func (b *Bus) append(ctx context.Context, last uint64, messages []*nats.Msg) error {
	for _, m := range messages {
		m.Reply = ""
	}
	messages[0].Header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(last, 10)}
	if len(messages) == 1 {
		_, err := b.js.PublishMsg(ctx, messages[0], jetstream.WithRetryAttempts(0))
		return err
	}
	_, err := jetstreamext.PublishMsgBatch(ctx, b.js, messages)
	return err
}

// Purge removes messages of a stream. It may take longer than other requests.
func (b *Bus) Purge(ctx context.Context, name string, which ...jetstream.StreamPurgeOpt) error {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if err == nil {
		err = stream.Purge(ctx, which...)
	}
	return err
}

// Renew deletes a stream and creates it again as it was, but empty.
func (b *Bus) Renew(ctx context.Context, name string) error {
	return b.ofStream(ctx, name, func(ctx context.Context, s jetstream.Stream) error {
		if err := b.js.DeleteStream(ctx, name); err != nil {
			return err
		}
		_, err := b.js.CreateStream(ctx, s.CachedInfo().Config)
		return err
	})
}
