package repository_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// Random commands, a writer that dies at any step of its work, and sometimes a
// second one that believes to be the only one: in the end the store holds what
// the model holds, no change is lost, none is there twice.
func TestStoreEqualsModelWhateverCrashes(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewServer(t)
	var domains atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, server, fmt.Sprintf("crash%d", domains.Add(1)))
		defer w.close()
		commands := rapid.SliceOfN(command(), 1, 60).Draw(rt, "commands")
		for len(commands) > 0 {
			n := rapid.IntRange(1, len(commands)).Draw(rt, "batch")
			w.send(commands[:n])
			commands = commands[n:]
			rivals := rapid.IntRange(1, 2).Draw(rt, "writers at once")
			w.rivals = w.rivals || rivals > 1
			for range rivals {
				w.startWriter(rapid.IntRange(1, 3*n+3).Draw(rt, "dies at step"))
			}
			w.awaitDeathsOrQuiet()
		}
		w.startWriter(0)
		w.awaitApplied()
		w.compare(rt)
	})
}

// world is one installation on a shared server.
type world struct {
	t        *testing.T
	server   *embedded.Server
	domain   string
	bus      *bus.Bus
	metadata *bus.Metadata
	model    *model
	sent     int
	started  int
	rivals   bool // there were two writers at once
	writers  []*doomed
}

// doomed is a writer that dies at some step: its connection breaks there.
type doomed struct {
	dead chan struct{}
	bus  *bus.Bus
	stop context.CancelFunc
	done chan struct{}
}

func newWorld(t *testing.T, server *embedded.Server, domain string) *world {
	t.Helper()
	w := &world{t: t, server: server, domain: domain, model: newModel()}
	w.bus = w.connect()
	limits := topics.DefaultLimits()
	if err := w.bus.Ensure(t.Context(), limits); err != nil {
		t.Fatal(err)
	}
	m, err := w.bus.Metadata(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	w.metadata = m
	return w
}

func (w *world) connect() *bus.Bus {
	b, err := bus.Connect(w.t.Context(), bus.Settings{InProcess: w.server, Domain: w.domain, Logger: runtimetest.Logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) close() {
	for _, d := range w.writers {
		d.stop()
		d.bus.Close()
		<-d.done
	}
	removeAll(w.t, w.bus)
	w.bus.Close()
}

// removeAll deletes the streams and buckets of a domain: the server reserves
// what they may grow to.
func removeAll(t *testing.T, b *bus.Bus) {
	t.Helper()
	for _, s := range b.Topics().Streams(topics.DefaultLimits()) {
		if err := b.JetStream().DeleteStream(context.Background(), s.Name); err != nil {
			t.Error(err)
		}
	}
	for _, k := range b.Topics().Buckets(topics.DefaultLimits()) {
		if err := b.JetStream().DeleteKeyValue(context.Background(), k.Bucket); err != nil {
			t.Error(err)
		}
	}
}

func (w *world) send(commands []events.Command) {
	err := w.metadata.Send(w.t.Context(), func(yield func(events.Event) bool) {
		for _, c := range commands {
			e, err := events.NewCommand("/test", c)
			if err != nil {
				w.t.Error(err)
				return
			}
			if !yield(e) {
				return
			}
			w.model.apply(c)
			w.sent++
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// startWriter starts a writer with a lease of its own, so that nothing but the
// out topic keeps rivals apart; it dies at the given step, 0 for never.
func (w *world) startWriter(step int) {
	d := &doomed{dead: make(chan struct{}), bus: w.connect(), done: make(chan struct{})}
	var steps atomic.Int64
	w.started++ // the lease of a dead one would have to run out first
	repo, err := repository.New(repository.Settings{
		Node: fmt.Sprintf("w%d", w.started), Bus: d.bus, Types: looseTypes(w.t), Logger: runtimetest.Logger(),
		LeaseKey: fmt.Sprintf("w%d", w.started),
		Crash: func(string) {
			if steps.Add(1) == int64(step) {
				d.bus.Conn().Close()
				close(d.dead)
			}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go func() {
		defer close(d.done)
		if err := repo.Serve(ctx); err != nil && ctx.Err() == nil && !d.bus.Conn().IsClosed() {
			w.t.Error(err)
		}
	}()
	w.writers = append(w.writers, d)
}

// awaitDeathsOrQuiet waits until the doomed are dead, or there is nothing left
// for them to die of.
func (w *world) awaitDeathsOrQuiet() {
	for _, d := range w.writers {
		select {
		case <-d.dead:
		case <-time.After(30 * time.Millisecond):
		}
		d.stop()
		d.bus.Close()
		<-d.done
	}
	w.writers = nil
}

// awaitApplied sends a last command and waits for its outcome.
func (w *world) awaitApplied() {
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	c := upsert("DataFile", "the last one", map[string]any{"n": w.sent})
	e, err := events.NewCommand("/test", c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.model.apply(c)
	if _, err := w.metadata.Request(ctx, e); err != nil {
		w.t.Fatal(err)
	}
}

// compare reads the out topic from its beginning and compares it with the model.
func (w *world) compare(rt *rapid.T) {
	seen := map[string]int{}
	versions := map[string]int64{}
	present := map[string]*events.Element{}
	links := map[string]*events.Relationship{}
	var position uint64
	err := w.bus.Read(w.t.Context(), w.bus.Topics().OutStream(), []string{w.bus.Topics().Changes()}, func(m *bus.Message) error {
		e, err := m.Event()
		if err != nil {
			return err
		}
		at, err := e.Uint(events.ExtInSequence)
		if err != nil || at < position {
			return errors.Join(err, fmt.Errorf("in-sequence %d after %d", at, position))
		}
		position = at
		c, err := bus.ChangeOf(m)
		if err != nil {
			return err
		}
		var key string
		var version int64
		if c.Element != nil {
			key = c.Element.State().Header.QualifiedName
			present[key] = c.Element.Element
			if c.Element.Element != nil {
				version = c.Element.Element.Header.Versions.Version
			}
		} else {
			s := c.Relationship.State()
			key = linkKey(s.Header.Type.Name, s.End1.QualifiedName, s.End2.QualifiedName)
			links[key] = c.Relationship.Relationship
			if c.Relationship.Relationship != nil {
				version = c.Relationship.Relationship.Header.Versions.Version
			}
		}
		if version != 0 && version != versions[key]+1 {
			return fmt.Errorf("%s: version %d follows %d", key, version, versions[key])
		}
		versions[key] = version
		seen[key]++
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	for key, want := range w.model.changes {
		if seen[key] != want {
			rt.Errorf("%s: %d change events, the model has %d", key, seen[key], want)
		}
	}
	if len(seen) != len(w.model.changes) {
		rt.Errorf("events of %d elements and relationships, the model has %d", len(seen), len(w.model.changes))
	}
	w.compareStates(rt, present, links)
	// Only the lease keeps a second writer, which does not see what the first
	// one does, from refusing what that one applies.
	state, err := w.bus.StreamState(w.t.Context(), w.bus.Topics().DeadLetterStream())
	if buried := int(state.Msgs); err != nil || buried < w.model.refused || !w.rivals && buried > w.model.refused {
		rt.Errorf("%d dead letters, the model refused %d (%v)", buried, w.model.refused, err)
	}
}

func (w *world) compareStates(rt *rapid.T, present map[string]*events.Element, links map[string]*events.Relationship) {
	for name, e := range present {
		want := w.model.elements[name]
		if (e == nil) != (want == nil) {
			rt.Errorf("%s: there is %v, the model has %v", name, e, want)
			continue
		}
		if e == nil {
			continue
		}
		if e.Header.Versions.Version != want.version || !same(e.Properties.Map(), want.properties) || len(e.Classifications) != len(want.marks) {
			rt.Errorf("%s: %+v, the model has %+v", name, e, want)
		}
		for _, c := range e.Classifications {
			if !same(c.Properties.Map(), want.marks[c.Name]) {
				rt.Errorf("%s: classification %+v, the model has %+v", name, c, want.marks)
			}
		}
	}
	for key, l := range links {
		want := w.model.links[key]
		if (l == nil) != (want == nil) || l != nil && (l.Header.Versions.Version != want.version || !same(l.Properties.Map(), want.properties)) {
			rt.Errorf("%s: %+v, the model has %+v", key, l, want)
		}
	}
}

// command draws a command about a few elements, so that they meet often.
func command() *rapid.Generator[events.Command] {
	return rapid.Custom(func(t *rapid.T) events.Command {
		if rapid.IntRange(0, 9).Draw(t, "change set") > 0 {
			return single().Draw(t, "command")
		}
		set, err := events.NewChangeSet(rapid.SliceOfN(single(), 1, 6).Draw(t, "steps")...)
		if err != nil {
			t.Fatal(err)
		}
		return set
	})
}

func single() *rapid.Generator[events.Command] {
	name := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	typ := rapid.SampledFrom([]string{"DataFile", "FileFolder"})
	mark := rapid.SampledFrom([]string{"Ownership", "Criticality"})
	props := rapid.Custom(func(t *rapid.T) map[string]any {
		m := map[string]any{}
		for _, key := range rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 3).Draw(t, "keys") {
			m[key] = rapid.SampledFrom([]any{1, 2, "text", nil, true}).Draw(t, "value")
		}
		return m
	})
	return rapid.Custom(func(t *rapid.T) events.Command {
		ref := func(what string) events.ElementRef { return events.ByName(name.Draw(t, what)) }
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0, 1:
			u := upsert(typ.Draw(t, "type"), name.Draw(t, "name"), props.Draw(t, "properties"))
			u.Merge = rapid.Bool().Draw(t, "merge")
			return u
		case 2:
			return &events.Update{Element: ref("element"), Properties: events.Props(props.Draw(t, "properties")), Replace: rapid.Bool().Draw(t, "replace")}
		case 3:
			return &events.Delete{Element: ref("element")}
		case 4:
			p := props.Draw(t, "properties")
			delete(p, "x")
			return &events.Classify{Element: ref("element"), Classification: events.Classification{Name: mark.Draw(t, "mark"), Properties: events.Props(overlaid(nil, p, false))}}
		case 5:
			return &events.Declassify{Element: ref("element"), ClassificationName: mark.Draw(t, "mark")}
		case 6:
			return &events.Link{Relationship: events.RelationshipSpec{
				Type: "NestedFile", End1: ref("end1"), End2: ref("end2"), Properties: events.Props(props.Draw(t, "properties")),
			}}
		default:
			return &events.Unlink{Type: "NestedFile", End1: ref("end1"), End2: ref("end2")}
		}
	})
}

func upsert(typ, name string, properties map[string]any) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: typ, QualifiedName: name, Properties: events.Props(properties)}}
}
