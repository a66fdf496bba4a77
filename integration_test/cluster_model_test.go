package integration_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// step is one change event that a command must lead to, or has led to.
type step struct {
	Event string
	N     int64 // the counter that the command carried
	// Version of what was changed; 0 for deletions.
	Version int64
}

// model is the change events that the sent commands must lead to: by qualified name of
// the element, in order. The name of a relationship is its type and first end.
type model map[string][]step

// sender sends a continuous stream of changes, and keeps its model. No other sender
// changes the same elements, so the changes have the order of its commands.
type sender struct {
	name     string
	bus      *bus.Bus
	metadata *client.Client
	random   *rand.Rand
	model    model
	versions map[string]int64
	counter  int64
	// nameless are the counters of elements without a name: a command that is applied twice
	// creates two of them.
	nameless []int64
	// pairs are the counters of change sets.
	pairs []int64
	// idle is the number of commands that change nothing, unanswered of those whose
	// outcome did not arrive in time.
	idle, commands, unanswered int
}

func newSender(t *testing.T, b *bus.Bus, name string, seed uint64) *sender {
	t.Helper()
	m := client.New(b, name)
	return &sender{
		name: name, bus: b, metadata: m, random: rand.New(rand.NewPCG(seed, seed)),
		model: model{}, versions: map[string]int64{},
	}
}

// elements is the number of elements of each kind that a sender changes.
const elements = 12

func (s *sender) element(sort string, i int) string {
	return fmt.Sprintf("%s::%s::%d", s.name, sort, i)
}

// run sends until enough is closed. It does not stop for failures: publishing
// waits until the bus takes a command.
func (s *sender) run(ctx context.Context, enough <-chan struct{}) error {
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-enough:
			return nil
		case <-tick.C:
		}
		if err := s.turn(ctx); err != nil {
			return fmt.Errorf("%s, after %d commands: %w", s.name, s.commands, err)
		}
	}
}

// turn sends one command or a batch of them.
func (s *sender) turn(ctx context.Context) error {
	switch s.random.IntN(10) {
	case 0:
		return s.request(ctx)
	case 1:
		s.counter++
		s.nameless = append(s.nameless, s.counter)
		return s.send(ctx, s.upsert("", s.counter))
	case 2:
		return s.send(ctx, s.come(), s.leave())
	case 3:
		return s.send(ctx, s.pair())
	case 4:
		return s.send(ctx, s.classify(), s.link())
	default:
		var batch []events.Command
		for range 1 + s.random.IntN(6) {
			batch = append(batch, s.count())
		}
		if s.random.IntN(4) == 0 { // once more what is there: nothing changes
			s.idle++
			batch = append(batch, batch[len(batch)-1])
		}
		return s.send(ctx, batch...)
	}
}

func (s *sender) send(ctx context.Context, commands ...events.Command) error {
	s.commands += len(commands)
	var failed error
	err := s.metadata.Send(ctx, func(yield func(events.Event) bool) {
		for e, err := range s.envelopes(commands) {
			failed = errors.Join(failed, err)
			if !yield(e) {
				return
			}
		}
	})
	return errors.Join(err, failed)
}

func (s *sender) envelopes(commands []events.Command) iter.Seq2[events.Event, error] {
	return func(yield func(events.Event, error) bool) {
		for _, c := range commands {
			if !yield(events.NewCommand("/"+s.name, c)) {
				return
			}
		}
	}
}

// request sends a command and waits for its outcome, which must be that of this
// command. A new writer may answer with a later state of the element, but no other
// sender changes it.
func (s *sender) request(ctx context.Context) error {
	name := s.element("asked", s.random.IntN(elements))
	s.counter++
	c := s.upsert(name, s.counter)
	want := s.expect(name, events.TypeElementCreated, events.TypeElementUpdated)
	e, err := events.NewCommand("/"+s.name, c)
	if err != nil {
		return err
	}
	s.commands++
	patience, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, err := s.metadata.Request(patience, e)
	switch {
	case events.CodeOf(err) == events.CodeUnavailable && ctx.Err() == nil:
		s.unanswered++
		return nil
	case err != nil:
		return err
	case r.Error != nil || !r.Changed || r.Version != want || r.GUID != events.GUIDOf(name):
		return fmt.Errorf("the outcome of %s, n %d is %+v, want version %d", name, s.counter, r, want)
	}
	return nil
}

func (s *sender) upsert(name string, n int64) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{
		Type: counter, QualifiedName: name,
		Properties: events.Props(map[string]any{"n": n, "description": s.name}),
	}}
}

// count is the next change of an element with a counter.
func (s *sender) count() events.Command {
	name := s.element("counted", s.random.IntN(elements))
	s.counter++
	s.expect(name, events.TypeElementCreated, events.TypeElementUpdated)
	return s.upsert(name, s.counter)
}

// expect appends the change event that a change of an element with the present
// counter leads to, and returns the version that it leaves.
func (s *sender) expect(name, first, next string) int64 {
	s.versions[name]++
	event := next
	if s.versions[name] == 1 {
		event = first
	}
	s.model[name] = append(s.model[name], step{Event: event, N: s.counter, Version: s.versions[name]})
	return s.versions[name]
}

const passing = "passing"

// come creates an element; leave deletes it again.
func (s *sender) come() events.Command {
	name := s.element(passing, 0)
	s.counter++
	s.model[name] = append(s.model[name], step{Event: events.TypeElementCreated, N: s.counter, Version: 1})
	return s.upsert(name, s.counter)
}

func (s *sender) leave() events.Command {
	name := s.element(passing, 0)
	s.model[name] = append(s.model[name], step{Event: events.TypeElementDeleted, N: s.counter})
	return &events.Delete{Element: events.ByName(name)}
}

// pair changes two elements at once.
func (s *sender) pair() events.Command {
	s.counter++
	s.pairs = append(s.pairs, s.counter)
	var both []events.Command
	for i := range 2 {
		name := s.element("paired", i)
		s.expect(name, events.TypeElementCreated, events.TypeElementUpdated)
		both = append(both, s.upsert(name, s.counter))
	}
	set, err := events.NewChangeSet(both...)
	if err != nil {
		panic(err)
	}
	return set
}

// classify changes the classification of an element that was created for it.
func (s *sender) classify() events.Command {
	name := s.element("classified", 0)
	if s.versions[name] == 0 {
		s.counter++
		s.expect(name, events.TypeElementCreated, "")
		return s.upsert(name, s.counter)
	}
	s.counter++
	event := events.TypeElementReclassified
	if s.versions[name] == 1 {
		event = events.TypeElementClassified
	}
	s.expect(name, "", event)
	return &events.Classify{Element: events.ByName(name), Classification: events.Classification{
		Name: counted, Properties: events.Props(map[string]any{"n": s.counter}),
	}}
}

// link changes a relationship of the classified element, which was created just before:
// its ends need not be acknowledged yet.
func (s *sender) link() events.Command {
	end := s.element("classified", 0)
	s.counter++
	s.expect(counting+" "+end, events.TypeRelationshipCreated, events.TypeRelationshipUpdated)
	return &events.Link{Relationship: events.RelationshipSpec{
		Type: counting, End1: events.ByName(end), End2: events.ByName(end),
		Properties: events.Props(map[string]any{"n": s.counter}),
	}}
}

// found is the content of the out topic about the changes of the senders.
type found struct {
	model    model
	nameless map[string][]int64
	// pairs are the out-sequences of the halves of change sets.
	pairs map[string][]uint64
	// positions are the in-sequences of commands, which must only grow.
	position uint64
	events   int
	times    []time.Time
	ids      map[string]bool
	wrong    []string
}

// readOut reads the whole out topic.
func readOut(ctx context.Context, b *bus.Bus) (*found, error) {
	f := &found{model: model{}, nameless: map[string][]int64{}, pairs: map[string][]uint64{}, ids: map[string]bool{}}
	err := b.Read(ctx, b.Topics().OutStream(), []string{b.Topics().Changes()}, f.take)
	return f, err
}

func (f *found) errorf(format string, args ...any) {
	if len(f.wrong) < 20 {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

func (f *found) take(m *bus.Message) error {
	f.events++
	f.times = append(f.times, m.Time)
	e, err := m.Event()
	if err != nil {
		return err
	}
	position, err := e.Uint(events.ExtInSequence)
	if err != nil {
		return err
	}
	if position < f.position {
		f.errorf("sequence %d: command %d is applied after command %d", m.Sequence, position, f.position)
	}
	f.position = position
	if f.ids[e.ID] {
		f.errorf("sequence %d: the event %s is there twice", m.Sequence, e.ID)
	}
	f.ids[e.ID] = true
	if e.Type == events.TypeConnectorFenced || e.Type == events.TypeTypeDefined {
		return nil
	}
	c, err := client.ChangeOf(m)
	switch {
	case err != nil:
		return err
	case c.Relationship != nil:
		f.relationship(c.Type, c.Relationship)
	default:
		f.element(m, c.Type, c.Element)
	}
	return nil
}

func (f *found) relationship(event string, c *events.RelationshipChange) {
	r := c.State()
	if r.Header.Type.Name != counting {
		return
	}
	n, _ := events.Property[int64](r.Properties, "n")
	name := counting + " " + r.End1.QualifiedName
	f.model[name] = append(f.model[name], step{Event: event, N: n, Version: r.Header.Versions.Version})
}

func (f *found) element(m *bus.Message, event string, c *events.ElementChange) {
	e := c.State()
	switch e.Header.Type.Name {
	case counter:
	case "DataFile", "FileFolder": // of a connector
		f.add(e.Header.QualifiedName, event, 0, c)
		return
	default:
		return
	}
	n, _ := events.Property[int64](e.Properties, "n")
	if c.Classification != "" {
		n, _ = events.Property[int64](e.Classifications[0].Properties, "n")
	}
	by, _ := events.Property[string](e.Properties, "description")
	if e.Header.QualifiedName == "" {
		f.nameless[by] = append(f.nameless[by], n)
		return
	}
	f.add(e.Header.QualifiedName, event, n, c)
	pair := fmt.Sprintf("%s %d", by, n)
	f.pairs[pair] = append(f.pairs[pair], m.Sequence)
}

func (f *found) add(name, event string, n int64, c *events.ElementChange) {
	s := step{Event: event, N: n}
	if c.Element != nil {
		s.Version = c.Element.Header.Versions.Version
	}
	if c.Element != nil && c.Previous != nil && c.Previous.Header.Versions.Version != s.Version-1 {
		f.errorf("%s: version %d follows on %d", name, s.Version, c.Previous.Header.Versions.Version)
	}
	f.model[name] = append(f.model[name], s)
}

// compare returns the differences between the out topic and the sent commands.
func (f *found) compare(s *sender) []string {
	wrong := slices.Clone(f.wrong)
	for name, want := range s.model {
		if problem := firstDifference(f.model[name], want); problem != "" {
			wrong = append(wrong, name+": "+problem)
		}
	}
	if got := f.nameless[s.name]; !slices.Equal(got, s.nameless) {
		wrong = append(wrong, fmt.Sprintf("%s: %d elements without a name, want %d, each once and in order", s.name, len(got), len(s.nameless)))
	}
	for _, n := range s.pairs {
		at := f.pairs[fmt.Sprintf("%s %d", s.name, n)]
		if len(at) != 2 || at[1] != at[0]+1 {
			wrong = append(wrong, fmt.Sprintf("%s: the halves of the change set %d stand at %v", s.name, n, at))
		}
	}
	return wrong
}

// compareFiles returns the differences between the cataloged elements and files that
// were created and never deleted.
func (f *found) compareFiles(files int) (wrong []string) {
	n := 0
	for name, steps := range f.model {
		if !strings.HasPrefix(name, "DataFile::") && !strings.HasPrefix(name, "FileFolder::") {
			continue
		}
		n++
		for i, s := range steps {
			if s.Version != int64(i)+1 {
				wrong = append(wrong, fmt.Sprintf("%s: change %d is %+v", name, i+1, s))
				break
			}
		}
	}
	if n != files {
		wrong = append(wrong, fmt.Sprintf("%d files and folders are cataloged, not %d", n, files))
	}
	return wrong
}

func firstDifference(got, want []step) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("change %d of %d is %+v, want %+v", i+1, len(want), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d changes, want %d", len(got), len(want))
	}
	return ""
}

// stall returns the longest time without a change event between two moments.
func (f *found) stall(from, until time.Time) time.Duration {
	var longest time.Duration
	last := from
	for _, at := range append(f.times, until) {
		if at.After(from) && !at.After(until) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}
