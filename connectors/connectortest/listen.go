package connectortest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// takesChanges tells a listener of changes, and then a new value, that begins
// where a crash may have it begin, of all of them again.
func (c *check) takesChanges() {
	repo := c.repository()
	if _, ok := c.make().(connectors.Listener); !ok {
		c.Logf("the connector is no Listener: nothing to check")
		return
	}
	last := c.tell(repo, 0, "")
	c.tell(repo, last, " when it is told again")
}

// tell has a new value listen up to the last change; 0 means that it is yet to
// be made.
func (c *check) tell(repo *Repository, last uint64, when string) uint64 {
	c.Helper()
	v := c.start(repo)
	defer v.stop()
	told := v.listen(repo, 1)
	if last == 0 {
		last = c.cause(repo, told.filter)
	}
	c.takes(repo, told, last, when)
	return last
}

// cause makes the changes that the listener is told, and returns the sequence of
// the last one that it asks for.
func (c *check) cause(repo *Repository, f connectors.Filter) uint64 {
	c.Helper()
	commands := c.party.Listened
	if commands == nil {
		commands = c.listened(&f)
	}
	for _, command := range commands {
		e, err := events.NewCommand("/somebody", command)
		c.must("a command to listen to", err)
		if len(f.Sources) > 0 {
			e.SetExtension(events.ExtMetadataSource, f.Sources[0])
		}
		result, err := repo.Request(context.Background(), e)
		c.must("a command to listen to", err)
		if result.Error != nil {
			c.Fatalf("a command to listen to: %v: %s %s", result.Error, e.Type, e.Data)
		}
	}
	var last uint64
	for _, change := range repo.Changes() {
		if f.Matches(&change) {
			last = change.Sequence
		}
	}
	if last == 0 {
		c.Fatalf("the listener's Interest selects nothing of what the kit did: say in the fixture's Listened what it listens to")
	}
	return last
}

// listened are commands of which a filter selects some of the changes: for each
// type an element that is created, changed and deleted, and for each type of
// relationships one.
func (c *check) listened(f *connectors.Filter) (commands []events.Command) {
	c.Helper()
	names := f.Types
	if len(names) == 0 {
		names = []string{"Asset", "DataFile"}
	}
	for _, name := range names {
		s := events.ElementSpec{Type: name, QualifiedName: name + "::listened", Zones: f.Zones}
		for _, mark := range f.Classifications {
			s.Classifications = append(s.Classifications, events.Classification{Name: mark})
		}
		commands = append(commands, &events.Upsert{Element: s}, &events.Upsert{Element: c.changed(s)})
	}
	for _, name := range f.Relationships {
		commands = append(commands, c.linked(name)...)
	}
	for _, name := range names {
		commands = append(commands, &events.Delete{Element: events.ByName(name + "::listened")})
	}
	return commands
}

// changed returns another state of an element.
func (c *check) changed(s events.ElementSpec) events.ElementSpec {
	const name = "displayName"
	t, ok := c.types.Type(s.Type)
	if ok && slices.ContainsFunc(t.Attributes(), func(a events.AttributeDef) bool { return a.Name == name }) {
		s.Properties = events.Props(map[string]any{name: "changed"})
	} else {
		s.Zones = append(slices.Clone(s.Zones), "changed")
	}
	return s
}

// linked are commands that link two elements, and unlink them.
func (c *check) linked(name string) (commands []events.Command) {
	c.Helper()
	t, err := c.types.Relationship(name, "")
	c.must("the listener's Interest", err)
	var ends [2]events.ElementRef
	for i := range ends {
		end := events.ElementSpec{Type: t.End(i + 1).Type, QualifiedName: fmt.Sprintf("%s::listened::end%d", name, i+1)}
		commands, ends[i] = append(commands, &events.Upsert{Element: end}), end.Ref()
	}
	return append(commands,
		&events.Link{Relationship: events.RelationshipSpec{Type: name, End1: ends[0], End2: ends[1]}},
		&events.Unlink{Type: name, End1: ends[0], End2: ends[1]})
}

// takes waits until the listener is through with a change, and reports those
// that it has given up.
func (c *check) takes(repo *Repository, told *telling, last uint64, when string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	given := func() []Buried { return repo.Buried()[told.before:] }
	through := func() bool {
		return told.reached(last) || slices.ContainsFunc(given(), func(b Buried) bool { return b.Change.Sequence >= last })
	}
	if repo.Await(ctx, through) != nil {
		c.Errorf("the listener does not take all changes within %v%s", patience, when)
	}
	for _, b := range given() {
		c.Errorf("the listener gives up %s, change %d%s: %v", b.Change.Type, b.Change.Sequence, when, b.Reason)
	}
}

// telling is how far a listener is.
type telling struct {
	filter connectors.Filter
	before int // how many changes had been given up

	mu   sync.Mutex
	last uint64
}

func (t *telling) reached(sequence uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last >= sequence
}

// listen has the value listen as a host does, but from a sequence on.
func (v *value) listen(repo *Repository, from uint64) *telling {
	v.Helper()
	l, ok := v.connector.(connectors.Listener)
	if !ok {
		v.Fatalf("New makes a Listener, and then something else")
	}
	told := &telling{filter: l.Interest(), before: len(repo.Buried())}
	f := told.filter
	f.From, f.Present = from, false
	v.must("Interest", v.context.Listen(f, func(ctx context.Context, change connectors.Change) error {
		if err := l.Changed(ctx, change); err != nil {
			return err
		}
		told.mu.Lock()
		told.last = change.Sequence
		told.mu.Unlock()
		repo.look()
		return nil
	}))
	return told
}
