package integration_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

// diagnose logs, after a failure, the state of the connectors that have not refreshed
// for long.
func (o *observer) diagnose(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	t.Logf("what is wrong: %q; %d assignments, %d nodes, %d files", o.trouble, len(o.assignments), len(o.nodes), len(o.files))
	shown := 0
	for id, e := range o.assignments {
		runs := o.runs[id]
		var last time.Time
		if len(runs) > 0 {
			last = runs[len(runs)-1].End
		}
		if time.Since(last) < 12*time.Second || shown == 5 {
			continue
		}
		shown++
		t.Logf("%s (%s) given to %s, generation %d, at %s\nreport: %+v\nruns: %+v", e.value.Definition.Name, id, e.value.Node, e.value.Generation,
			e.time.Format(time.TimeOnly), o.reports[id].value, runs[max(0, len(runs)-3):])
		o.diagnoseStream(ctx, t, o.bus.Topics().CyclesStream(), o.bus.Topics().SchedulesOf(id))
		o.diagnoseStream(ctx, t, o.bus.Topics().CyclesStream(), o.bus.Topics().Due(e.value.Node, id))
		o.diagnoseStream(ctx, t, o.bus.Topics().InStream(), o.bus.Topics().Commands(id))
		o.diagnoseStream(ctx, t, o.bus.Topics().OutStream(), o.bus.Topics().Fence(id))
	}
}

func (o *observer) diagnoseStream(ctx context.Context, t *testing.T, name, subject string) {
	t.Helper()
	stream, err := o.bus.JetStream().Stream(ctx, name)
	if err != nil {
		t.Log(name, err)
		return
	}
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		t.Log(name, subject, err)
		return
	}
	state, err := o.bus.StreamState(ctx, name)
	t.Logf("%s (%d to %d, %v): last on %s is %d of %s: %v %s", name, state.FirstSeq, state.LastSeq, err,
		m.Subject, m.Sequence, m.Time.Format(time.TimeOnly), m.Header, m.Data)
}

// slowest logs the steps that took long until the last connectors ran again.
func (o *observer) slowest(t *testing.T, killed time.Time) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	since := func(at time.Time) time.Duration { return at.Sub(killed).Round(time.Millisecond) }
	ids := slices.SortedFunc(maps.Keys(o.assignments), func(a, b string) int {
		return firstRun(o.runs[b], killed).Start.Compare(firstRun(o.runs[a], killed).Start)
	})
	for name, n := range o.nodes {
		t.Logf("%s: instance %s, last heartbeat after %s", name, n.value.Instance, since(n.time))
	}
	for _, id := range ids[:min(8, len(ids))] {
		a, r, run := o.assignments[id], o.reports[id], firstRun(o.runs[id], killed)
		t.Logf("%s: assigned to %s after %s (generation %d); refreshed on %s from %s to %s; %s since %s, reported after %s",
			a.value.Definition.Name, a.value.Node, since(a.time), a.value.Generation, run.Node, since(run.Start), since(run.End),
			r.value.Status, since(r.value.Since), since(r.time))
	}
}

// firstRun returns the first refresh that began after a moment.
func firstRun(runs []events.CycleReport, since time.Time) events.CycleReport {
	for _, r := range runs {
		if r.Start.After(since) {
			return r
		}
	}
	return events.CycleReport{}
}
