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

// Copying says what of a stream to copy.
type Copying struct {
	Stream string
	// From is the first sequence; 0 is the beginning.
	From uint64
	// Latest is for the last message of every subject only.
	Latest bool
}

// Copy calls handle for the messages that a stream holds when it begins, in
// stream order. If some of them are removed meanwhile, because newer ones came, it
// goes on with those until it has caught up, so that the last message of
// every subject is among what was copied.
func (b *Bus) Copy(ctx context.Context, c Copying, handle func(*Message) error) error {
	state, err := b.StreamState(ctx, c.Stream)
	if err != nil || state.Msgs == 0 || c.From > state.LastSeq {
		return err
	}
	f := Following{Stream: c.Stream, Sequence: c.From, ends: true}
	if c.Latest {
		f.Start = FromLatest
	}
	whole, copied := !c.Latest && c.From <= state.FirstSeq, uint64(0)
	err = b.Follow(ctx, f, func(m *Message) error {
		if m.Sequence > state.LastSeq && whole && copied == state.Msgs {
			return errRead
		}
		copied++
		return handle(m)
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
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

// Renew deletes a stream and makes it again as it was, but empty.
func (b *Bus) Renew(ctx context.Context, stream string) error {
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, err := b.StreamInfo(attempt, stream)
	if err != nil {
		return err
	}
	if err := b.js.DeleteStream(attempt, stream); err != nil {
		return err
	}
	_, err = b.js.CreateStream(attempt, info.Config)
	return err
}
