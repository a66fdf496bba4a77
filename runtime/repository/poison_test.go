package repository_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// letters returns the dead letters, oldest first.
func (b *bundle) letters(t *testing.T) (list []events.Event) {
	t.Helper()
	err := b.bus.Read(t.Context(), b.bus.Topics().DeadLetterStream(), []string{b.bus.Topics().DeadLetters()}, func(m *bus.Message) error {
		e, err := m.Event()
		list = append(list, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// raw publishes a message to the in topic as it is.
func (b *bundle) raw(t *testing.T, header map[string]string, body []byte) {
	t.Helper()
	m := nats.NewMsg(b.bus.Topics().Commands("stranger"))
	for name, value := range header {
		m.Header[name] = []string{value}
	}
	m.Data = body
	if _, err := b.bus.JetStream().PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// headers are those of a command in binary mode, with others set or, when
// empty, removed.
func headers(typ string, others ...string) map[string]string {
	h := map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/stranger", "ce-type": typ}
	for i := 0; i+1 < len(others); i += 2 {
		h[others[i]] = others[i+1]
		if others[i+1] == "" {
			delete(h, others[i])
		}
	}
	return h
}

// Whatever comes in, it becomes a dead letter with a reason, and the writer
// goes on.
func TestNothingThatComesInStopsTheWriter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	structured := func(typ, data, extension, value string) []byte {
		return []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"` + typ + `","` + extension + `":"` + value + `","data":` + data + `}`)
	}
	long := strings.Repeat("x", 200<<10)
	element := `{"element":{"type":"DataFile","qualifiedName":"victim"}}`
	for _, c := range []struct {
		name    string
		header  map[string]string
		body    string
		code    events.Code
		pointer string
		reason  string
	}{
		{"nothing", nil, "", events.CodeInvalid, "", ""},
		{"not JSON", nil, "hello", events.CodeInvalid, "", ""},
		{"JSON that is no event", nil, `{"a":1}`, events.CodeInvalid, "specversion", "missing"},
		{"half an event", nil, `{"specversion":"1.0","id":"1"`, events.CodeInvalid, "", "ends too early"},
		{"another version of CloudEvents", headers(events.TypeUpsertElement, "ce-specversion", "0.3"), element, events.CodeInvalid, "specversion", "0.3"},
		{"no source", headers(events.TypeUpsertElement, "ce-source", ""), element, events.CodeInvalid, "source", ""},
		{"no command", headers("io.camena.cycle.due.v1"), `{}`, events.CodeInvalid, "type", "io.camena.cycle.due.v1"},
		{"an unknown field", headers(events.TypeUpsertElement), `{"element":{"type":"DataFile","nam":"x"}}`, events.CodeInvalid, "/element/nam", "unknown field"},
		{"a wrong type", headers(events.TypeUpsertElement), `{"element":{"type":7}}`, events.CodeInvalid, "/element/type", "expected"},
		{"properties that are none", headers(events.TypeUpsertElement), `{"element":{"type":"DataFile","properties":[]}}`, events.CodeInvalid, "/element/properties", "object"},
		{"a relationship to nothing", headers(events.TypeLinkElements), `{"relationship":{"type":"NestedFile","end1":{"qualifiedName":"no"},"end2":{"qualifiedName":"no"}}}`, events.CodeNotFound, "/relationship/end1/qualifiedName", "no"},
		{"a generation that is no number", headers(events.TypeUpsertElement, "ce-generation", "x"), element, events.CodeInvalid, "generation", "x"},
		{"2 MiB", headers(events.TypeUpsertElement), `{"element":{"type":"DataFile","qualifiedName":"large","properties":{"x":"` + strings.Repeat("x", 2<<20) + `"}}}`, events.CodeTooLarge, "", "bytes"},
		{"as much as a message holds", headers(events.TypeUpsertElement), strings.Repeat("x", int(b.bus.MaxPayload())-200), events.CodeInvalid, "", ""},
		{"a name that fills a header", headers(events.TypeUpdateElement), `{"element":{"qualifiedName":"` + long + `"}}`, events.CodeNotFound, "/element/qualifiedName", "xxx"},
		{"many odd headers", headers("x", "other", strings.Repeat(`"% `, 10<<10)), "", events.CodeInvalid, "type", ""},
		{"a name of no text", headers(events.TypeUpsertElement), "{\"element\":{\"type\":\"DataFile\",\"qualifiedName\":\"\xff\"}}", events.CodeInvalid, "/element/qualifiedName", "UTF-8"},
		{"an actor that fills a header", nil, string(structured(events.TypeDeleteElement, `{"element":{"qualifiedName":"victim"}}`, "actor", long)), events.CodeInvalid, "actor", "long"},
		{"a scope without end", nil, string(structured(events.TypeUpsertElement, element, "scope", long)), events.CodeInvalid, "scope", "long"},
		{"an id that fills a header", nil, strings.Replace(string(structured(events.TypeUpsertElement, element, "scope", "s")), `"id":"1"`, `"id":"`+long+`"`, 1), events.CodeInvalid, "id", "long"},
		{"a source that fills a header", nil, strings.Replace(string(structured(events.TypeUpsertElement, element, "scope", "s")), `"/s"`, `"/`+long+`"`, 1), events.CodeInvalid, "source", "long"},
		{"a fence whose subject is too long", headers(events.TypeFenceConnector), `{"connector":"` + long + `","generation":1}`, events.CodeInvalid, "/connector", "long"},
	} {
		if r := b.apply(t, file("victim", 1)); r.Error != nil {
			t.Fatal(r.Error)
		}
		before := len(b.letters(t))
		b.raw(t, c.header, []byte(c.body))
		began := time.Now()
		if r := b.apply(t, file("witness of "+c.name, 1)); r.Error != nil || !r.Changed {
			t.Fatalf("%s: the next command: %+v", c.name, r)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: the next command waited for %s", c.name, took)
		}
		letters := b.letters(t)
		if len(letters) != before+1 {
			t.Errorf("%s: %d dead letters, want one", c.name, len(letters)-before)
			continue
		}
		l := letters[len(letters)-1]
		if got := l.Extension(events.ExtReasonCode); got != string(c.code) {
			t.Errorf("%s: code %q, want %q: %s", c.name, got, c.code, l.Extension(events.ExtReason))
		}
		if got := l.Extension(events.ExtReasonPointer); got != c.pointer {
			t.Errorf("%s: pointer %q, want %q: %s", c.name, got, c.pointer, l.Extension(events.ExtReason))
		}
		if got := l.Extension(events.ExtReason); got == "" || !strings.Contains(got, c.reason) {
			t.Errorf("%s: reason %q does not say %q", c.name, got, c.reason)
		}
		if l.Extension(events.ExtOriginStream) != b.bus.Topics().InStream() || l.Extension(events.ExtOriginSubject) != b.bus.Topics().Commands("stranger") {
			t.Errorf("%s: it comes from %+v", c.name, l.Extensions)
		}
		if len(c.body) < 1<<20 && string(l.Data) != c.body {
			t.Errorf("%s: the body is not what came", c.name)
		}
	}
}

// A trace context that is none must not keep an event from being stored.
func TestATraceContextThatIsNoneIsLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.raw(t, nil, []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"`+events.TypeUpsertElement+`","traceparent":"`+
		strings.Repeat("x", 100<<10)+`","data":{"element":{"type":"DataFile","qualifiedName":"a"}}}`))
	if r := b.apply(t, file("b", 1)); r.Error != nil {
		t.Fatal(r.Error)
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("a")})
	if err != nil || a.Element == nil {
		t.Errorf("got %+v, %v", a, err)
	}
}

// The repository may publish where the sender of a command may not.
func TestOutcomesGoToInboxesOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	topic := b.bus.Topics()
	for _, replyTo := range []string{
		"$JS.API.STREAM.PURGE." + topic.OutStream(), topic.Element("DataFile", events.GUIDOf("x")), topic.Commands("loop"),
		"a b", "*", "a.>", strings.Repeat("x", 60<<10), "x\r\nPUB " + topic.Commands("loop") + " 0\r\n",
	} {
		e, err := events.NewCommand("/test", file("about "+replyTo[:min(len(replyTo), 20)], 1))
		if err != nil {
			t.Fatal(err)
		}
		e.SetExtension(events.ExtReplyTo, replyTo)
		if _, err := b.bus.Publish(t.Context(), topic.Commands("test"), &e); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if r := b.apply(t, file("after", len(replyTo))); r.Error != nil || !r.Changed {
			t.Fatalf("%.40q: the next command: %+v", replyTo, r)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%.40q: the next command waited for %s", replyTo, took)
		}
	}
	if letters := b.letters(t); len(letters) != 0 {
		t.Errorf("an outcome became a command: %+v", letters)
	}
	unreadable := 0
	err := b.bus.Read(t.Context(), topic.OutStream(), []string{topic.Changes()}, func(m *bus.Message) error {
		if _, err := m.Event(); err != nil {
			unreadable++
		}
		return nil
	})
	if err != nil || unreadable > 0 || b.repo.Sequence() < 9 {
		t.Errorf("the out topic has %d messages that are no event (%v), sequence %d", unreadable, err, b.repo.Sequence())
	}
	if state, err := b.bus.StreamState(t.Context(), topic.OutStream()); err != nil || state.FirstSeq != 1 {
		t.Errorf("the out topic was purged: %+v, %v", state, err)
	}
}

// What another version wrote, or damage, is skipped: the rest is served.
func TestAnEventThatCannotBeReadIsSkipped(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	stop := b.start(t)
	b.connect(t)
	b.apply(t, file("a", 1))
	for _, m := range []*nats.Msg{
		{Subject: b.bus.Topics().Element("DataFile", events.GUIDOf("b")), Data: []byte("damage")},
		{Subject: b.bus.Topics().Element("DataFile", "no guid"), Data: []byte(`{}`), Header: nats.Header{"ce-insequence": {"1"}}},
		{Subject: b.bus.Topics().Element("DataFile", events.GUIDOf("d")), Data: []byte(`{"element":{"later":1}}`), Header: nats.Header{"ce-insequence": {"1"}, "ce-type": {events.TypeElementUpdated}}},
		{Subject: "camena.out.else", Data: []byte("x")},
	} {
		if _, err := b.bus.JetStream().PublishMsg(t.Context(), m, jetstream.WithRetryAttempts(0)); err != nil {
			t.Fatal(err)
		}
	}
	// The writer finds that the stream is not where it was, and goes on.
	if r := b.apply(t, file("c", 1)); r.Error != nil || r.Sequence != 6 {
		t.Fatalf("got %+v", r)
	}
	stop()
	stop = b.start(t)
	if r := b.apply(t, file("a", 2)); r.Error != nil || r.Version != 2 {
		t.Fatalf("after a restart: %+v", r)
	}
	stop()
	count := 0
	if err := b.bus.Read(t.Context(), b.bus.Topics().OutStream(), []string{b.bus.Topics().Changes()}, func(*bus.Message) error {
		count++
		return nil
	}); err != nil || count != 7 {
		t.Errorf("%d events, want 7: something was applied twice (%v)", count, err)
	}
}
