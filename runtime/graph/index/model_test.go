package index_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
	"github.com/camena-io/camena/runtime/internal/graphtest"
)

// Random commands, applied as a writer does: what they lead to is taken over later,
// some at a time, or is lost when the writer dies, also in the midst of one command.
// In the end the graph is that of the model, who read the events has the same, and
// questions are answered as the model does.
func TestGraphEqualsTheModel(t *testing.T) {
	t.Parallel()
	types := graphtest.Types()
	rapid.Check(t, func(rt *rapid.T) { newWriter(t, rt, types).live() })
}

// writer is what a writer of the repository does, without a bus.
type writer struct {
	*rapid.T

	ctx     context.Context //nolint:containedctx // of one test
	types   *opentypes.Registry
	model   *graphtest.Model
	in      []events.Event // the in topic
	out     index.Events   // the out topic
	index   *index.Index
	pending *graph.Pending
	next    int      // of the in topic to be applied
	flying  []flight // what was applied and is not stored yet
	torn    int      // the command, if any, of which a part was stored when the writer died
	// first is what each command led to when it was applied first.
	first map[uint64][]graph.Change
}

// flight is a command that was applied.
type flight struct {
	sequence uint64
	outcome  graph.Outcome
	// mayTear says that it may be too large to be stored at once.
	mayTear bool
}

func newWriter(t *testing.T, rt *rapid.T, types *opentypes.Registry) *writer {
	t.Helper()
	w := &writer{T: rt, ctx: t.Context(), types: types, model: graphtest.NewModel(types), first: map[uint64][]graph.Change{}}
	w.index = index.New(types, slog.New(slog.DiscardHandler))
	w.begin()
	return w
}

func (w *writer) begin() {
	w.pending = graph.NewPending(w.index, graph.Rules{
		PublishZones: []string{"sales", "research"}, DefaultZones: []string{"draft"}, MaxState: graph.MaxState(1 << 20),
	})
}

func (w *writer) live() {
	if rapid.IntRange(0, 3).Draw(w.T, "empty") > 0 {
		w.send(graphtest.Fixtures())
	}
	w.send(rapid.SliceOfN(graphtest.Requests(), 20, 60).Draw(w.T, "commands"))
	w.run()
	w.model.CompareAnswers(w.ctx, w.T, answers{index: w.index, log: w.out}) // while something is archived
	w.send(w.model.Restores())
	w.run()
	w.compare()
	if w.Failed() {
		w.model.Explain(w.T)
	}
}

// send stores commands on the in topic.
func (w *writer) send(list []events.Event) {
	for _, e := range list {
		e.ID = fmt.Sprint("c", len(w.in)+1) // the same in each run
		w.in = append(w.in, e)
	}
}

// run applies all commands, whatever happens meanwhile.
func (w *writer) run() {
	for w.next < len(w.in) {
		w.apply(&w.in[w.next], uint64(w.next+1))
		switch n := rapid.IntRange(0, 30).Draw(w.T, "then"); {
		case n >= 28:
			w.die()
		case n >= 20:
			w.store(rapid.IntRange(0, len(w.flying)).Draw(w.T, "stored"))
		}
	}
	w.store(len(w.flying))
}

// at is when a command was stored.
func at(sequence uint64) time.Time {
	return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(sequence) * time.Second)
}

// apply applies a command, and asks before what it would lead to.
func (w *writer) apply(e *events.Event, sequence uint64) {
	w.next++
	c, err := events.DecodeCommand(e)
	if err != nil {
		w.Fatal(err)
	}
	if index.Restores(c) { // what is gone is only where it is stored
		w.store(len(w.flying))
	}
	if int(sequence) > len(w.model.Applied()) {
		if _, err := w.model.Apply(e, sequence, at(sequence)); err != nil {
			w.Fatal(err)
		}
	}
	o, err := w.outcome(e, c, sequence)
	if err != nil {
		o = graph.Outcome{Result: events.Result{Error: asError(err)}}
	}
	if want := w.model.Applied()[sequence-1]; int(sequence) != w.torn && !want.Matches(&o.Result) {
		w.Errorf("command %d: answered %+v, the model says %s", sequence, o.Result, want)
	}
	w.remember(sequence, &o)
	w.pending.Add(&o)
	w.flying = append(w.flying, flight{sequence: sequence, outcome: o, mayTear: mayBeLarge(c)})
	if o.Purges() { // nothing comes before the history is gone
		w.store(len(w.flying))
	}
}

func (w *writer) outcome(e *events.Event, c events.Command, sequence uint64) (graph.Outcome, error) {
	if err := graph.CheckEnvelope(e); err != nil {
		return graph.Outcome{}, err
	}
	q, err := graph.RequestOf(e, sequence, at(sequence))
	if err != nil {
		return graph.Outcome{}, err
	}
	q.Awaited = true
	if q.Deletions, err = w.index.LoadDeleted(w.ctx, w.out, c); err != nil {
		w.Fatal(err)
	}
	dry := *q
	dry.DryRun = true
	would, wouldNot := w.pending.Apply(&dry, c)
	o, err := w.pending.Apply(q, c)
	if fmt.Sprint(wouldNot) != fmt.Sprint(err) {
		w.Errorf("command %d: in a dry run %v, else %v", sequence, wouldNot, err)
	}
	if !q.DryRun {
		w.isPreview(sequence, &would, &o)
	}
	return o, err
}

// isPreview compares a dry run with the command itself.
func (w *writer) isPreview(sequence uint64, would, o *graph.Outcome) {
	preview := would.Result.Preview
	would.Result.Preview = nil
	if one, two := fmt.Sprintf("%+v", would.Result), fmt.Sprintf("%+v", o.Result); one != two || would.Len() > 0 || len(preview) != o.Len() {
		w.Errorf("command %d: %d of %d changes in the dry run, and %d that are made; %s, then %s", sequence, len(preview), o.Len(), would.Len(), one, two)
		return
	}
	for i, p := range preview {
		c := o.Change(i)
		want, err := events.DecodeChange(c.Type, c.Data)
		if err != nil {
			w.Fatal(err)
		}
		one, err1 := events.Marshal(p)
		two, err2 := events.Marshal(want)
		if !bytes.Equal(one, two) || err1 != nil || err2 != nil {
			w.Errorf("command %d: the dry run tells %s, then there is %s", sequence, one, two)
		}
	}
}

// remember compares what a command leads to with what it led to the first time:
// that must not depend on who applies it.
func (w *writer) remember(sequence uint64, o *graph.Outcome) {
	changes := make([]graph.Change, o.Len())
	for i := range changes {
		changes[i] = o.Change(i)
	}
	before, again := w.first[sequence]
	same := func(a, b graph.Change) bool {
		return a.ID == b.ID && a.Type == b.Type && a.Subject == b.Subject && a.ActorMissing == b.ActorMissing && bytes.Equal(a.Data, b.Data)
	}
	if again && int(sequence) != w.torn && !slices.EqualFunc(before, changes, same) {
		w.Errorf("command %d leads to something else now: %s", sequence, cmp.Diff(before, changes))
	}
	w.first[sequence] = changes
}

// store stores what some commands led to.
func (w *writer) store(n int) {
	for i := range w.flying[:n] {
		f := &w.flying[i]
		w.out = f.outcome.AppendEvents(w.out, f.sequence, at(f.sequence))
		f.outcome.Stored(uint64(len(w.out)))
		w.index.Commit(f.outcome.AppendStateChanges(nil, f.sequence, at(f.sequence))...)
		w.pending.Drop(&f.outcome)
		w.erase()
	}
	w.flying = slices.Clone(w.flying[n:])
}

func (w *writer) erase() {
	for _, t := range w.index.PendingPurges() {
		w.out.Erase(t)
		w.index.PurgeDone(t)
	}
}

// die loses what is not stored. Who comes next has followed, or reads everything.
func (w *writer) die() {
	w.store(rapid.IntRange(0, len(w.flying)).Draw(w.T, "stored"))
	if len(w.flying) > 0 {
		w.tear(&w.flying[0])
	}
	w.flying = nil
	if rapid.Bool().Draw(w.T, "anew") {
		w.index = w.reread()
	}
	w.begin()
	_, position := w.index.Reached()
	w.next = int(position)
}

// tear stores a part of what a command led to: it goes on from there.
func (w *writer) tear(f *flight) {
	if !f.mayTear || f.outcome.Len() < 2 {
		return
	}
	n := rapid.IntRange(1, f.outcome.Len()-1).Draw(w.T, "part")
	if f.outcome.Change(n-1).Type == events.TypeElementMoved {
		return // where it moves to comes with it
	}
	before := len(w.out)
	w.out = f.outcome.AppendEvents(w.out, f.sequence-1, at(f.sequence))[:before+n]
	for i := range w.out[before:] {
		w.follow(w.index, &w.out[before+i])
	}
	w.torn = int(f.sequence)
	w.erase()
}

// mayBeLarge reports whether a command may lead to more changes than are stored at
// once.
func mayBeLarge(c events.Command) bool {
	switch c.(type) {
	case *events.Delete, *events.Restore, *events.Retype:
		return true
	default:
		return false
	}
}

func (w *writer) follow(x *index.Index, e *index.Event) {
	f, err := x.Read(e)
	if err != nil {
		w.Errorf("event %d: %s", e.Sequence, err)
	}
	x.Commit(f)
}

// reread returns an index of what the out topic has.
func (w *writer) reread() *index.Index {
	x := index.New(w.types, slog.New(slog.DiscardHandler))
	for i := range w.out {
		if w.out[i].Type != "" {
			w.follow(x, &w.out[i])
		}
	}
	return x
}

func (w *writer) compare() {
	log := graphtest.NewChangeLog()
	for i := range w.out {
		if e := &w.out[i]; e.Type != "" {
			c, err := events.DecodeChange(e.Type, e.Data)
			if err != nil {
				w.Fatal(err)
			}
			log.Add(&c)
		}
	}
	w.model.Compare(w.T, log)
	again := w.reread()
	for who, x := range map[string]*index.Index{"the writer": w.index, "who reads it all": again} {
		if err := x.Check(); err != nil {
			w.Errorf("%s: %s", who, err)
		}
		elements, links := x.States()
		w.model.CompareStates(w.T, who, elements, links)
	}
	if diff := cmp.Diff(known(w.index), known(again)); diff != "" {
		w.Errorf("the writer knows otherwise than who reads it all: %s", diff)
	}
	w.model.CompareAnswers(w.ctx, w.T, answers{index: w.index, log: w.out})
}

// known is what an index knows besides states.
func known(x *index.Index) map[string]any {
	last := x.LastEvent()
	var pump events.TypeDef // the only type that is defined here
	if t, ok := x.Types().Type("Pump"); ok {
		pump = t.Def()
	}
	digests, err := x.Digests(&events.Digests{Scope: "p"}, 1<<20)
	return map[string]any{
		"sequence": last.Sequence, "position": last.Position, "stored": last.Stored, "id": last.ID, "pump": pump,
		"digests": digests.Digests, "refused": err,
	}
}

func asError(err error) *events.Error {
	if e, ok := err.(*events.Error); ok { //nolint:errorlint // it is not wrapped
		return e
	}
	return events.Errorf(events.CodeInvalid, "", "%s", err)
}
