package connectortest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// takesChanges lets a listener handle changes, and then a new value handle all of them
// again, as after a crash.
func (c *check) takesChanges() {
	repo := c.repository()
	last := c.listens(repo, 0, "")
	c.listens(repo, last, " when it is told again")
}

// listens lets a new value handle all changes up to the last one, and returns its
// sequence; with 0 it makes the changes first.
func (c *check) listens(repo *Repository, last uint64, when string) uint64 {
	c.Helper()
	v := c.start(repo)
	defer v.stop()
	interest, handled := v.listen(repo)
	if last == 0 {
		last = c.cause(repo, interest)
	}
	c.takes(repo, handled, last, when)
	return last
}

// cause makes changes and returns the sequence of the last one that the filter selects.
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

// listened returns commands with changes that a filter selects: an element of each type
// is created, changed and deleted, and a relationship of each type linked and unlinked.
func (c *check) listened(f *connectors.Filter) (commands []events.Command) {
	c.Helper()
	names := f.Types
	if len(names) == 0 {
		names = []string{"Asset", "DataFile"}
	}
	for _, name := range names {
		created := events.ElementSpec{Type: name, QualifiedName: name + "::listened", Zones: f.Zones}
		for _, mark := range f.Classifications {
			created.Classifications = append(created.Classifications, events.Classification{Name: mark})
		}
		changed := created
		changed.Zones = append(slices.Clone(f.Zones), "changed")
		commands = append(commands, &events.Upsert{Element: created}, &events.Upsert{Element: changed})
	}
	for _, name := range f.Relationships {
		commands = append(commands, c.linked(name)...)
	}
	for _, name := range names {
		commands = append(commands, &events.Delete{Element: events.ByName(name + "::listened")})
	}
	return commands
}

// linked returns commands that link and unlink two elements.
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

// takes waits until the listener has handled or given up the last change, and reports
// the changes that it has given up.
func (c *check) takes(repo *Repository, handled *atomic.Uint64, last uint64, when string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	gaveUp := func(d DeadLetter) bool { return d.Change.Sequence >= last }
	through := func() bool { return handled.Load() >= last || slices.ContainsFunc(repo.DeadLetters(), gaveUp) }
	if repo.Await(ctx, through) != nil {
		c.Errorf("the listener does not take all changes within %v%s", callTimeout, when)
	}
	for _, d := range repo.DeadLetters() {
		c.Errorf("the listener gives up %s, change %d%s: %v", d.Change.Type, d.Change.Sequence, when, d.Reason)
	}
}

// listen lets the value listen as a host does, but from the first change on. It returns
// the listener's interest and the sequence of the last handled change.
func (v *value) listen(repo *Repository) (connectors.Filter, *atomic.Uint64) {
	v.Helper()
	l, ok := v.connector.(connectors.Listener)
	if !ok {
		v.Fatalf("New makes a Listener, and then something else")
	}
	interest, handled := l.Interest(), new(atomic.Uint64)
	f := interest
	f.From, f.Present = 1, false
	v.must("Interest", v.context.Listen(f, func(ctx context.Context, change connectors.Change) error {
		if err := l.Changed(ctx, change); err != nil {
			return err
		}
		handled.Store(change.Sequence)
		locked(repo, func() any { repo.wake(); return nil })
		return nil
	}))
	return interest, handled
}
