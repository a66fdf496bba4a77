package host_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/host"
)

var errBroken = errors.New("broken")

// TestFailures covers each call that can fail, by error and by panic. The
// numbers are those of Egeria's defects.
func TestFailures(t *testing.T) {
	t.Parallel()
	fail := func(err error) func(context.Context, *scripted) error {
		return func(_ context.Context, c *scripted) error {
			if c.number == 1 {
				return err
			}
			return nil
		}
	}
	explode := func(_ context.Context, c *scripted) error {
		if c.number == 1 {
			panic("boom")
		}
		return nil
	}
	onceBroken := func() func(events.Properties) error {
		broken := true
		return func(events.Properties) error {
			defer func() { broken = false }()
			if broken {
				return errBroken
			}
			return nil
		}
	}
	type want struct {
		status  events.ConnectorStatus
		error   string
		again   bool          // it tries again by itself
		after   time.Duration // and when, if that is told
		outcome events.Outcome
	}
	tests := []struct {
		name   string
		script *script
		kind   func(*events.Definition)
		want   want
	}{
		{
			"New fails; nothing overwrites it (3)", &script{make: onceBroken()}, nil,
			want{status: events.StatusConfigFailed, error: "broken"},
		},
		{
			"New panics", &script{make: func(events.Properties) error { panic("boom") }}, nil,
			want{status: events.StatusConfigFailed, error: "panic: boom"},
		},
		{
			"unknown kind", &script{}, func(d *events.Definition) { d.Kind = "unheard" },
			want{status: events.StatusConfigFailed, error: `the kind "unheard"`},
		},
		{
			"blocking calls without Engage", &script{}, func(d *events.Definition) { d.Kind, d.UsesBlockingCalls = "plain", true },
			want{status: events.StatusConfigFailed, error: `"plain" do not engage`},
		},
		{
			"Start fails; it is tried again soon (2)", &script{start: fail(errBroken)}, nil,
			want{status: events.StatusInitializeFailed, error: "broken", again: true},
		},
		{
			"Start panics", &script{start: explode}, nil,
			want{status: events.StatusInitializeFailed, error: "panic: boom", again: true},
		},
		{
			"Start fails for good", &script{start: fail(connectors.Permanent(errBroken))}, nil,
			want{status: events.StatusInitializeFailed, error: "broken"},
		},
		{
			"Refresh fails, which is reported (8)", &script{refresh: fail(errBroken)}, nil,
			want{status: events.StatusFailed, error: "broken", again: true, outcome: events.OutcomeFailed},
		},
		{
			"Refresh panics (7)", &script{refresh: explode}, nil,
			want{status: events.StatusFailed, error: "panic: boom", again: true, outcome: events.OutcomeFailed},
		},
		{
			"Refresh is told when to come again", &script{refresh: fail(connectors.RetryAfter(errBroken, time.Hour))}, nil,
			want{status: events.StatusFailed, error: "broken", again: true, after: time.Hour, outcome: events.OutcomeFailed},
		},
		{
			"Refresh fails for good", &script{refresh: fail(connectors.Permanent(errBroken))}, nil,
			want{status: events.StatusFailed, error: "broken", outcome: events.OutcomeFailed},
		},
		{
			"Engage fails", &script{engage: fail(errBroken)}, blocking,
			want{status: events.StatusFailed, error: "broken", again: true, outcome: events.OutcomeCompleted},
		},
		{
			"Engage panics", &script{engage: explode}, blocking,
			want{status: events.StatusFailed, error: "panic: boom", again: true, outcome: events.OutcomeCompleted},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			core(t, test.script, func(t *bubble, c *host.Core, r *recorder) {
				a := assignment("c1", 1)
				if test.kind != nil {
					test.kind(&a.Definition)
				}
				c.Assigned("c1", a)
				wait(0)
				got := r.report("c1")
				if got.Status != test.want.status || !strings.HasSuffix(got.Error, test.want.error) || got.Attempts != 1 {
					t.Errorf("is %s after %d attempts: %s; want %+v", got.Status, got.Attempts, got.Error, test.want)
				}
				if got.NextAttempt.IsZero() == test.want.again {
					t.Errorf("next attempt %v, want one: %v", got.NextAttempt, test.want.again)
				}
				if d := time.Until(got.NextAttempt); test.want.after != 0 && d != test.want.after {
					t.Errorf("next attempt in %s, want %s", d, test.want.after)
				}
				if test.want.outcome != "" && !slices.Contains(r.outcomes(events.CycleRefresh), test.want.outcome) {
					t.Errorf("outcomes %v, want %s", r.outcomes(events.CycleRefresh), test.want.outcome)
				}
				before := test.script.called("new")
				wait(2 * time.Hour)
				if again := test.script.called("new") > before; again != test.want.again {
					t.Errorf("made anew: %v, want %v", again, test.want.again)
				}
				// Every started value was disconnected (4), but the present one.
				if s, d := test.script.called("start"), test.script.called("disconnect"); test.want.again && d != s-1 {
					t.Errorf("started %d, disconnected %d", s, d)
				}
				if got := r.report("c1"); test.want.again && (got.Error != "" || got.Attempts != 0) {
					t.Errorf("has recovered, but still says %q after %d", got.Error, got.Attempts)
				}
			})
		})
	}
}

func TestFailedConnectorsStartOnRequestAndOnChange(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(*host.Core){
		"refresh now": func(c *host.Core) { c.Due(refreshNow("c1", "asked"), time.Now()) },
		"restart now": func(c *host.Core) {
			c.Due(&events.Cycle{Connector: "c1", Kind: events.CycleRestart, Run: "asked"}, time.Now())
		},
		"a new configuration": func(c *host.Core) {
			c.Assigned("c1", assignment("c1", 1, func(d *events.Definition) {
				d.Configuration = events.Props(map[string]any{"path": "/there"})
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{start: func(_ context.Context, c *scripted) error {
				if c.number == 1 {
					return connectors.Permanent(errBroken)
				}
				return nil
			}}
			core(t, s, func(t *bubble, c *host.Core, r *recorder) {
				c.Assigned("c1", assignment("c1", 1))
				wait(time.Hour)
				mend(c)
				wait(0)
				if got := r.report("c1"); got.Status != events.StatusWaiting || got.Attempts != 0 {
					t.Errorf("is %s after %d attempts", got.Status, got.Attempts)
				}
				if runs := r.runs(); name != "a new configuration" && (len(runs) != 1 || runs[0].Run != "asked") {
					t.Errorf("got %+v, want the outcome of what was asked for", runs)
				}
			})
		})
	}
}

// TestAnEngageThatFailsAsARefreshEnds: the end of the refresh does not hide the
// failure, so that the connector starts again.
func TestAnEngageThatFailsAsARefreshEnds(t *testing.T) {
	t.Parallel()
	for range 50 {
		refreshed := make(chan struct{})
		s := &script{
			refresh: func(_ context.Context, c *scripted) error {
				if c.number == 1 {
					close(refreshed)
				}
				return nil
			},
			engage: func(ctx context.Context, c *scripted) error {
				if c.number > 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				<-refreshed
				return errBroken
			},
		}
		core(t, s, func(t *bubble, c *host.Core, r *recorder) {
			c.Assigned("c1", assignment("c1", 1, blocking))
			wait(time.Minute)
			if got := r.report("c1"); got.Status != events.StatusRunning || s.called("new") != 2 {
				t.Errorf("is %s: %s after %s", got.Status, got.Error, s.order())
			}
		})
	}
}
