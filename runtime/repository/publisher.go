package repository

import (
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/camena-io/camena/runtime/bus"
)

// publisher publishes to the out topic. Each message expects to follow the one before
// it, so one acknowledgement confirms all before it; while commands wait, only some
// messages ask for one.
type publisher struct {
	js jetstream.JetStream
	// last is the sequence of the last message, confirmed that of the last one
	// known to be stored.
	last, confirmed uint64
	// held is the last message, until it is known whether another follows.
	held  *nats.Msg
	since int // messages sent without asking
	bytes int // and how large they were
	acks  []expected
}

// expected is an acknowledgement on its way.
type expected struct {
	ack      jetstream.PubAckFuture
	sequence uint64
}

// askEvery and askBytes bound what is published without asking for an acknowledgement.
const (
	askEvery = 128
	askBytes = 1 << 20
)

func (o *publisher) send(m *nats.Msg) error {
	if err := o.release(o.since >= askEvery || o.bytes >= askBytes); err != nil {
		return err
	}
	m.Header[jetstream.ExpectedLastSeqHeader] = []string{itoa(o.last)}
	o.last++
	o.held = m
	return nil
}

// sendBatch publishes messages that are stored all together or not at all.
func (o *publisher) sendBatch(messages []*nats.Msg) error {
	if err := o.release(false); err != nil {
		return err
	}
	id := nuid.Next()
	messages[0].Header[jetstream.ExpectedLastSeqHeader] = []string{itoa(o.last)}
	for i, m := range messages {
		m.Header[jetstreamext.BatchIDHeader] = []string{id}
		m.Header[jetstreamext.BatchSeqHeader] = []string{itoa(uint64(i) + 1)}
	}
	end := len(messages) - 1
	for _, m := range messages[:end] {
		if err := o.js.Conn().PublishMsg(m); err != nil {
			return err
		}
	}
	messages[end].Header[jetstreamext.BatchCommitHeader] = []string{"1"}
	o.last += uint64(len(messages))
	o.held = messages[end]
	return o.release(true)
}

// release publishes the held message, and may ask for an acknowledgement.
func (o *publisher) release(ask bool) error {
	m := o.held
	if m == nil {
		return nil
	}
	o.held = nil
	if !ask {
		o.since++
		o.bytes += len(m.Data)
		return o.js.Conn().PublishMsg(m)
	}
	ack, err := o.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
	if err != nil {
		return err
	}
	o.since, o.bytes = 0, 0
	o.acks = append(o.acks, expected{ack: ack, sequence: o.last})
	return nil
}

// oldest returns the oldest acknowledgement on its way, nil if there is none.
func (o *publisher) oldest() jetstream.PubAckFuture {
	if len(o.acks) == 0 {
		return nil
	}
	return o.acks[0].ack
}

// answers returns where an acknowledgement or a refusal comes. Without a publish they
// are nil, which blocks forever.
func answers(f jetstream.PubAckFuture) (<-chan *jetstream.PubAck, <-chan error) {
	if f == nil {
		return nil, nil
	}
	return f.Ok(), f.Err()
}

// confirm takes the oldest acknowledgement.
func (o *publisher) confirm(ack *jetstream.PubAck) error {
	want := o.acks[0].sequence
	o.acks = o.acks[1:]
	if ack.Sequence != want {
		return fmt.Errorf("%w: event stored as %d, expected %d", bus.ErrSequence, ack.Sequence, want)
	}
	o.confirmed = want
	return nil
}
