package repository

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/graph/index"
	"github.com/camena-io/camena/topics"
)

// eventOf returns the event in a message of the out topic.
func eventOf(names topics.Topics, m *bus.Message) index.Event {
	e := index.Event{Sequence: m.Sequence, Stored: m.Time, Data: m.Data}
	e.ID, e.Type = events.DecodeAttribute(m.Header.Get("ce-id")), m.Header.Get("ce-type")
	e.Time = timeOf(m)
	if e.Position, e.Damage = strconv.ParseUint(m.Header.Get("ce-"+events.ExtInSequence), 10, 64); e.Damage != nil {
		e.Damage = events.Errorf(events.CodeInvalid, events.ExtInSequence, "%s", e.Damage)
		return e
	}
	if e.Type == events.TypeConnectorFenced || e.Type == events.TypeTypeDefined {
		return e
	}
	subject, err := names.ParseChange(m.Subject)
	e.Damage = err
	e.Subject = index.Subject{Relationship: subject.Relationship, TypeName: subject.Type, GUID: subject.GUID}
	return e
}

// timeOf returns the time of an event, or if it cannot be read, when it was stored.
func timeOf(m *bus.Message) time.Time {
	t, err := time.Parse(time.RFC3339Nano, m.Header.Get("ce-time"))
	if err != nil {
		return m.Time
	}
	return t
}

// storeLog reads the out topic. It implements [index.Log].
type storeLog struct{ bus *bus.Bus }

// At implements [index.Log].
func (l storeLog) At(ctx context.Context, sequence uint64) (e index.Event, ok bool, err error) {
	m, err := l.bus.Message(ctx, l.bus.Topics().OutStream(), sequence)
	switch {
	case errors.Is(err, bus.ErrMissing):
		return e, false, nil
	case err != nil:
		return e, false, fmt.Errorf("message %d: %w", sequence, err)
	}
	return eventOf(l.bus.Topics(), m), true, nil
}

// Between implements [index.Log].
func (l storeLog) Between(ctx context.Context, first, last uint64, take func(*index.Event)) error {
	following := bus.FollowOptions{Stream: l.bus.Topics().OutStream(), Sequence: first}
	return l.bus.Follow(ctx, following, func(m *bus.Message) error {
		if m.Sequence <= last {
			e := eventOf(l.bus.Topics(), m)
			take(&e)
		}
		if m.Sequence >= last {
			return bus.ErrStop
		}
		return nil
	})
}

// Of implements [index.Log].
func (l storeLog) Of(ctx context.Context, guid string, take func(*index.Event) error) (most int64, err error) {
	t := l.bus.Topics()
	err = l.bus.Read(ctx, t.OutStream(), []string{t.Element("*", guid), t.Relationship("*", guid)}, func(m *bus.Message) error {
		of := eventOf(t, m)
		e, err := m.Event()
		of.Type, of.Time, of.Data, of.Actor, of.Damage = e.Type, e.Time, e.Data, e.Extension(events.ExtActor), err
		return take(&of)
	})
	if err != nil {
		return 0, err
	}
	info, err := l.bus.StreamInfo(ctx, t.OutStream())
	if err != nil {
		return 0, err
	}
	return info.Config.MaxMsgsPerSubject, nil
}
