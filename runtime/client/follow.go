package client

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Follow implements [connectors.Follower].
func (c *Client) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	return c.Watch(ctx, f, nil, func(msg *bus.Message, change *connectors.Change) error {
		return c.deliver(ctx, msg, change, handle)
	})
}

// Watch is Follow with the messages and without a second attempt: an error of show
// ends it. Ready, if given, is called when everything published from then on is
// delivered.
func (c *Client) Watch(ctx context.Context, f connectors.Filter, ready func(), show func(*bus.Message, *connectors.Change) error) error {
	if err := f.Validate(); err != nil {
		return err
	}
	following := bus.FollowOptions{Stream: c.bus.Topics().OutStream(), Start: bus.FromNow, Subjects: c.subjects(&f), Ready: ready}
	var present bus.Snapshot
	switch {
	case f.Present:
		last, err := c.LastChange(ctx)
		if err != nil {
			return err
		}
		present.Last = last
		following.Start, following.Snapshot = bus.FromLatest, &present
	case f.From > 0:
		following.Start, following.Sequence = bus.FromSequence, f.From
	}
	return c.bus.Follow(ctx, following, func(msg *bus.Message) error {
		change, err := ChangeOf(msg)
		if err != nil {
			c.bus.Logger().ErrorContext(ctx, "a change event cannot be read", slog.Uint64("sequence", msg.Sequence), slog.Any("error", err))
			return nil
		}
		if !selects(&present, &f, &change) {
			return nil
		}
		return show(msg, &change)
	})
}

// selects reports whether a change is passed on. Nothing is passed on of what was
// deleted before following began.
func selects(s *bus.Snapshot, f *connectors.Filter, c *connectors.Change) bool {
	return c.Sequence <= s.Until && f.MatchesPresent(c) || c.Sequence > s.Last && f.Matches(c)
}

// subjects returns those of everything that a filter can select. Types do not narrow
// them: only events know the subtypes, and types may be added.
func (c *Client) subjects(f *connectors.Filter) []string {
	t := c.bus.Topics()
	elements, relationships := f.Selects()
	var subjects []string
	if elements {
		subjects = append(subjects, t.ElementsOf("*"))
	}
	if relationships {
		subjects = append(subjects, t.RelationshipsOf("*"))
	}
	if f.SelectsTypes() {
		subjects = append(subjects, t.Type("*"))
	}
	return subjects
}

// LastChange implements [connectors.Follower].
func (c *Client) LastChange(ctx context.Context) (uint64, error) {
	state, err := c.bus.StreamState(ctx, c.bus.Topics().OutStream())
	return state.LastSeq, err
}

// deliver hands a change over until the listener takes it or gives it up. A change
// that is given up becomes a dead letter, so that those after it are not held up.
func (c *Client) deliver(ctx context.Context, msg *bus.Message, change *connectors.Change, handle func(context.Context, connectors.Change) error) error {
	log := c.bus.Logger().With(slog.String("listener", c.sender), slog.Uint64("sequence", change.Sequence))
	for {
		why := connectors.Deliver(ctx, firstRetry, lastRetry, func() error { return handle(ctx, *change) }, func(err error) {
			log.WarnContext(ctx, "a listener failed", slog.Any("error", err))
		})
		switch {
		case why == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		err := c.deadLetter(ctx, msg, why)
		if err == nil {
			log.ErrorContext(ctx, "a listener gave up a change", slog.Any("error", why))
			return nil
		}
		log.ErrorContext(ctx, "a change that a listener gave up cannot be stored as a dead letter", slog.Any("error", err))
		if err := bus.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// The pauses between two attempts to hand over a change.
const (
	firstRetry = 75 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// deadLetter stores a change that the listener gave up, once for each listener. The
// dead letter does not name the subject of the change, so that it cannot be replayed:
// that would change the metadata for everybody.
func (c *Client) deadLetter(ctx context.Context, msg *bus.Message, why error) error {
	code := events.CodeUnavailable
	if connectors.IsPermanent(why) {
		code = events.CodeInvalid
	}
	reason := events.Errorf(code, "", "the listener %q: %s", c.sender, why)
	stream := c.bus.Topics().OutStream()
	listener := stream + "/" + c.sender
	id := events.EncodeAttribute(listener + "-" + strconv.FormatUint(msg.Sequence, 10))
	rejection := Rejection{
		Stream: stream, Sequence: msg.Sequence, Header: msg.Header, Data: msg.Data, Reason: reason,
		MaxPayload: c.bus.MaxPayload() - int64(len(id)),
	}
	letter, err := rejection.DeadLetter(c.bus.Topics().DeadLetter(listener, msg.Sequence))
	if err != nil {
		return err
	}
	letter.Header["ce-id"] = []string{id}
	letter.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	if _, err = c.bus.PublishMessage(ctx, letter); bus.IsSequence(err) {
		return nil // it is there already
	}
	return err
}

// ChangeOf decodes a message of the out topic.
func ChangeOf(msg *bus.Message) (connectors.Change, error) {
	e, err := msg.Event()
	if err != nil {
		return connectors.Change{}, err
	}
	p, err := events.DecodeChange(e.Type, e.Data)
	return connectors.Change{
		Type: e.Type, Sequence: msg.Sequence, Time: e.Time, Actor: e.Extension(events.ExtActor),
		Element: p.Element, Relationship: p.Relationship, OpenType: p.OpenType,
	}, err
}
