package host_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/host"
)

func TestLifeOfAConnector(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, every10s))
		wait(35 * time.Second)
		c.Assigned("c1", nil)
		wait(time.Second)
		if got, want := s.order(), "new start"+strings.Repeat(" refresh", 4)+" disconnect"; got != want {
			t.Errorf("called %s, want %s", got, want)
		}
		want := "INITIALIZED REFRESHING WAITING REFRESHING WAITING REFRESHING WAITING REFRESHING WAITING STOPPED"
		if got := r.history("c1"); got != want {
			t.Errorf("was %s, want %s", got, want)
		}
		if c.Count() != 0 {
			t.Errorf("%d are left", c.Count())
		}
		if len(r.armed) != 1 || r.armed[0].Pattern != "@every 10s" || r.armed[0].Cycle.Generation != 1 {
			t.Errorf("armed %+v, want one schedule", r.armed)
		}
	})
}

func TestAConnectorThatOnlyStarts(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, every10s, func(d *events.Definition) { d.Kind = "plain" }))
		wait(time.Minute)
		if got := r.report("c1").Status; got != events.StatusWaiting || len(r.armed) > 0 {
			t.Errorf("is %s, armed %v", got, r.armed)
		}
		c.Due(refreshNow("c1", "asked"), time.Now())
		wait(time.Second)
		if got := r.runs(); len(got) != 1 || got[0].Outcome != events.OutcomeFailed || got[0].Run != "asked" {
			t.Errorf("got %+v, want that it does not refresh", got)
		}
	})
}

// TestChangedDefinition: whatever the Context carries reaches the connector
// (Egeria defect 5), by a new value; what does not concern it is taken over.
func TestChangedDefinition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*events.Definition)
		restart bool
	}{
		{"configuration", func(d *events.Definition) { d.Configuration = events.Props(map[string]any{"a": 1}) }, true},
		{"kind", func(d *events.Definition) { d.Kind = "plain" }, true},
		{"blocking calls", blocking, true},
		{"direction", func(d *events.Definition) { d.PermittedSynchronization = events.SyncTo }, true},
		{"user", func(d *events.Definition) { d.User = "erin" }, true},
		{"metadata source", func(d *events.Definition) { d.MetadataSource = "source" }, true},
		{"name", func(d *events.Definition) { d.Name = "renamed" }, true},
		{"stop date", func(d *events.Definition) { d.Stop = time.Now().Add(time.Hour) }, false},
		{"schedule", func(d *events.Definition) { d.Refresh = "0 0 3 * * *" }, false},
		{"nothing", func(*events.Definition) {}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			var seen events.Definition
			s.start = func(_ context.Context, c *scripted) error {
				seen = c.context.Definition()
				return nil
			}
			core(t, s, func(t *bubble, c *host.Core, _ *recorder) {
				c.Assigned("c1", assignment("c1", 1, every10s))
				wait(0)
				changed := assignment("c1", 1, every10s, test.change)
				c.Assigned("c1", changed)
				wait(0)
				if got := s.called("start") == 2; got != test.restart {
					t.Errorf("restarted: %v, want %v", got, test.restart)
				}
				if test.restart && (!seen.Equal(&changed.Definition) || s.called("disconnect") != 1) {
					t.Errorf("sees %+v, want %+v", seen, changed.Definition)
				}
			})
		})
	}
}

func TestScheduleFollowsTheDefinition(t *testing.T) {
	t.Parallel()
	core(t, &script{}, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, every10s))
		wait(0)
		c.Assigned("c1", assignment("c1", 1, func(d *events.Definition) { d.Refresh, d.TimeZone = "0 0 3 * * *", "Europe/Rome" }))
		c.Assigned("c1", assignment("c1", 1))
		c.Assigned("c1", assignment("c1", 2, every10s))
		wait(0)
		var got []string
		for _, a := range r.armed {
			got = append(got, a.Pattern+a.TimeZone)
		}
		if diff := cmp.Diff(got, []string{"@every 10s", "0 0 3 * * *Europe/Rome", "", "@every 10s"}); diff != "" {
			t.Errorf("armed: got - want +\n%s", diff)
		}
	})
}

func TestRefusedScheduleIsAProblem(t *testing.T) {
	t.Parallel()
	core(t, &script{}, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, func(d *events.Definition) { d.Refresh = "0 0 3 * * *" }))
		wait(0)
		r.armed[0].Refused(errBroken)
		if got := r.report("c1"); got.Status != events.StatusWaiting || !slices.Contains(got.Problems, "schedule: broken") {
			t.Errorf("got %+v", got)
		}
	})
}

// TestOverlap: while a refresh runs, scheduled ones are skipped, and one that
// was asked for follows.
func TestOverlap(t *testing.T) {
	t.Parallel()
	s := &script{}
	s.refresh = func(ctx context.Context, _ *scripted) error {
		select {
		case <-time.After(24 * time.Second):
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, every10s)) // refreshes until 24, armed then, again 34 to 58
		wait(36 * time.Second)
		c.Due(refreshNow("c1", "first"), time.Now())
		c.Due(refreshNow("c1", "second"), time.Now())
		wait(47 * time.Second) // until 83; "first" ran from 58 to 82
		var first, second *events.CycleReport
		for _, run := range r.runs() {
			switch run.Run {
			case "first":
				first = run
			case "second":
				second = run
			}
		}
		if second == nil || second.Outcome != events.OutcomeCoalesced {
			t.Errorf("the second request: %+v", second)
		}
		if first == nil || first.Outcome != events.OutcomeCompleted || first.Lateness != events.Duration(22*time.Second) {
			t.Errorf("the first request: %+v", first)
		}
		want := []events.Outcome{"completed", "coalesced", "coalesced", "coalesced", "completed", "coalesced", "coalesced", "completed"}
		if diff := cmp.Diff(r.outcomes(events.CycleRefresh), want); diff != "" {
			t.Errorf("outcomes: got - want +\n%s", diff)
		}
	})
}

func TestCyclesOfLaterGenerationsAreIgnored(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 5, every10s))
		wait(0)
		for _, kind := range []events.CycleKind{events.CycleRefresh, events.CycleEngage, events.CycleRestart} {
			c.Due(&events.Cycle{Connector: "c1", Kind: kind, Generation: 6}, time.Now())
		}
		c.Due(&events.Cycle{Connector: "c1", Kind: events.CycleRestart, Generation: 5}, time.Now()) // left over
		c.Due(&events.Cycle{Connector: "c2", Kind: events.CycleRefresh, Run: "nobody's"}, time.Now())
		wait(0)
		if got := s.order(); got != "new start refresh" {
			t.Errorf("called %s", got)
		}
		if runs := r.runs(); len(runs) != 2 || runs[1].Outcome != events.OutcomeLost || runs[1].Run != "nobody's" {
			t.Errorf("got %+v", runs)
		}
	})
}

// TestACycleOfAnEarlierGenerationHasTheScheduleArmedAgain: what the node before
// armed has replaced what was armed here, else it would not have come.
func TestACycleOfAnEarlierGenerationHasTheScheduleArmedAgain(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 5, every10s))
		wait(0)
		c.Due(&events.Cycle{Connector: "c1", Kind: events.CycleRefresh, Generation: 4}, time.Now())
		c.Due(&events.Cycle{Connector: "c1", Kind: events.CycleRestart, Generation: 4}, time.Now())
		wait(0)
		if got := s.called("refresh"); got != 2 || s.called("start") != 1 {
			t.Errorf("called %s", s.order())
		}
		if len(r.armed) != 2 || r.armed[1].Pattern != "@every 10s" || r.armed[1].Cycle.Generation != 5 {
			t.Errorf("armed %+v, want the schedule twice", r.armed)
		}
	})
}

// TestBlockedEngageBlocksNothing is Egeria's defect 1: a blocking engage held
// the lock that everything else needed.
func TestBlockedEngageBlocksNothing(t *testing.T) {
	t.Parallel()
	s := &script{engage: func(ctx context.Context, _ *scripted) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, blocking, every10s))
		wait(0)
		if got := r.report("c1").Status; got != events.StatusRunning {
			t.Errorf("is %s", got)
		}
		c.Due(refreshNow("c1", "asked"), time.Now())
		wait(0)
		if got := s.called("refresh"); got != 2 {
			t.Errorf("refreshed %d times", got)
		}
		c.Due(&events.Cycle{Connector: "c1", Kind: events.CycleRestart}, time.Now())
		wait(0)
		if s.called("new") != 2 || s.called("disconnect") != 1 || s.called("engage") != 2 {
			t.Errorf("called %s", s.order())
		}
		c.Assigned("c1", nil)
		wait(0)
		if got := r.report("c1").Status; got != events.StatusStopped {
			t.Errorf("is %s", got)
		}
	})
}

func TestEngageComesAgainAfterAPause(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, blocking))
		wait(4500 * time.Millisecond)
		if got := s.called("engage"); got != 5 {
			t.Errorf("engaged %d times, want 5", got)
		}
		if got := r.history("c1"); got != "INITIALIZED RUNNING" {
			t.Errorf("was %s", got)
		}
	})
}

func TestListenerIsCalledAgainAfterAPanic(t *testing.T) {
	t.Parallel()
	s := &script{}
	s.changed = func(context.Context) error {
		if s.called("changed") == 1 {
			panic("boom")
		}
		return nil
	}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, func(d *events.Definition) { d.Kind = "listening" }))
		wait(5 * time.Second)
		if got := s.called("changed"); got != 2 || r.report("c1").Status != events.StatusWaiting {
			t.Errorf("called %d times, %+v", got, r.report("c1"))
		}
	})
}

func TestReportsCountWhatARunChanged(t *testing.T) {
	t.Parallel()
	s := &script{refresh: func(_ context.Context, c *scripted) error {
		c.context.Count("created", 3)
		c.context.Count("deleted", 1)
		c.context.Problem("folder", "unreadable")
		return nil
	}}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, every10s))
		wait(15 * time.Second)
		runs := r.runs()
		if len(runs) != 2 || runs[1].Created != 3 || runs[1].Updated != 0 || runs[1].Deleted != 1 || runs[1].Run == "" {
			t.Errorf("got %+v", runs)
		}
		got := r.report("c1")
		if got.Statistics["created"] != 6 || !slices.Contains(got.Problems, "folder: unreadable") {
			t.Errorf("got %+v", got)
		}
	})
}

func TestReleasesAreAcknowledged(t *testing.T) {
	t.Parallel()
	core(t, &script{}, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1))
		wait(0)
		for _, id := range []string{"c1", "never"} {
			c.Assigned(id, &events.Assignment{Definition: events.Definition{ID: id}, From: "a", Generation: 2})
		}
		c.Assigned("other", &events.Assignment{Definition: events.Definition{ID: "other"}, From: "b", Generation: 2})
		wait(0)
		for _, id := range []string{"c1", "never"} {
			if got := r.report(id); got.Status != events.StatusStopped || got.Generation != 2 || got.Node != "a" || got.Instance != "a-1" {
				t.Errorf("%s: %+v", id, got)
			}
		}
		if got := r.history("other"); got != "" {
			t.Errorf("other: %s", got)
		}
	})
}

// TestFlapping takes connectors away and gives them back in any order and time:
// never do two values live at once, and each that was started is disconnected.
func TestFlapping(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 30).Draw(rt, "steps")
		pauses := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{0, 10 * time.Millisecond, time.Second}), 30, 30).Draw(rt, "pauses")
		living := 0
		s := &script{}
		s.start = func(context.Context, *scripted) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			living++
			if living > 1 {
				t.Errorf("%d live at once after %v", living, steps)
			}
			return nil
		}
		slow := func(ctx context.Context) {
			select {
			case <-time.After(300 * time.Millisecond):
			case <-ctx.Done():
			}
		}
		s.refresh = func(ctx context.Context, _ *scripted) error { slow(ctx); return nil }
		s.disconnect = func(ctx context.Context, _ *scripted) error {
			slow(ctx)
			s.mu.Lock()
			defer s.mu.Unlock()
			living--
			return nil
		}
		core(t, s, func(t *bubble, c *host.Core, r *recorder) {
			generation := uint64(0)
			for i, step := range steps {
				generation++
				switch step {
				case 0:
					c.Assigned("c1", assignment("c1", generation))
				case 1:
					c.Assigned("c1", nil)
				case 2:
					c.Assigned("c1", &events.Assignment{Definition: events.Definition{ID: "c1"}, From: "a", Generation: generation})
				case 3:
					c.Due(refreshNow("c1", ""), time.Now())
				case 4:
					c.Due(&events.Cycle{Connector: "c1", Kind: events.CycleRestart}, time.Now())
				default:
					c.Assigned("c1", &events.Assignment{Definition: events.Definition{ID: "c1"}, Node: "b", Generation: generation})
				}
				wait(pauses[i])
			}
			c.Assigned("c1", assignment("c1", generation+1))
			wait(time.Minute)
			if got := r.report("c1"); got.Status != events.StatusWaiting || got.Generation != generation+1 {
				t.Errorf("is %+v after %v", got, steps)
			}
			c.Assigned("c1", nil)
			wait(time.Minute)
			if s.called("start") != s.called("disconnect") || r.report("c1").Status != events.StatusStopped {
				t.Errorf("started %d, disconnected %d, is %s", s.called("start"), s.called("disconnect"), r.report("c1").Status)
			}
		})
	})
}
