package repository_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/topics"
)

// learn lets the model apply what has come to the in topic.
func (w *world) learn(rt *rapid.T) {
	err := w.bus.Read(w.t.Context(), w.bus.Topics().InStream(), nil, func(m *bus.Message) error {
		if m.Sequence <= uint64(len(w.learned)) {
			return nil
		}
		e, err := m.Event()
		if err != nil {
			return err
		}
		c, err := events.DecodeCommand(&e)
		if err != nil {
			return err
		}
		i := issueOf(&e, m.Sequence, m.Time.UTC())
		w.learned = append(w.learned, learned{issue: i, command: c, asked: strings.HasPrefix(e.Extension(events.ExtReplyTo), w.replies.inbox), result: w.model.apply(i, c)})
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
}

func issueOf(e *events.Event, sequence uint64, at time.Time) issue {
	i := issue{
		id: e.ID, sequence: sequence, time: at, source: e.Extension(events.ExtMetadataSource),
		category: events.OriginCategory(e.Extension(events.ExtOriginCategory)),
		scope:    e.Extension(events.ExtScope), dry: e.Extension(events.ExtDryRun) == "true",
	}
	i.wrong = e.Extension(events.ExtDryRun) == "perhaps" || i.category != "" && (i.category == events.OriginLocal) != (i.source == "")
	return i
}

// told is what the out topic tells.
type told struct {
	log      map[string][]string
	elements map[string]*events.Element
	links    map[string]*events.Relationship
}

// compare reads the out topic from its beginning and compares it with the model.
func (w *world) compare(rt *rapid.T) {
	defer func() {
		if rt.Failed() {
			w.explain(rt)
		}
	}()
	w.compareReplies(rt) // a new writer answers again
	w.compareTold(rt, w.read(rt))
	w.compareIndex(rt, "the follower", w.follower)
	w.compareIndex(rt, "the writer", w.writers[0].repo)
	w.compareIndex(rt, "a new node", w.startWriter(0).repo)
	// Only the lease keeps a second writer, which does not see what the first
	// one does, from refusing what that one applies.
	state, err := w.bus.StreamState(w.t.Context(), w.bus.Topics().DeadLetterStream())
	if buried := int(state.Msgs); err != nil || buried < w.model.refused || !w.rivals && buried > w.model.refused {
		rt.Errorf("%d dead letters, the model refused %d (%v)", buried, w.model.refused, err)
	}
}

// compareTold compares the events, and the states that they lead to.
func (w *world) compareTold(rt *rapid.T, out told) {
	for key, want := range w.model.log {
		want = want[len(want)-w.model.kept[key]:]
		if got := out.log[key]; !slices.Equal(got, want) {
			rt.Errorf("%s: change events %v, the model has %v", key, got, want)
		}
	}
	if len(out.log) != len(w.model.log) {
		rt.Errorf("events of %d elements, relationships and types, the model has %d", len(out.log), len(w.model.log))
	}
	w.compareStates(rt, "the out topic", out.elements, out.links)
}

func (w *world) explain(rt *rapid.T) {
	for _, l := range w.learned {
		data, err := events.Marshal(l.command)
		rt.Logf("%d %s %s source %q scope %q dry %v: %v %v", l.sequence, l.command.EventType(), data, l.source, l.scope, l.dry, l.result.refused, err)
	}
}

func (w *world) read(rt *rapid.T) told {
	out := newTold()
	var position uint64
	err := w.bus.Read(w.t.Context(), w.bus.Topics().OutStream(), nil, func(m *bus.Message) error {
		e, err := m.Event()
		if err != nil {
			return err
		}
		at, err := e.Uint(events.ExtInSequence)
		if err != nil || at < position {
			return errors.Join(err, fmt.Errorf("in-sequence %d after %d", at, position))
		}
		position = at
		if want := w.learned[at-1].time; !e.Time.Equal(want) {
			rt.Errorf("event %d is of %s, its command of %s", m.Sequence, e.Time, want)
		}
		c, err := bus.ChangeOf(m)
		if err == nil {
			out.take(&c)
		}
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
	return out
}

func newTold() told {
	return told{log: map[string][]string{}, elements: map[string]*events.Element{}, links: map[string]*events.Relationship{}}
}

func (o *told) take(c *connectors.Change) {
	if t := c.OpenType; t != nil {
		o.log["type "+t.Type.Name] = append(o.log["type "+t.Type.Name], line(c.Type, 0))
		return
	}
	if r := c.Relationship; r != nil {
		id, version := r.State().Header.GUID, int64(0)
		if o.links[id] = r.Relationship; r.Relationship != nil {
			version = r.Relationship.Header.Versions.Version
		}
		o.log["relationship "+id] = append(o.log["relationship "+id], line(c.Type, version))
		return
	}
	id, version := c.Element.State().Header.GUID, int64(0)
	if c.Type != events.TypeElementMoved {
		o.elements[id] = c.Element.Element
	}
	if c.Element.Element != nil {
		version = c.Element.Element.Header.Versions.Version
	}
	o.log["element "+id] = append(o.log["element "+id], line(c.Type, version))
}

func (w *world) compareStates(rt *rapid.T, where string, elements map[string]*events.Element, links map[string]*events.Relationship) {
	got, want := map[string]string{}, map[string]string{}
	for id, e := range elements {
		if e != nil {
			got[id] = modelOf(e).String() + versions(&e.Header)
		}
	}
	for id, l := range links {
		if l != nil {
			got[id] = linkOf(l).String() + versions(&l.Header) + " of " + l.End1.Type + " and " + l.End2.Type
		}
	}
	for id, e := range w.model.elements {
		want[id] = e.String() + fmt.Sprintf(" v%d %s %s", e.version, stamp(e.created), stamp(e.updated))
	}
	for id, l := range w.model.links {
		want[id] = l.String() + fmt.Sprintf(" v%d %s %s", l.version, stamp(l.created), stamp(l.updated)) +
			" of " + w.model.elements[l.end1].typ + " and " + w.model.elements[l.end2].typ
	}
	for id := range want {
		if got[id] != want[id] {
			rt.Errorf("%s has\n%s, the model\n%s", where, got[id], want[id])
		}
	}
	for id := range got {
		if want[id] == "" {
			rt.Errorf("%s has\n%s, the model has nothing", where, got[id])
		}
	}
}

func versions(h *events.ElementHeader) string {
	v := &h.Versions
	return fmt.Sprintf(" v%d %s %s", v.Version, stamp(v.CreateTime), stamp(v.UpdateTime))
}

func modelOf(e *events.Element) *modelElement {
	h := &e.Header
	m := &modelElement{
		guid: h.GUID, typ: h.Type.Name, name: h.QualifiedName, properties: e.Properties.Map(), marks: map[string]modelMark{}, zones: h.Zones,
		anchor: h.AnchorGUID, effective: h.Effectivity, category: h.Origin.Category, source: h.Origin.Source, scope: h.Origin.Scope,
	}
	for _, c := range e.Classifications {
		m.marks[c.Name] = modelMark{properties: c.Properties.Map(), effective: c.Effectivity}
	}
	return m
}

func linkOf(l *events.Relationship) *modelLink {
	h := &l.Header
	return &modelLink{
		guid: h.GUID, typ: h.Type.Name, end1: l.End1.GUID, end2: l.End2.GUID, properties: l.Properties.Map(), effective: h.Effectivity,
		category: h.Origin.Category, source: h.Origin.Source, scope: h.Origin.Scope,
	}
}

// compareIndex compares what a node has in memory.
func (w *world) compareIndex(rt *rapid.T, who string, repo *repository.Repository) {
	if err := repo.Await(w.t.Context(), w.last); err != nil {
		rt.Fatal(err)
	}
	if err := repo.Index().Check(); err != nil {
		rt.Errorf("%s: %s", who, err)
	}
	elements, links := map[string]*events.Element{}, map[string]*events.Relationship{}
	stored, related := repo.Index().States()
	for _, s := range stored {
		e, err := events.Unmarshal[events.Element](s)
		if err != nil {
			rt.Fatal(err)
		}
		elements[e.Header.GUID] = &e
	}
	for _, s := range related {
		l, err := events.Unmarshal[events.Relationship](s)
		if err != nil {
			rt.Fatal(err)
		}
		links[l.Header.GUID] = &l
	}
	w.compareStates(rt, who, elements, links)
}

// compareReplies compares what the senders were told. Where writers died, some
// were told nothing, or by a later writer how things were then.
func (w *world) compareReplies(rt *rapid.T) {
	if err := w.bus.Conn().FlushTimeout(20 * time.Second); err != nil {
		rt.Fatal(err)
	}
	replies, err := w.replies.read()
	if err != nil {
		rt.Fatal(err)
	}
	for i := range w.learned {
		l, got := &w.learned[i], replies[i+1]
		if !w.crashes && len(got) != 1 && l.asked {
			rt.Errorf("command %d: %d answers", i+1, len(got))
		}
		for _, r := range got {
			switch {
			case w.rivals || w.crashes && l.dry:
			case (r.Error != nil) != (l.result.refused != nil):
				rt.Errorf("command %d: answered %v, the model says %v", i+1, r.Error, l.result.refused)
			case !w.crashes && r.Error == nil && !l.result.is(&r, l.dry):
				rt.Errorf("command %d: answered %+v, the model says %+v", i+1, r, l.result)
			}
		}
	}
}

func (r *modelResult) is(got *events.Result, dry bool) bool {
	if got.GUID != r.guid || got.Version != r.version || got.Changed != r.changed || len(got.Steps) != len(r.steps) {
		return false
	}
	if dry && len(got.Preview)+got.More != r.changes {
		return false
	}
	for i := range r.steps {
		if !r.steps[i].is(&got.Steps[i], false) {
			return false
		}
	}
	return true
}

// replay loses the out topic: a writer that applies the same commands makes the
// same events, but for the history that was purged.
func (w *world) replay(rt *rapid.T) {
	before := w.messages(rt)
	w.stopWriters()
	if err := w.bus.JetStream().DeleteStream(w.t.Context(), w.bus.Topics().OutStream()); err != nil {
		rt.Fatal(err)
	}
	limits := topics.DefaultLimits()
	limits.History = 1000
	if err := w.bus.Ensure(w.t.Context(), limits); err != nil {
		rt.Fatal(err)
	}
	if err := w.startWriter(0).repo.Await(w.t.Context(), w.last); err != nil {
		rt.Fatal(err)
	}
	after := w.messages(rt)
	if !maps.Equal(before, after) {
		for sequence, text := range before {
			if after[sequence] != text {
				rt.Errorf("event %d was\n%s, and is\n%s", sequence, text, after[sequence])
			}
		}
		w.explain(rt)
	}
}

func (w *world) messages(rt *rapid.T) map[uint64]string {
	list := map[uint64]string{}
	err := w.bus.Read(w.t.Context(), w.bus.Topics().OutStream(), nil, func(m *bus.Message) error {
		h := nats.Header{}
		for name, values := range m.Header {
			if !strings.HasPrefix(name, "Nats-") {
				h[name] = values
			}
		}
		list[m.Sequence] = fmt.Sprint(m.Subject, h, string(m.Data))
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	return list
}
