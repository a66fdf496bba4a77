package host_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/host"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestMain(m *testing.M) { runtimetest.VerifyTestMain(m) }

// nowhere is metadata that is empty and takes everything.
type nowhere struct{}

func (nowhere) Send(_ context.Context, es iter.Seq[events.Event]) error {
	for range es {
	}
	return nil
}

func (nowhere) Request(context.Context, events.Event) (events.Result, error) {
	return events.Result{}, nil
}

func (nowhere) Ask(context.Context, events.Question) ([]byte, error) { return []byte("{}"), nil }

func (nowhere) LastChange(context.Context) (uint64, error) { return 0, nil }

// Follow delivers one change, again and again until it is taken.
func (nowhere) Follow(ctx context.Context, _ connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	for handle(ctx, connectors.Change{}) != nil && ctx.Err() == nil {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (nowhere) LoadPosition(context.Context, string, uint64) ([]byte, error) { return nil, nil }
func (nowhere) SavePosition(context.Context, string, uint64, []byte) error   { return nil }

// script says what the connectors of a test do, and counts what they are
// called for. A nil function does nothing.
type script struct {
	make                               func(events.Properties) error
	start, refresh, engage, disconnect func(ctx context.Context, c *scripted) error
	changed                            func(ctx context.Context) error
	told                               func(c connectors.Change)

	mu    sync.Mutex
	calls []string
	count map[string]int
}

// scripted is one value of such a connector.
type scripted struct {
	script  *script
	number  int
	context *connectors.Context
}

func (s *script) note(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == nil {
		s.count = map[string]int{}
	}
	s.count[call]++
	s.calls = append(s.calls, call)
	return s.count[call]
}

// called returns how often a call was made.
func (s *script) called(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[call]
}

func (s *script) order() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, " ")
}

func (c *scripted) do(ctx context.Context, call string, f func(context.Context, *scripted) error) error {
	c.script.note(call)
	if f == nil {
		return nil
	}
	return f(ctx, c)
}

func (c *scripted) Start(ctx context.Context, cc *connectors.Context) error {
	c.context = cc
	return c.do(ctx, "start", c.script.start)
}

func (c *scripted) Disconnect(ctx context.Context) error {
	return c.do(ctx, "disconnect", c.script.disconnect)
}

func (c *scripted) Refresh(ctx context.Context) error { return c.do(ctx, "refresh", c.script.refresh) }

func (c *scripted) Engage(ctx context.Context) error { return c.do(ctx, "engage", c.script.engage) }

// plain can do nothing beyond Start.
type plain struct{ c *scripted }

func (p plain) Start(ctx context.Context, cc *connectors.Context) error { return p.c.Start(ctx, cc) }

func (p plain) Disconnect(ctx context.Context) error { return p.c.Disconnect(ctx) }

// listening listens, too.
type listening struct{ *scripted }

func (listening) Interest() connectors.Filter { return connectors.Filter{} }

func (l listening) Changed(ctx context.Context, c connectors.Change) error {
	l.script.note("changed")
	if l.script.told != nil {
		l.script.told(c)
	}
	return l.script.changed(ctx)
}

// factories offers the script as the kinds scripted, plain and listening.
func (s *script) factories(t *testing.T) connectors.Set {
	t.Helper()
	kind := func(name string, wrap func(*scripted) connectors.Connector) connectors.Factory {
		return connectors.Factory{Kind: name, New: func(p events.Properties) (connectors.Connector, error) {
			n := s.note("new")
			if s.make != nil {
				if err := s.make(p); err != nil {
					return nil, err
				}
			}
			return wrap(&scripted{script: s, number: n}), nil
		}}
	}
	set, err := connectors.NewSet(
		kind("scripted", func(c *scripted) connectors.Connector { return c }),
		kind("plain", func(c *scripted) connectors.Connector { return plain{c} }),
		kind("listening", func(c *scripted) connectors.Connector { return listening{c} }),
	)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// recorder is the reporter of a test, and its bus: timers fire by the clock of
// the test.
type recorder struct {
	core *host.Core

	mu       sync.Mutex
	timers   map[string]*time.Timer
	armed    []host.Timer
	last     map[string]*events.ConnectorReport
	statuses map[string][]string
	finished []*events.CycleReport
}

func (r *recorder) Arm(a host.Timer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := a.Cycle.Connector + " " + string(a.Cycle.Kind)
	if timer := r.timers[key]; timer != nil {
		timer.Stop()
	}
	r.armed = append(r.armed, a)
	every := time.Duration(a.Cycle.Interval)
	switch {
	case !a.Cycle.Due.IsZero():
		r.timers[key] = time.AfterFunc(time.Until(a.Cycle.Due), func() { r.core.Due(&a.Cycle, a.Cycle.Due) })
	case every > 0:
		r.again(key, every, &a.Cycle)
	}
}

func (r *recorder) again(key string, every time.Duration, c *events.Cycle) {
	r.timers[key] = time.AfterFunc(every, func() {
		r.mu.Lock()
		r.again(key, every, c)
		r.mu.Unlock()
		r.core.Due(c, time.Now())
	})
}

func (r *recorder) Report(report *events.ConnectorReport, _ host.Urgency) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := report.Connector
	r.last[id] = report
	if list := r.statuses[id]; len(list) == 0 || list[len(list)-1] != string(report.Status) {
		r.statuses[id] = append(list, string(report.Status))
	}
}

func (r *recorder) Finished(c *events.CycleReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = append(r.finished, c)
}

func (r *recorder) report(id string) events.ConnectorReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last[id] == nil {
		return events.ConnectorReport{}
	}
	return *r.last[id]
}

func (r *recorder) history(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.statuses[id], " ")
}

// outcomes returns the outcomes of runs of a kind.
func (r *recorder) outcomes(kind events.CycleKind) []events.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []events.Outcome
	for _, f := range r.finished {
		if f.Kind == kind {
			list = append(list, f.Outcome)
		}
	}
	return list
}

func (r *recorder) runs() []*events.CycleReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.finished)
}

// silence stops the clock of the bus.
func (r *recorder) silence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for timer := range maps.Values(r.timers) {
		timer.Stop()
	}
}

// bubble is a test in a bubble of time.
type bubble struct{ *testing.T }

// core runs a test in a bubble of time, with a core that obeys a script.
func core(t *testing.T, s *script, test func(t *bubble, c *host.Core, r *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{
			timers: map[string]*time.Timer{}, last: map[string]*events.ConnectorReport{}, statuses: map[string][]string{},
		}
		r.core = host.NewCore(host.Settings{
			Node: "a", Instance: "a-1", Connectors: s.factories(t), Parallel: 4,
			Connect: func(_ string, to *connectors.Settings) {
				to.Publisher, to.Asker, to.Follower, to.Positions = nowhere{}, nowhere{}, nowhere{}, nowhere{}
			},
		}, r)
		test(&bubble{t}, r.core, r)
		r.core.Stop(false)
		r.silence()
		synctest.Wait()
	})
}

// wait lets time pass until everything waits again.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func assignment(id string, generation uint64, change ...func(*events.Definition)) *events.Assignment {
	d := events.Definition{ID: id, Name: "name of " + id, Kind: "scripted"}
	for _, f := range change {
		f(&d)
	}
	return &events.Assignment{Definition: d, Node: "a", Generation: generation}
}

func every10s(d *events.Definition) { d.Refresh = "@every 10s" }
func blocking(d *events.Definition) { d.UsesBlockingCalls = true }

func refreshNow(id, run string) *events.Cycle {
	return &events.Cycle{Connector: id, Kind: events.CycleRefresh, Run: run}
}
