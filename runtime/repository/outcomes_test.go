package repository_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// send sends a command without waiting for its outcome, and returns its id.
func (b *bundle) send(t *testing.T, c events.Command) (id string) {
	t.Helper()
	e, err := events.NewCommand("/test", c)
	if err != nil {
		t.Fatal(err)
	}
	e.SetExtension(events.ExtReplyTo, "_INBOX.lost")
	if err := b.metadata.Send(t.Context(), slices.Values([]events.Event{e})); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// The sender of a command whose outcome was lost asks for it: sending the command
// again would be refused, or change something else.
func TestOutcomesAreToldAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	create := &events.Create{Element: events.ElementSpec{Type: "Asset", QualifiedName: "a"}}
	created, refused := b.send(t, create), b.send(t, create)
	deleted := b.send(t, &events.Delete{Element: events.ByName("none")})
	ask := func(id string) events.Result {
		t.Helper()
		return b.apply(t, &events.Flush{OutcomeOf: id})
	}
	first := ask(created)
	if first.Error != nil || !first.Changed || first.GUID != events.GUIDOf("a") || first.Version != 1 || first.Sequence == 0 {
		t.Errorf("of what was created: %+v", first)
	}
	if r := ask(refused); events.CodeOf(r.Error) != events.CodeConflict {
		t.Errorf("of what was refused: %+v", r)
	}
	if r := ask(deleted); r.Error != nil || r.Changed {
		t.Errorf("of what changed nothing: %+v", r)
	}
	if diff := cmp.Diff(ask(created), first); diff != "" {
		t.Error(diff)
	}
	if r := ask("never sent"); events.CodeOf(r.Error) != events.CodeUnavailable || r.Error.Pointer != "/outcomeOf" {
		t.Errorf("of what was never sent: %+v", r)
	}
}

// A new writer knows the outcomes of what its predecessor applied last.
func TestOutcomesAreToldByTheNextWriter(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	b.connect(t)
	stop := b.start(t)
	create := &events.Create{Element: events.ElementSpec{Type: "Asset", QualifiedName: "a"}}
	created, refused := b.send(t, create), b.send(t, create)
	b.apply(t, &events.Flush{})
	stop()
	b.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.repo.Await(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if r := b.apply(t, &events.Flush{OutcomeOf: created}); r.Error != nil || !r.Changed || r.GUID != events.GUIDOf("a") {
		t.Errorf("of what was created: %+v", r)
	}
	if r := b.apply(t, &events.Flush{OutcomeOf: refused}); events.CodeOf(r.Error) != events.CodeConflict {
		t.Errorf("of what was refused: %+v", r)
	}
}
