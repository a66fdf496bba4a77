package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/host"
)

// hang never heeds its ctx; it ends when the test lets it.
func hang(release chan struct{}) func(context.Context, *scripted) error {
	return func(context.Context, *scripted) error {
		<-release
		return nil
	}
}

// TestHungConnectors hangs one connector in each call, and sees that it can
// stop neither its neighbor, nor a request, nor the end of the node, and that
// it has lost its Context (Egeria defects 1 and 6).
func TestHungConnectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		call string
		hang func(s *script, release chan struct{})
		// left is how many of its values the node is never able to end.
		disconnected int
	}{
		{"New", func(s *script, release chan struct{}) {
			s.make = func(events.Properties) error { <-release; return nil }
		}, 0},
		{"Start", func(s *script, release chan struct{}) { s.start = hang(release) }, 1},
		{"Refresh", func(s *script, release chan struct{}) { s.refresh = hang(release) }, 1},
		{"Engage", func(s *script, release chan struct{}) { s.engage = hang(release) }, 1},
		{"Disconnect", func(s *script, release chan struct{}) { s.disconnect = hang(release) }, 1},
	}
	for _, test := range tests {
		t.Run(test.call, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			core(t, s, func(t *bubble, c *host.Core, r *recorder) {
				release := make(chan struct{})
				defer close(release)
				test.hang(s, release)
				c.Assigned("c1", assignment("c1", 1, blocking))
				wait(time.Second)
				began := time.Now()
				c.Stop(false)
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("the node took %s to stop", took)
				}
				got := r.report("c1")
				if got.Status != events.StatusShutdown || got.Error != test.call+" does not return after cancel" {
					t.Errorf("is %s: %s", got.Status, got.Error)
				}
				if got := s.called("disconnect"); got != test.disconnected {
					t.Errorf("disconnected %d times, want %d", got, test.disconnected)
				}
			})
		})
	}
}

func TestHungConnectorsKeepNoPlace(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		release := make(chan struct{})
		defer close(release)
		s.refresh = func(_ context.Context, cc *scripted) error {
			if strings.HasPrefix(cc.context.Definition().ID, "hung") {
				<-release
			}
			return nil
		}
		for _, id := range []string{"hung1", "hung2", "hung3", "hung4", "hung5", "hung6"} { // there are four places
			c.Assigned(id, assignment(id, 1))
		}
		c.Assigned("c1", assignment("c1", 1))
		wait(2 * time.Second)
		if got := r.report("c1").Status; got != events.StatusWaiting {
			t.Errorf("the neighbor is %s", got)
		}
	})
}

// TestAbandonedRefresh: after its deadline a refresh that does not return is
// given up, its Context refuses everything, and the connector starts anew.
func TestAbandonedRefresh(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		release := make(chan struct{})
		var harm error
		s.refresh = func(ctx context.Context, cc *scripted) error {
			if cc.number == 1 {
				<-release
				harm = cc.context.Send(ctx, &events.Delete{Element: events.ByName("all")})
			}
			return nil
		}
		c.Assigned("c1", assignment("c1", 1))
		wait(time.Hour + 5*time.Second)
		close(release)
		wait(time.Minute)
		if !errors.Is(harm, connectors.ErrDisconnected) {
			t.Errorf("the abandoned refresh could send: %v", harm)
		}
		if got := r.outcomes(events.CycleRefresh); len(got) != 2 || got[0] != events.OutcomeTimedOut || got[1] != events.OutcomeCompleted {
			t.Errorf("outcomes %v", got)
		}
		if got := s.order(); got != "new start refresh disconnect new start refresh" {
			t.Errorf("called %s", got)
		}
		if got := r.history("c1"); !strings.Contains(got, "FAILED") || r.report("c1").Status != events.StatusWaiting {
			t.Errorf("was %s", got)
		}
	})
}

func TestRefreshThatHeedsItsDeadlineTimesOut(t *testing.T) {
	t.Parallel()
	s := &script{refresh: func(ctx context.Context, _ *scripted) error { <-ctx.Done(); return ctx.Err() }}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1))
		wait(time.Hour)
		if got := r.outcomes(events.CycleRefresh); len(got) != 1 || got[0] != events.OutcomeTimedOut {
			t.Errorf("outcomes %v", got)
		}
		if got := r.report("c1"); got.Status != events.StatusFailed || !strings.HasPrefix(got.Error, "timed out after 1h0m0s") {
			t.Errorf("is %s: %s", got.Status, got.Error)
		}
	})
}

// TestStopIsNoFailure: what a connector returns after its end does not count.
func TestStopIsNoFailure(t *testing.T) {
	t.Parallel()
	s := &script{refresh: func(ctx context.Context, _ *scripted) error { <-ctx.Done(); return ctx.Err() }}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1))
		wait(time.Second)
		c.Assigned("c1", nil)
		wait(0)
		if got := r.report("c1"); got.Status != events.StatusStopped || got.Error != "" {
			t.Errorf("is %+v", got)
		}
		if got := r.outcomes(events.CycleRefresh); len(got) != 1 || got[0] != events.OutcomeLost {
			t.Errorf("outcomes %v", got)
		}
	})
}

func TestFencedConnectorsLoseTheMetadataAtOnce(t *testing.T) {
	t.Parallel()
	s := &script{}
	core(t, s, func(t *bubble, c *host.Core, _ *recorder) {
		var harm error
		s.disconnect = func(ctx context.Context, cc *scripted) error {
			harm = cc.context.Send(ctx, &events.Delete{Element: events.ByName("all")})
			return nil
		}
		c.Assigned("c1", assignment("c1", 1))
		wait(0)
		c.Stop(true)
		if !errors.Is(harm, connectors.ErrDisconnected) {
			t.Errorf("a fenced connector could send: %v", harm)
		}
	})
}

func TestGoexitIsAFailure(t *testing.T) {
	t.Parallel()
	s := &script{refresh: func(_ context.Context, c *scripted) error {
		if c.number == 1 {
			panic(nil) //nolint:govet // becomes a *runtime.PanicNilError
		}
		return nil
	}}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1))
		wait(0)
		if got := r.report("c1").Status; got != events.StatusFailed {
			t.Errorf("is %s", got)
		}
	})
}
