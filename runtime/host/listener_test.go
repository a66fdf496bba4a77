package host_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/host"
)

func listens(d *events.Definition) { d.Kind = "listening" }

// TestAFailingListenerShows: a connector that does nothing but listen has no
// refresh with which its status would be told.
func TestAFailingListenerShows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	broken := errBroken
	s := &script{changed: func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		return broken
	}}
	core(t, s, func(t *bubble, c *host.Core, r *recorder) {
		c.Assigned("c1", assignment("c1", 1, listens))
		wait(0)
		if got := r.report("c1"); got.Status != events.StatusWaiting || !slices.Equal(got.Problems, []string{"listener: broken"}) {
			t.Errorf("is %s with %q", got.Status, got.Problems)
		}
		mu.Lock()
		broken = nil
		mu.Unlock()
		wait(2 * time.Second)
		if got := r.report("c1"); got.Status != events.StatusWaiting || len(got.Problems) != 0 {
			t.Errorf("is %s with %q", got.Status, got.Problems)
		}
	})
}

// TestAListenerThatMovesMissesNothing: changes come while no host runs it.
func TestAListenerThatMovesMissesNothing(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	var mu sync.Mutex
	var told []string
	s := &script{changed: func(context.Context) error { return nil }, told: func(c connectors.Change) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, c.Element.State().Header.QualifiedName)
	}}
	in.host(t, "a", s)
	in.host(t, "b", s)
	d := assignment("c1", 1, listens).Definition
	in.assign(t, &events.Assignment{Definition: d, Node: "a", Generation: 1})
	m := client.New(in.bus, "c1")
	until(t, "it listens", func() bool {
		p, err := m.LoadPosition(t.Context(), "listener", 0)
		return err == nil && p != nil
	})
	change := func(name string) {
		state := events.Element{Header: events.ElementHeader{
			GUID: events.GUIDOf(name), Type: events.ElementType{Name: "DataFile"}, QualifiedName: name,
		}}
		e, err := events.New("/repository", events.TypeElementCreated, events.ElementChange{Element: &state})
		check(t, err)
		_, err = in.bus.Publish(t.Context(), in.bus.Topics().Element("DataFile", state.Header.GUID), &e)
		check(t, err)
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(told)
	}
	for i := range 3 {
		change(fmt.Sprint("on a ", i))
	}
	until(t, "what comes on a", func() bool { return count() == 3 })
	in.assign(t, &events.Assignment{Definition: d, From: "a", Generation: 2})
	until(t, "a lets go", func() bool { return in.report(t, "c1").Status == events.StatusStopped })
	change("between")
	in.assign(t, &events.Assignment{Definition: d, Node: "b", Generation: 3})
	until(t, "what came between", func() bool { return count() == 4 })
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"on a 0", "on a 1", "on a 2", "between"}; !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
}
