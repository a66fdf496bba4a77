package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/topics"
)

func command(t *testing.T, name string) events.Event {
	t.Helper()
	e, err := events.NewCommand("/test", &events.Upsert{Element: events.ElementSpec{Type: "DataFile", QualifiedName: name}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestARequestThatNobodyAnswersIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := client.New(b, "someone").Request(ctx, command(t, "a"))
	if events.CodeOf(err) != events.CodeUnavailable || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stored and will be applied") {
		t.Errorf("got %v", err)
	}
	if state, err := b.StreamState(t.Context(), b.Topics().InStream()); err != nil || state.Msgs != 1 {
		t.Errorf("the in topic holds %d commands (%v)", state.Msgs, err)
	}
}

func TestAQuestionThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	within(t, 5*time.Second, "saying so", func() {
		_, err := events.Ask(t.Context(), client.New(b, "someone"), &events.Get{ElementRef: events.ByName("a")})
		if events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "role running") {
			t.Errorf("got %v", err)
		}
	})
}

func TestASenderWithoutNameIsRefused(t *testing.T) {
	t.Parallel()
	c := client.New(setup(t), "")
	if _, err := c.Request(t.Context(), command(t, "a")); err == nil {
		t.Error("it requests")
	}
	if err := c.Send(t.Context(), commands(t, 1)); err == nil {
		t.Error("it sends")
	}
	if err := c.SavePosition(t.Context(), "k", 0, nil); err == nil {
		t.Error("it saves a position")
	}
}

// answers serves a question until the test ends.
func answers(t *testing.T, b *bus.Bus, verb string, handler micro.Handler) {
	t.Helper()
	service, err := micro.AddService(b.Conn(), micro.Config{Name: "test", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Stop() })
	if err := service.AddEndpoint(verb, handler, micro.WithEndpointSubject(b.Topics().API(topics.RepositoryService, verb))); err != nil {
		t.Fatal(err)
	}
}

// Every kind of answer of a service arrives as it is.
func TestAnswersAndRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answers(t, b, "get", bus.Answer(b, func(q events.Get) (events.ElementAnswer, error) {
		switch q.QualifiedName {
		case "plain":
			return events.ElementAnswer{}, errors.New("a plain\nerror")
		case "typed":
			return events.ElementAnswer{}, events.Errorf(events.CodeNotFound, "/x", "typed\r\nX-Injected: 1")
		default:
			return events.ElementAnswer{Sequence: 7}, nil
		}
	}))
	m := client.New(b, "someone")
	get := func(name string) (events.ElementAnswer, error) {
		return events.Ask(t.Context(), m, &events.Get{ElementRef: events.ByName(name)})
	}
	if a, err := get("a"); err != nil || a.Sequence != 7 {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := get("plain"); events.CodeOf(err) != events.CodeUnavailable || !strings.Contains(err.Error(), "a plain\nerror") {
		t.Errorf("got %v", err)
	}
	var refusal *events.Error
	if _, err := get("typed"); !errors.As(err, &refusal) || refusal.Code != events.CodeNotFound || refusal.Pointer != "/x" {
		t.Errorf("got %v", err)
	}
	_, err := bus.Call[events.ElementAnswer](t.Context(), b, b.Topics().API(topics.RepositoryService, "get"), map[string]any{"guit": "x"})
	if events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), "/guit") {
		t.Errorf("a question with an unknown field: %v", err)
	}
}

// changed returns a change event of an element; size 0 deletes it.
func changed(tb testing.TB, b *bus.Bus, typ events.ElementType, name, source string, size int) (subject string, e events.Event) {
	tb.Helper()
	state := &events.Element{
		Header: events.ElementHeader{
			GUID: events.GUIDOf(name), Type: typ, QualifiedName: name, Origin: events.Origin{Source: source},
			Versions: events.Versions{Version: 1},
		},
		Properties: events.Props(map[string]any{"size": size}),
	}
	c, eventType := events.ElementChange{Element: state}, events.TypeElementUpdated
	if size == 0 {
		c, eventType = events.ElementChange{Previous: state}, events.TypeElementDeleted
	}
	e, err := events.New("/repository", eventType, c)
	if err != nil {
		tb.Fatal(err)
	}
	e.SetExtension(events.ExtActor, "anna")
	return b.Topics().Element(typ.Name, state.Header.GUID), e
}

// change publishes a change event of an element.
func change(tb testing.TB, b *bus.Bus, typ events.ElementType, name, source string, size int) uint64 {
	tb.Helper()
	subject, e := changed(tb, b, typ, name, source, size)
	sequence, err := b.Publish(tb.Context(), subject, &e)
	if err != nil {
		tb.Fatal(err)
	}
	return sequence
}

func file() events.ElementType {
	return events.ElementType{Name: "CSVFile", SuperTypes: []string{"DataFile", "Asset"}}
}

func folder() events.ElementType {
	return events.ElementType{Name: "FileFolder", SuperTypes: []string{"Asset"}}
}

// listen gathers the names of changed elements, with "-" before deleted ones.
func listen(t *testing.T, b *bus.Bus, f connectors.Filter) *gathered[string] {
	t.Helper()
	seen := &gathered[string]{}
	m := client.New(b, "listener")
	background(t, func(ctx context.Context) error {
		return m.Follow(ctx, f, func(_ context.Context, c connectors.Change) error {
			name := c.Element.State().Header.QualifiedName
			if c.Element.Element == nil {
				name = "-" + name
			}
			seen.add(name)
			return nil
		})
	})
	return seen
}

func TestListenersAreToldWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := change(t, b, file(), "a", "", 1)
	change(t, b, folder(), "b", "theirs", 1)
	change(t, b, file(), "c", "theirs", 1)
	change(t, b, file(), "a", "", 0)
	change(t, b, file(), "z", "", 1)
	for name, c := range map[string]struct {
		filter connectors.Filter
		want   []string
	}{
		"everything from a sequence": {connectors.Filter{From: first}, []string{"a", "b", "c", "-a", "z"}},
		"from a later one":           {connectors.Filter{From: first + 2}, []string{"c", "-a", "z"}},
		"a type":                     {connectors.Filter{From: first, Types: []string{"FileFolder"}}, []string{"b"}},
		"a super type":               {connectors.Filter{From: first, Types: []string{"DataFile"}}, []string{"a", "c", "-a", "z"}},
		"a source":                   {connectors.Filter{From: first, Sources: []string{"theirs"}}, []string{"b", "c"}},
		"both":                       {connectors.Filter{From: first, Types: []string{"DataFile"}, Sources: []string{"theirs"}}, []string{"c"}},
		"what is present":            {connectors.Filter{Present: true}, []string{"b", "c", "z"}},
	} {
		seen := listen(t, b, c.filter)
		if got := seen.await(t, len(c.want)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// The present state is delivered once, then every change, while changes go on.
func TestPresentThenLiveHasNoGapAndNoRepeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 300
	for i := range n {
		change(t, b, file(), "f"+string(rune('a'+i%26)), "", i+1)
	}
	type told struct {
		sequence uint64
		gone     bool
	}
	seen := &gathered[told]{}
	m := client.New(b, "listener")
	background(t, func(ctx context.Context) error {
		return m.Follow(ctx, connectors.Filter{Present: true}, func(_ context.Context, c connectors.Change) error {
			seen.add(told{c.Sequence, c.Element.Element == nil})
			return nil
		})
	})
	var last uint64
	for i := range n {
		last = change(t, b, file(), "f"+string(rune('a'+i%26)), "", (i+1)%50)
	}
	eventually(t, "the last change", func() bool {
		all := seen.all()
		return len(all) > 0 && all[len(all)-1].sequence == last
	})
	all := seen.all()
	for i, s := range all {
		if i > 0 && s.sequence <= all[i-1].sequence {
			t.Fatalf("%d follows %d", s.sequence, all[i-1].sequence)
		}
	}
	tail := all[slices.IndexFunc(all, func(s told) bool { return s.sequence >= last-100 }):]
	for i, s := range tail {
		if want := tail[0].sequence + uint64(i); s.sequence != want {
			t.Fatalf("%d was not told", want)
		}
	}
}

func TestAListenerThatFailsIsToldAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := change(t, b, file(), "a", "", 1)
	change(t, b, file(), "b", "", 1)
	m := client.New(b, "listener")
	seen := &gathered[string]{}
	var asked time.Time
	background(t, func(ctx context.Context) error {
		failures := 0
		return m.Follow(ctx, connectors.Filter{From: first}, func(_ context.Context, c connectors.Change) error {
			seen.add(c.Element.Element.Header.QualifiedName)
			failures++
			switch failures {
			case 1:
				return errors.New("broken")
			case 2:
				asked = time.Now()
				return connectors.RetryAfter(errors.New("busy"), 700*time.Millisecond)
			case 3:
				if waited := time.Since(asked); waited < 700*time.Millisecond {
					t.Errorf("it was asked again after %s", waited)
				}
			}
			return nil
		})
	})
	if got := seen.await(t, 4); !slices.Equal(got, []string{"a", "a", "a", "b"}) {
		t.Errorf("got %v", got)
	}
}

func TestListenersSkipWhatIsNoChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := publish(t, b, element(b, uuid.NewString()), "not a change")
	fence, err := events.New("/repository", events.TypeConnectorFenced, events.Fence{Connector: "c", Generation: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), b.Topics().Fence("c"), &fence); err != nil {
		t.Fatal(err)
	}
	if _, err := b.JetStream().PublishMsg(t.Context(), &nats.Msg{Subject: element(b, uuid.NewString()), Data: []byte("no event")}); err != nil {
		t.Fatal(err)
	}
	change(t, b, file(), "a", "", 1)
	if got := listen(t, b, connectors.Filter{From: first}).await(t, 1); !slices.Equal(got, []string{"a"}) {
		t.Errorf("got %v", got)
	}
}

func TestPositionsAreOfTheirSender(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	one, other := client.New(b, "one.a b"), client.New(b, "other")
	if p, err := one.LoadPosition(ctx, "k", 0); err != nil || p != nil {
		t.Errorf("before any was saved: %q, %v", p, err)
	}
	for _, key := range []string{"k", "a.b *>", ""} {
		for _, v := range []string{"first", "\x00\xff second"} {
			if err := one.SavePosition(ctx, key, 0, []byte(v)); err != nil {
				t.Fatal(err)
			}
			if p, err := one.LoadPosition(ctx, key, 0); err != nil || string(p) != v {
				t.Errorf("%q: got %q, %v, want %q", key, p, err, v)
			}
		}
	}
	if p, err := other.LoadPosition(ctx, "k", 0); err != nil || p != nil {
		t.Errorf("somebody else's: %q, %v", p, err)
	}
}

func element(b *bus.Bus, guid string) string { return b.Topics().Element("DataFile", guid) }

func TestDeadLettersAlwaysFit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	long := strings.Repeat("\"ö ", 30<<10)
	for name, l := range map[string]client.Rejection{
		"plain":             {Data: []byte("body"), Header: nats.Header{"Ce-Id": {"1"}}, Reason: events.Errorf(events.CodeInvalid, "/x", "wrong")},
		"a long reason":     {Data: []byte("body"), Reason: events.Errorf(events.CodeInvalid, long, "%s", long)},
		"many headers":      {Data: []byte("body"), Header: nats.Header{"X": {long[:60<<10]}}, Reason: events.Errorf(events.CodeInvalid, "", "wrong")},
		"all of it":         {Data: make([]byte, b.MaxPayload()), Header: nats.Header{"X": {long[:12<<10]}}, Subject: long[:4<<10], Reason: events.Errorf(events.CodeInvalid, long, "%s", long)},
		"the largest body":  {Data: make([]byte, b.MaxPayload()), Reason: events.Errorf(events.CodeTooLarge, "", "x")},
		"a reason of bytes": {Reason: events.Errorf(events.CodeInvalid, "\xff", "\xff\x00\n")},
	} {
		l.Stream, l.Sequence, l.MaxPayload = b.Topics().InStream(), 1, b.MaxPayload()
		m, err := l.DeadLetter(b.Topics().DeadLetter(l.Stream, 1))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := b.PublishMessage(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		e, err := events.Decode(m.Header, m.Data)
		if err != nil || e.Extension(events.ExtReasonCode) != string(l.Reason.Code) || e.Extension(events.ExtReason) == "" {
			t.Errorf("%s: got %+v, %v", name, e.Extensions, err)
		}
		if name == "plain" && (string(e.Data) != "body" || e.Extension(events.ExtOriginHeaders) != `{"Ce-Id":["1"]}`) {
			t.Errorf("got %+v", e)
		}
	}
}
