package connectors_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

var someCommand = &events.Delete{Element: events.ByName("a")}

// calls are all the ways in which a connector uses its Context.
func calls(ctx context.Context, c *connectors.Context) map[string]func() error {
	return map[string]func() error{
		"Send":      func() error { return c.Send(ctx, someCommand) },
		"SendIn":    func() error { return c.SendIn(ctx, "scope", someCommand) },
		"Apply":     func() error { _, err := c.Apply(ctx, someCommand); return err },
		"Reconcile": func() error { _, err := c.Reconcile(ctx, "scope", wanted("a")); return err },
		"Element":   func() error { _, err := c.Element(ctx, events.ByName("a")); return err },
		"Get":       func() error { _, err := events.Ask(ctx, c, &events.Get{ElementRef: events.ByName("a")}); return err },
		"Find": func() error {
			for _, err := range events.All(ctx, c, &events.Find{}) {
				return err
			}
			return nil
		},
		"Related": func() error {
			for _, err := range events.All(ctx, c, &events.Related{}) {
				return err
			}
			return nil
		},
		"LoadPosition": func() error { _, err := c.LoadPosition(ctx, "k"); return err },
		"SavePosition": func() error { return c.SavePosition(ctx, "k", nil) },
		"Listen": func() error {
			return c.Listen(connectors.Filter{}, func(context.Context, connectors.Change) error { return nil })
		},
	}
}

func TestNothingWorksAfterClose(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 1)
	for range 2 { // twice does no harm
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range calls(t.Context(), c) {
		if err := call(); !errors.Is(err, connectors.ErrDisconnected) {
			t.Errorf("%s: got %v, want %v", name, err, connectors.ErrDisconnected)
		}
	}
	c.Go(func(context.Context) { t.Error("Go runs after Close") })
	if sent := b.taken(); sent != nil {
		t.Errorf("sent %v", sent)
	}
}

func TestDirectionIsKept(t *testing.T) {
	t.Parallel()
	writes := map[string]bool{"Send": true, "SendIn": true, "Apply": true, "Reconcile": true}
	for _, direction := range []events.PermittedSynchronization{events.SyncTo, events.SyncFrom, events.SyncBoth, ""} {
		c, b := setup(t, events.Definition{PermittedSynchronization: direction}, 1)
		b.elements = []events.Element{{Header: events.ElementHeader{QualifiedName: "a"}}}
		for name, call := range calls(t.Context(), c) {
			refused := direction == events.SyncTo && writes[name]
			if err := call(); errors.Is(err, connectors.ErrDirection) != refused || !refused && err != nil {
				t.Errorf("%s, %s: got %v", direction, name, err)
			}
		}
		if direction == events.SyncTo && b.taken() != nil {
			t.Error("something was sent, if only a fence")
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// The fence is sent once, and before the first command, however many callers
// come at the same time.
func TestFence(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{ID: "c-1"}, 7)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if err := c.Send(t.Context(), someCommand); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if _, err := c.Apply(t.Context(), someCommand); err != nil {
		t.Fatal(err)
	}
	want := []events.Command{&events.Fence{Connector: "c-1", Generation: 7}}
	for range 9 {
		want = append(want, someCommand)
	}
	if diff := cmp.Diff(want, b.taken()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoCommandPassesAFenceThatFailed(t *testing.T) {
	t.Parallel()
	down := errors.New("nobody answers")
	stale := events.Errorf(events.CodeStale, "", "generation 8 runs elsewhere")
	for name, refuse := range map[string]func(events.Command) (events.Result, error){
		"no answer": func(events.Command) (events.Result, error) { return events.Result{}, down },
		"refused":   func(events.Command) (events.Result, error) { return events.Result{Error: stale}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, b := setup(t, events.Definition{}, 7)
			b.refuse = refuse
			err := c.Send(t.Context(), someCommand)
			if !errors.Is(err, down) && events.CodeOf(err) != events.CodeStale || !strings.HasPrefix(err.Error(), "fence: ") {
				t.Errorf("got %v", err)
			}
			b.refuse = nil
			if err := c.Send(t.Context(), someCommand); err != nil {
				t.Fatal(err)
			}
			fence := &events.Fence{Connector: "id", Generation: 7}
			if diff := cmp.Diff([]events.Command{fence, fence, someCommand}, b.taken()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutGenerationThereIsNoFence(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	if err := c.Send(t.Context(), someCommand); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]events.Command{someCommand}, b.taken()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCommandsSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{ID: "c-1", Name: "100% [ä]/b", User: "erin", MetadataSource: "db"}, 7)
	if err := c.SendIn(t.Context(), "sales", someCommand); err != nil {
		t.Fatal(err)
	}
	e := b.sent[1]
	want := map[string]string{
		events.ExtActor: "erin", events.ExtConnector: "c-1", events.ExtGeneration: "7",
		events.ExtMetadataSource: "db", events.ExtScope: "sales",
	}
	if diff := cmp.Diff(want, e.Extensions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e.Source != "/connectors/100%25%20%5B%C3%A4%5D%2Fb" {
		t.Errorf("source: got %s", e.Source)
	}
	c, b = setup(t, events.Definition{Name: "files"}, 0)
	if err := c.Send(t.Context(), someCommand); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{events.ExtActor: "files"}, b.sent[0].Extensions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInvalidCommandsStopTheRest(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	err := c.Send(t.Context(), someCommand, &events.Delete{}, someCommand)
	if events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]events.Command{someCommand}, b.taken()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := c.Apply(t.Context(), &events.Delete{}); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("got %v", err)
	}
}

func TestReadsReflectWrites(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	read := func() uint64 {
		if _, err := c.Element(t.Context(), events.ByName("a")); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v", err)
		}
		return b.asked[len(b.asked)-1]
	}
	if got := read(); got != 0 {
		t.Errorf("before any write: got %d", got)
	}
	for want := uint64(1); want < 4; want++ {
		if _, err := c.Apply(t.Context(), someCommand); err != nil {
			t.Fatal(err)
		}
		if got := read(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	b.refuse = func(events.Command) (events.Result, error) {
		return events.Result{Sequence: 9, Error: events.Errorf(events.CodeConflict, "/element", "taken")}, nil
	}
	if _, err := c.Apply(t.Context(), someCommand); events.CodeOf(err) != events.CodeConflict {
		t.Errorf("got %v", err)
	}
	if got := read(); got != 9 {
		t.Errorf("after a refusal: got %d, want 9", got)
	}
	if _, err := c.Element(t.Context(), events.ByName("broken")); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

// A sequence of results crosses pages, can be left, and be ranged over again.
func TestFindPages(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	b.pages = 2
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		b.elements = append(b.elements, events.Element{Header: events.ElementHeader{QualifiedName: name}})
	}
	found, related := events.All(t.Context(), c, &events.Find{}), events.All(t.Context(), c, &events.Related{})
	for range 2 {
		var names strings.Builder
		for e, err := range found {
			if err != nil {
				t.Fatal(err)
			}
			names.WriteString(e.Header.QualifiedName)
		}
		for r, err := range related {
			if err != nil {
				t.Fatal(err)
			}
			names.WriteString(r.Element.Header.QualifiedName)
		}
		if names.String() != "abcdeabcde" {
			t.Errorf("got %s", &names)
		}
	}
	before := len(b.asked)
	for e, err := range found {
		if err != nil {
			t.Fatal(err)
		}
		if e.Header.QualifiedName == "c" {
			break
		}
	}
	if got := len(b.asked) - before; got != 2 {
		t.Errorf("%d pages were read, want 2", got)
	}
}

func tableChange(name string) connectors.Change {
	return connectors.Change{Type: events.TypeElementCreated, Element: &events.ElementChange{
		Element: &events.Element{Header: events.ElementHeader{QualifiedName: name, Type: events.ElementType{Name: "Table"}}},
	}}
}

func TestListenUntilClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, b := setup(t, events.Definition{}, 0)
		var seen []string
		failures := 2
		err := c.Listen(connectors.Filter{Types: []string{"Table"}}, func(_ context.Context, change connectors.Change) error {
			failures--
			switch failures {
			case 1:
				return errors.New("not yet")
			case 0:
				panic("not yet")
			}
			seen = append(seen, change.Element.Element.Header.QualifiedName)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "c"} {
			b.changes <- tableChange(name)
		}
		synctest.Wait()
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, seen); diff != "" {
			t.Errorf("an error or panic loses a change (-want +got):\n%s", diff)
		}
		if problems := c.Problems(); len(problems) != 0 {
			t.Errorf("closing is a problem: %v", problems)
		}
	})
}

func TestALostStreamIsAProblem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, b := setup(t, events.Definition{}, 0)
		close(b.changes)
		if err := c.Listen(connectors.Filter{}, func(context.Context, connectors.Change) error { return nil }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := c.Problems()["listener"]; got != "the stream is gone" {
			t.Errorf("got %q", got)
		}
	})
}

func TestGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := setup(t, events.Definition{}, 0)
		var cause error
		c.Go(func(ctx context.Context) {
			<-ctx.Done()
			cause = context.Cause(ctx)
		})
		c.Go(func(context.Context) { panic("boom") })
		synctest.Wait()
		if got := c.Problems()["panic"]; got != "panic: boom" {
			t.Errorf("got %q", got)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(cause, connectors.ErrDisconnected) {
			t.Errorf("the cause is %v", cause)
		}
	})
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := setup(t, events.Definition{}, 0)
		release := make(chan struct{})
		c.Go(func(context.Context) { <-release })
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("enough"))
		if err := c.Close(ctx); err == nil || !strings.Contains(err.Error(), "does not return: enough") {
			t.Errorf("got %v", err)
		}
		close(release)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestGoAndCloseAtTheSameTime(t *testing.T) {
	t.Parallel()
	for range 50 {
		c, _ := setup(t, events.Definition{}, 0)
		var running atomic.Int64
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				c.Go(func(ctx context.Context) {
					running.Add(1)
					<-ctx.Done()
					running.Add(-1)
				})
			})
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := running.Load(); n != 0 {
			t.Fatalf("%d still run after Close", n)
		}
		callers.Wait()
	}
}

func TestStatisticsAndProblems(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{ID: "c-1"}, 0)
	c.Count("read", 2)
	c.Count("read", 3)
	c.Problem("/data", "permission denied")
	c.Problem("/tmp", "gone")
	c.Problem("/tmp", "")
	statistics, problems := c.Statistics(), c.Problems()
	if diff := cmp.Diff(map[string]int64{"read": 5}, statistics); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"/data": "permission denied"}, problems); diff != "" {
		t.Error(diff)
	}
	clear(statistics)
	clear(problems)
	if len(c.Statistics()) != 1 || len(c.Problems()) != 1 {
		t.Error("the caller changes the original")
	}
	if err := c.SavePosition(t.Context(), "k", []byte("5")); err != nil {
		t.Fatal(err)
	}
	if got, err := c.LoadPosition(t.Context(), "k"); string(got) != "5" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.LoadPosition(t.Context(), "other"); got != nil || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if c.Node() != "node" || c.Definition().ID != "c-1" || c.Logger() == nil || len(b.position) != 1 {
		t.Error("the settings are not handed on")
	}
}
