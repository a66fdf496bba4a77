package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

var errBroken = errors.New("broken")

func deadLetters(t *testing.T, b *bus.Bus) []events.Event {
	t.Helper()
	var list []events.Event
	err := b.Read(t.Context(), b.Topics().DeadLetterStream(), []string{b.Topics().DeadLetters()}, func(m *bus.Message) error {
		e, err := m.Event()
		list = append(list, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A listener that never takes a change must still get those after it, and the change
// must not be lost silently: it becomes one dead letter for each listener.
func TestAChangeThatAListenerRefusesIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := change(t, b, file(), "poison", "", 1)
	change(t, b, file(), "b", "", 1)
	picky := func(source string) {
		seen := &gathered[string]{}
		m := client.New(b, source)
		stop := background(t, func(ctx context.Context) error {
			return m.Follow(ctx, connectors.Filter{From: first}, func(_ context.Context, c connectors.Change) error {
				name := c.Element.Element.Header.QualifiedName
				seen.add(name)
				if name == "poison" {
					return connectors.Permanent(errBroken)
				}
				return nil
			})
		})
		if got := seen.await(t, 2); !slices.Equal(got, []string{"poison", "b"}) {
			t.Errorf("%s: got %v", source, got)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", source, err)
		}
	}
	picky("one")
	picky("one") // started anew, it is told again
	picky("other.ö")
	letters := deadLetters(t, b)
	if len(letters) != 2 {
		t.Fatalf("there are %d dead letters", len(letters))
	}
	for i, source := range []string{"one", "other.ö"} {
		e := &letters[i]
		origin, err := e.Uint(events.ExtOriginSequence)
		if err != nil || origin != first || e.Extension(events.ExtOriginStream) != b.Topics().OutStream() {
			t.Errorf("comes from %+v (%v)", e.Extensions, err)
		}
		reason := e.Extension(events.ExtReason)
		if !strings.Contains(reason, source) || !strings.Contains(reason, "broken") || e.Extension(events.ExtReasonCode) != string(events.CodeInvalid) {
			t.Errorf("the reason is %+v", e.Extensions)
		}
		if e.ID != b.Topics().OutStream()+"/"+source+"-"+e.Extension(events.ExtOriginSequence) {
			t.Errorf("its id is %q", e.ID)
		}
		if e.Extension(events.ExtOriginSubject) != "" {
			t.Error("it could be replayed, to all listeners and the repository")
		}
		if c, err := events.Unmarshal[events.ElementChange](e.Data); err != nil || c.Element.Header.QualifiedName != "poison" {
			t.Errorf("holds %s (%v)", e.Data, err)
		}
	}
}

// An error because the listener is being stopped makes no dead letter.
func TestAListenerThatIsStoppedMakesNoDeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := change(t, b, file(), "a", "", 1)
	m := client.New(b, "listener")
	called := make(chan struct{})
	stop := background(t, func(ctx context.Context) error {
		return m.Follow(ctx, connectors.Filter{From: first}, func(ctx context.Context, _ connectors.Change) error {
			close(called)
			<-ctx.Done()
			return connectors.Permanent(ctx.Err())
		})
	})
	<-called
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if letters := deadLetters(t, b); len(letters) != 0 {
		t.Errorf("got %+v", letters)
	}
}

func TestLastChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := client.New(b, "listener")
	if last, err := m.LastChange(t.Context()); err != nil || last != 0 {
		t.Errorf("got %d, %v", last, err)
	}
	change(t, b, file(), "a", "", 1)
	want := change(t, b, file(), "b", "", 1)
	if last, err := m.LastChange(t.Context()); err != nil || last != want {
		t.Errorf("got %d, %v, want %d", last, err, want)
	}
}

// A listening connector is stopped, elements change, and it is started again.
func TestAListenerMissesNothingWhileItIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	change(t, b, file(), "before", "", 1)
	seen := &gathered[string]{}
	start := func() (stop func()) {
		m := client.New(b, "c1")
		c := connectors.NewContext(connectors.Settings{
			Definition: events.Definition{ID: "c1", Name: "c1"}, Publisher: m, Asker: m, Follower: m, Positions: m,
		})
		err := c.Listen(connectors.Filter{}, func(_ context.Context, c connectors.Change) error {
			seen.add(c.Element.Element.Header.QualifiedName)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	stop := start()
	eventually(t, "its first position", func() bool {
		p, err := client.New(b, "c1").LoadPosition(t.Context(), "listener", 0)
		return err == nil && p != nil
	})
	stop()
	change(t, b, file(), "while it is down", "", 1)
	stop = start()
	change(t, b, file(), "while it is up", "", 1)
	seen.await(t, 2)
	stop()
	change(t, b, file(), "while it is down again", "", 1)
	defer start()()
	if got := seen.await(t, 3); !slices.Equal(got, []string{"while it is down", "while it is up", "while it is down again"}) {
		t.Errorf("got %q", got)
	}
}

// A listener from now on never receives changes from while it was stopped.
func TestAListenerFromNowOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m, seen := client.New(b, "c1"), &gathered[string]{}
	listens := func(name string) {
		c := connectors.NewContext(connectors.Settings{
			Definition: events.Definition{ID: "c1", Name: "c1"}, Publisher: m, Asker: m, Follower: m, Positions: m,
		})
		err := c.Listen(connectors.Filter{Now: true}, func(_ context.Context, c connectors.Change) error {
			seen.add(c.Element.Element.Header.QualifiedName)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is told", func() bool {
			change(t, b, file(), name, "", 1)
			return slices.Contains(seen.all(), name)
		})
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	change(t, b, file(), "before", "", 1)
	listens("first")
	change(t, b, file(), "while it is down", "", 1)
	listens("second")
	if got := seen.all(); slices.Contains(got, "before") || slices.Contains(got, "while it is down") {
		t.Errorf("got %q", got)
	}
	if p, err := m.LoadPosition(t.Context(), "listener", 0); err != nil || p != nil {
		t.Errorf("it keeps the position %q (%v)", p, err)
	}
}

// Listeners receive only the subjects that their filter selects.
func TestTheServerPassesOverWhatIsNotAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stream, err := b.JetStream().Stream(t.Context(), b.Topics().OutStream())
	if err != nil {
		t.Fatal(err)
	}
	elements, all := b.Topics().ElementsOf("*"), b.Topics().RelationshipsOf("*")
	for name, c := range map[string]struct {
		filter connectors.Filter
		want   []string
	}{
		"everything":             {connectors.Filter{}, []string{elements, all}},
		"types":                  {connectors.Filter{Types: []string{"DataFile"}}, []string{elements, all}},
		"relationships":          {connectors.Filter{Relationships: []string{"NestedFile", "DataFlow", "NestedFile"}}, []string{all}},
		"one":                    {connectors.Filter{Relationships: []string{"NestedFile"}, Present: true}, []string{all}},
		"types and one":          {connectors.Filter{Relationships: []string{"NestedFile"}, Types: []string{"DataFile"}}, []string{elements, all}},
		"a classification":       {connectors.Filter{Classifications: []string{"Secret"}}, []string{elements}},
		"changes of elements":    {connectors.Filter{Changes: []string{events.TypeElementDeleted}}, []string{elements}},
		"all relationships":      {connectors.Filter{Changes: []string{connectors.AnyRelationshipChange}}, []string{all}},
		"changes of both":        {connectors.Filter{Changes: []string{events.TypeElementDeleted, events.TypeRelationshipDeleted}}, []string{elements, all}},
		"deletions of one":       {connectors.Filter{Changes: []string{events.TypeRelationshipDeleted}, Relationships: []string{"NestedFile"}}, []string{all}},
		"relationships by types": {connectors.Filter{Changes: []string{connectors.AnyRelationshipChange}, Types: []string{"NestedFile"}}, []string{all}},
	} {
		m := client.New(b, "listener")
		stop := background(t, func(ctx context.Context) error {
			return m.Follow(ctx, c.filter, func(context.Context, connectors.Change) error { return nil })
		})
		var got []string
		eventually(t, "a consumer for "+name, func() bool {
			got = nil
			for info := range stream.ListConsumers(t.Context()).Info() {
				got = append(got, info.Config.FilterSubjects...)
				if info.Config.FilterSubject != "" {
					got = append(got, info.Config.FilterSubject)
				}
			}
			return got != nil
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: it asks for %q, want %q", name, got, c.want)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestAFilterThatSelectsNothingIsRefused(t *testing.T) {
	t.Parallel()
	err := client.New(setup(t), "listener").Follow(t.Context(), connectors.Filter{Types: []string{"*"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "leave the names out") {
		t.Errorf("got %v", err)
	}
}

func TestRelationshipsAreFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	link := func(kind, change string) {
		r := &events.Relationship{Header: events.ElementHeader{GUID: events.GUIDOf(kind), Type: events.ElementType{Name: kind}}}
		e, err := events.New("/repository", change, events.RelationshipChange{Relationship: r})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(t.Context(), b.Topics().Relationship(kind, r.Header.GUID), &e); err != nil {
			t.Fatal(err)
		}
	}
	first := change(t, b, file(), "a", "", 1)
	link("DataFlow", events.TypeRelationshipCreated)
	link("NestedFile", events.TypeRelationshipCreated)
	link("NestedFile", events.TypeRelationshipRestored)
	seen, m := &gathered[string]{}, client.New(b, "listener")
	background(t, func(ctx context.Context) error {
		f := connectors.Filter{Relationships: []string{"NestedFile"}, From: first}
		return m.Follow(ctx, f, func(_ context.Context, c connectors.Change) error {
			seen.add(c.Relationship.Relationship.Header.Type.Name + " " + c.Type)
			return nil
		})
	})
	want := []string{"NestedFile " + events.TypeRelationshipCreated, "NestedFile " + events.TypeRelationshipRestored}
	if got := seen.await(t, 2); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
