package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/camena-io/camena/events"
)

// Headers of message schedules (NATS ADR-51).
const (
	headerSchedule       = "Nats-Schedule"
	headerScheduleTarget = "Nats-Schedule-Target"
	headerScheduleTTL    = "Nats-Schedule-TTL"
	headerScheduleZone   = "Nats-Schedule-Time-Zone"
	headerScheduleNext   = "Nats-Schedule-Next"
)

// Schedule is a message that the bus publishes when it is due.
type Schedule struct {
	// Subject names the schedule: a new one on the same subject replaces it.
	Subject string
	// Target is the subject that the event is published to.
	Target string
	// Pattern is "@every 10s", a six-field cron expression, or "@at" and a time.
	Pattern string
	// TimeZone of a cron expression; empty means UTC.
	TimeZone string
	// TTL is how long a fired event waits for its consumer; 0 means without end.
	TTL time.Duration
}

// At is the pattern of a schedule that fires once.
func At(t time.Time) string { return "@at " + t.UTC().Format(time.RFC3339Nano) }

// Every is the pattern of a schedule that fires at an interval of whole seconds.
func Every(d time.Duration) string { return "@every " + d.String() }

// Arm stores a schedule that publishes e. It fires even while no node is alive,
// until it is disarmed or, if it fires once, has fired.
func (b *Bus) Arm(ctx context.Context, s Schedule, e *events.Event) error {
	if s.Pattern == "" {
		// The server would store a message that never fires.
		return fmt.Errorf("schedule %s: no pattern given", s.Subject)
	}
	m, err := NewMessage(s.Subject, e)
	if err != nil {
		return err
	}
	m.Header.Set(headerSchedule, s.Pattern)
	m.Header.Set(headerScheduleTarget, s.Target)
	if s.TimeZone != "" {
		m.Header.Set(headerScheduleZone, s.TimeZone)
	}
	if s.TTL > 0 {
		m.Header.Set(headerScheduleTTL, s.TTL.String())
	}
	// Arming a schedule again is not a repetition, even with the same event; only the
	// attempts of this call are.
	m.Header.Set(jetstream.MsgIDHeader, nuid.Next())
	// It replaces the former schedule of the subject.
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	if _, err := b.PublishMessage(ctx, m); err != nil {
		return fmt.Errorf("schedule %q: %w", s.Pattern, err)
	}
	return nil
}

// Disarm removes the schedules that match a subject, which may have wildcards.
func (b *Bus) Disarm(ctx context.Context, subject string) error {
	if err := b.Purge(ctx, b.topics.CyclesStream(), jetstream.WithPurgeSubject(subject)); err != nil {
		return fmt.Errorf("disarm %s: %w", subject, err)
	}
	return nil
}

// Next returns, for a message that a recurring schedule fired, when it fires next.
func (m *Message) Next() (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, m.Header.Get(headerScheduleNext))
	return t, err == nil
}
