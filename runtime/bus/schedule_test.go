package bus_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
)

// fired gathers the cycles that become due for a node.
func fired(t *testing.T, b *bus.Bus) *gathered[bus.Message] {
	t.Helper()
	seen, ready := &gathered[bus.Message]{}, make(chan struct{})
	background(t, func(ctx context.Context) error {
		f := bus.FollowOptions{Stream: b.Topics().CyclesStream(), Subjects: []string{b.Topics().DueOf("node")}, Ready: func() { close(ready) }}
		return b.Follow(ctx, f, func(m *bus.Message) error {
			seen.add(*m)
			return nil
		})
	})
	<-ready
	return seen
}

func schedule(b *bus.Bus, connector, pattern string) bus.Schedule {
	return bus.Schedule{Subject: b.Topics().Schedule(connector, "refresh"), Target: b.Topics().Due("node", connector), Pattern: pattern}
}

func arm(t *testing.T, b *bus.Bus, s bus.Schedule, text string) {
	t.Helper()
	e := note(t, text)
	if err := b.Arm(t.Context(), s, &e); err != nil {
		t.Fatal(err)
	}
}

func TestARecurringScheduleFiresAgainAndAgainAndSaysWhenNext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := fired(t, b)
	arm(t, b, schedule(b, "c", bus.Every(time.Second)), "tick")
	for i, m := range seen.await(t, 3) {
		next, ok := m.Next()
		if text(&m) != "tick" || !ok || next.Before(m.Time) || next.After(m.Time.Add(3*time.Second)) {
			t.Errorf("firing %d: %s at %s, next %s %t", i, text(&m), m.Time, next, ok)
		}
		if _, err := m.Event(); err != nil {
			t.Errorf("firing %d is no event: %v", i, err)
		}
	}
	if err := b.Disarm(t.Context(), b.Topics().SchedulesOf("c")); err != nil {
		t.Fatal(err)
	}
	n := len(seen.all())
	arm(t, b, schedule(b, "d", bus.At(time.Now().Add(2*time.Second))), "later")
	eventually(t, "the other one", func() bool {
		return slices.ContainsFunc(seen.all(), func(m bus.Message) bool { return text(&m) == "later" })
	})
	if late := len(seen.all()) - n - 1; late > 1 {
		t.Errorf("it fired %d times after it was disarmed", late)
	}
}

func TestAOneShotFiresOnceEvenIfItsTimeIsPast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := fired(t, b)
	arm(t, b, schedule(b, "past", bus.At(time.Now().Add(-time.Hour))), "past")
	arm(t, b, schedule(b, "soon", bus.At(time.Now().Add(time.Second))), "soon")
	arm(t, b, schedule(b, "late", bus.At(time.Now().Add(3*time.Second))), "late")
	var got []string
	for _, m := range seen.await(t, 3) {
		got = append(got, text(&m))
		if _, again := m.Next(); again {
			t.Errorf("%s has a next time", text(&m))
		}
	}
	if !slices.Equal(got, []string{"past", "soon", "late"}) {
		t.Errorf("got %v", got)
	}
}

func TestAScheduleReplacesTheOneOnItsSubject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := fired(t, b)
	e := note(t, "the same event")
	for _, at := range []time.Time{time.Now().Add(time.Hour), time.Now().Add(time.Second)} {
		if err := b.Arm(t.Context(), schedule(b, "c", bus.At(at)), &e); err != nil {
			t.Fatal(err)
		}
	}
	seen.await(t, 1)
	if err := b.Disarm(t.Context(), b.Topics().SchedulesOf("c")); err != nil {
		t.Fatal(err)
	}
	if err := b.Arm(t.Context(), schedule(b, "c", bus.At(time.Now())), &e); err != nil {
		t.Fatal(err)
	}
	seen.await(t, 2)
}

func TestAFiredEventThatNobodyFetchesRunsOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := schedule(b, "c", bus.At(time.Now()))
	s.TTL = time.Second
	arm(t, b, s, "short")
	seen := fired(t, b)
	if got := seen.await(t, 1); text(&got[0]) != "short" {
		t.Errorf("got %+v", got)
	}
	eventually(t, "it is gone", func() bool {
		state, err := b.StreamState(t.Context(), b.Topics().CyclesStream())
		return err == nil && state.Msgs == 0
	})
}

func TestSchedulesThatTheServerDoesNotTake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, pattern := range []string{"@every 1ms", "@every soon", "* * *", ""} {
		e := note(t, "x")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := b.Arm(ctx, schedule(b, "c", pattern), &e)
		if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), pattern) {
			t.Errorf("%q: got %v", pattern, err)
		}
		cancel()
	}
}

func TestCronWithATimeZone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := fired(t, b)
	s := schedule(b, "c", "* * * * * *")
	s.TimeZone = "Europe/Zurich"
	arm(t, b, s, "cron")
	if got := seen.await(t, 2); text(&got[0]) != "cron" {
		t.Errorf("got %+v", got)
	}
}

// TestWhatTheReaderOfSchedulesAcceptsTheServerTakes compares the two, also in a time zone.
func TestWhatTheReaderOfSchedulesAcceptsTheServerTakes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, text := range []string{
		"10m", "@every 876000h", "@daily", "@annually", "*/5 * * * *", " 0 0  3 * *\tmon ", "0 */60 */24 * * ?", "00 059 3 * * *",
		"5/20 0 0 1,15 jan-MAR,12 1-5/2", "0 0 0 29 2 *", "0 0 0 31 2 MON", "*/7,3 ?/2 1-1 31 * *",
	} {
		s := schedule(b, "c", "")
		read, err := registration.ReadSchedule(text, "Europe/Zurich")
		if err != nil {
			t.Fatal(err)
		}
		if s.Pattern = read.String(); read.Interval() == 0 {
			s.TimeZone = "Europe/Zurich"
		}
		arm(t, b, s, "accepted")
	}
}
