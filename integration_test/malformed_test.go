package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// malformed is a message that no repository can apply, and the reason that its dead
// letter must give.
type malformed struct {
	name string
	// without are headers to leave out, with are headers to add; the rest is a well-formed
	// envelope of the type event.
	event   string
	with    map[string]string
	without []string
	body    string

	code    events.Code
	pointer string
	message string // a part of it
}

const (
	upsertType = events.TypeUpsertElement
	linkType   = events.TypeLinkElements
)

func malformedMessages() []malformed {
	big := strings.Repeat("x", 2<<20)
	return []malformed{
		// No CloudEvents.
		{
			name: "not a CloudEvent", without: []string{"ce-"}, body: "please create a folder",
			code: events.CodeInvalid, message: "CloudEvent",
		},
		{
			name: "JSON that is no CloudEvent", without: []string{"ce-"}, body: `{"element":{"type":"DataFile"}}`,
			code: events.CodeInvalid, pointer: "specversion", message: "specversion",
		},
		{
			name: "a CloudEvent without an id", event: upsertType, without: []string{"ce-id"}, body: `{"element":{"type":"DataFile"}}`,
			code: events.CodeInvalid, pointer: "id", message: "missing",
		},
		{
			name: "a CloudEvent of another version", event: upsertType, with: map[string]string{"ce-specversion": "0.3"}, body: `{}`,
			code: events.CodeInvalid, pointer: "specversion", message: `"0.3"`,
		},
		{
			name: "a time that is none", event: upsertType, with: map[string]string{"ce-time": "yesterday"}, body: `{}`,
			code: events.CodeInvalid, pointer: "time", message: `"yesterday"`,
		},
		{
			name: "a batch of CloudEvents", without: []string{"ce-"}, with: map[string]string{"Content-Type": "application/cloudevents-batch+json"}, body: `[]`,
			code: events.CodeInvalid, pointer: "datacontenttype", message: "batch",
		},
		{
			name: "a structured CloudEvent with wrong data", without: []string{"ce-"},
			with: map[string]string{"Content-Type": "application/cloudevents+json"},
			body: `{"specversion":"1.0","id":"1","source":"/x","type":"` + upsertType + `","data":[1]}`,
			code: events.CodeInvalid, message: "array",
		},
		{
			name: "nothing at all", without: []string{"ce-"}, body: "",
			code: events.CodeInvalid, message: "CloudEvent",
		},
		{
			name: "binary garbage", without: []string{"ce-"}, body: "\x00\x01\xfe\xff\x80garbage\x00",
			code: events.CodeInvalid, message: "CloudEvent",
		},
		// CloudEvents that are no commands.
		{
			name: "an unknown command", event: "io.camena.element.paint.v1", body: `{}`,
			code: events.CodeInvalid, pointer: "type", message: `"io.camena.element.paint.v1"`,
		},
		{
			name: "a change event instead of a command", event: events.TypeElementCreated, body: `{}`,
			code: events.CodeInvalid, pointer: "type", message: "command",
		},
		{
			name: "an empty body", event: upsertType, body: "",
			code: events.CodeInvalid, message: "empty",
		},
		{
			name: "a body of null", event: upsertType, body: "null",
			code: events.CodeInvalid, message: "null",
		},
		{
			name: "a body of binary garbage", event: upsertType, body: "\x00\x01\xfe\xff\x80",
			code: events.CodeInvalid, message: "byte 0",
		},
		{
			name: "a body that ends too early", event: upsertType, body: `{"element":{"type":"DataFile","qualifiedName":"a`,
			code: events.CodeInvalid, pointer: "/element/qualifiedName", message: "too early",
		},
		{
			name: "a body with more behind it", event: upsertType, body: `{"element":{"type":"DataFile","qualifiedName":"a"}} {}`,
			code: events.CodeInvalid, message: "byte",
		},
		{
			name: "absurdly deep nesting", event: upsertType,
			body: `{"element":{"type":"DataFile","qualifiedName":"deep","properties":{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}}}`,
			code: events.CodeInvalid, pointer: "/element/properties/a/0/0", message: "exceeded max depth",
		},
		// Wrong types and fields.
		{
			name: "a number instead of a text", event: upsertType, body: `{"element":{"type":7,"qualifiedName":"a"}}`,
			code: events.CodeInvalid, pointer: "/element/type", message: "number",
		},
		{
			name: "a text instead of an object", event: upsertType, body: `{"element":"a"}`,
			code: events.CodeInvalid, pointer: "/element", message: "string",
		},
		{
			name: "properties that are no object", event: upsertType, body: `{"element":{"type":"DataFile","qualifiedName":"a","properties":[]}}`,
			code: events.CodeInvalid, pointer: "/element/properties", message: "object",
		},
		{
			name: "an unknown field", event: upsertType, body: `{"element":{"type":"DataFile","qualifiedNam":"a"}}`,
			code: events.CodeInvalid, pointer: "/element/qualifiedNam", message: "unknown field",
		},
		{
			name: "the same field twice", event: upsertType, body: `{"element":{"type":"DataFile","type":"CSVFile"}}`,
			code: events.CodeInvalid, pointer: "/element/type", message: "twice",
		},
		{
			name: "no type", event: upsertType, body: `{"element":{"qualifiedName":"a"}}`,
			code: events.CodeInvalid, pointer: "/element/type", message: "missing",
		},
		{
			name: "a guid that is none", event: upsertType, body: `{"element":{"guid":"42","type":"DataFile"}}`,
			code: events.CodeInvalid, pointer: "/element/guid", message: `"42"`,
		},
		{
			name: "a generation that is no number", event: upsertType, with: map[string]string{"ce-generation": "second"},
			body: `{"element":{"type":"DataFile","qualifiedName":"a"}}`,
			code: events.CodeInvalid, pointer: events.ExtGeneration, message: `"second"`,
		},
		{
			name: "an unknown type", event: upsertType, body: `{"element":{"type":"Sandwich","qualifiedName":"a"}}`,
			code: events.CodeUnknownType, pointer: "/element/type", message: `"Sandwich"`,
		},
		{
			name: "a relationship type as an element", event: upsertType, body: `{"element":{"type":"DataFlow","qualifiedName":"a"}}`,
			code: events.CodeUnknownType, pointer: "/element/type", message: "DataFlow",
		},
		// Commands that can never be applied.
		{
			name: "a relationship to nothing", event: linkType,
			body: `{"relationship":{"type":"DataFlow","end1":{"qualifiedName":"good"},"end2":{"qualifiedName":"nowhere"}}}`,
			code: events.CodeNotFound, pointer: "/relationship/end2/qualifiedName", message: "nowhere",
		},
		{
			name: "a relationship between wrong types", event: linkType,
			body: `{"relationship":{"type":"NestedFile","end1":{"qualifiedName":"good"},"end2":{"qualifiedName":"good"}}}`,
			code: events.CodeInvalid, pointer: "/relationship/end1", message: "FileFolder",
		},
		{
			name: "an update of a missing element", event: events.TypeUpdateElement, body: `{"element":{"qualifiedName":"nowhere"},"properties":{"a":1}}`,
			code: events.CodeNotFound, pointer: "/element/qualifiedName", message: "nowhere",
		},
		{
			name: "a change set with a bad command", event: events.TypeApplyChangeSet,
			body: `{"commands":[{"type":"` + upsertType + `","data":{"element":{"type":"DataFile","qualifiedName":"half"}}},` +
				`{"type":"` + upsertType + `","data":{"element":{"type":"Sandwich","qualifiedName":"b"}}}]}`,
			code: events.CodeUnknownType, pointer: "/commands/1/data/element/type", message: "Sandwich",
		},
		// Two mebibytes.
		{
			name: "an element of two mebibytes", event: upsertType,
			body: `{"element":{"type":"DataFile","qualifiedName":"big","properties":{"description":"` + big + `"}}}`,
			code: events.CodeTooLarge, message: "bytes",
		},
		{
			name: "two mebibytes of nothing useful", without: []string{"ce-"}, body: big,
			code: events.CodeInvalid, message: "CloudEvent",
		},
	}
}

// TestMalformedInput sends messages that no repository can apply. Each must become a dead
// letter with its body unchanged and a clear reason, and the writer must continue.
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	b := runtimetest.NewBus(t, runtimetest.NewServer(t))
	r, err := repository.New(repository.Settings{Node: "n1", Bus: b, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, r.Serve)
	m := client.New(b, "test")
	good := func(i int) *events.Upsert {
		return &events.Upsert{Element: events.ElementSpec{
			Type: "DataFile", QualifiedName: "good", Properties: events.Props(map[string]any{"size": i}),
		}}
	}
	ask(t, m, good(-1))
	sent := map[string]uint64{}
	for i, c := range malformedMessages() {
		if sent[c.name], err = b.PublishMessage(t.Context(), c.made()); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if r := ask(t, m, good(i)); r.Error != nil || r.Version != int64(i)+2 {
			t.Fatalf("after %s, a good command has the outcome %+v", c.name, r)
		}
	}
	for _, name := range []string{"half", "big", "deep", "a"} {
		if _, err := events.Ask(t.Context(), m, &events.Get{ElementRef: events.ByName(name)}); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("%s: %v; nothing of a refused command may be applied", name, err)
		}
	}
	for _, c := range malformedMessages() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			letter, err := readLetter(t.Context(), b, sent[c.name])
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, letter, c.made(), sent[c.name])
		})
	}
}

// made is the message as it goes to the in topic.
func (c *malformed) made() *nats.Msg {
	m := nats.NewMsg("camena.in.somebody")
	headers := map[string]string{
		"ce-specversion": "1.0", "ce-id": "malformed", "ce-source": "/somebody", "ce-type": c.event,
		"ce-datacontenttype": "application/json",
	}
	for _, prefix := range c.without {
		maps.DeleteFunc(headers, func(name, _ string) bool { return strings.HasPrefix(name, prefix) })
	}
	maps.Copy(headers, c.with)
	for name, value := range headers {
		m.Header[name] = []string{value}
	}
	m.Data = []byte(c.body)
	return m
}

func readLetter(ctx context.Context, b *bus.Bus, sequence uint64) (events.Event, error) {
	stream, err := b.JetStream().Stream(ctx, b.Topics().DeadLetterStream())
	if err != nil {
		return events.Event{}, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, b.Topics().DeadLetter(b.Topics().InStream(), sequence))
	if err != nil {
		return events.Event{}, err
	}
	return events.Decode(m.Header, m.Data)
}

func (c *malformed) check(t *testing.T, letter events.Event, sent *nats.Msg, sequence uint64) {
	t.Helper()
	reason := letter.Extension(events.ExtReason)
	t.Logf("%s: %s %s", letter.Extension(events.ExtReasonCode), letter.Extension(events.ExtReasonPointer), reason)
	if got := letter.Extension(events.ExtReasonCode); got != string(c.code) {
		t.Errorf("code %q, want %q", got, c.code)
	}
	if got := letter.Extension(events.ExtReasonPointer); got != c.pointer && (len(got) < 200 || !strings.HasPrefix(got, c.pointer)) {
		t.Errorf("pointer %q, want %q", got, c.pointer)
	}
	if !strings.Contains(reason, c.message) || len(reason) > 500 || strings.Contains(reason, "json:") {
		t.Errorf("reason %q, want one with %q", reason, c.message)
	}
	if !bytes.Equal(letter.Data, sent.Data) {
		t.Errorf("the body has %d bytes, want the %d that were sent, as they were", len(letter.Data), len(sent.Data))
	}
	headers, err := events.Unmarshal[map[string][]string]([]byte(letter.Extension(events.ExtOriginHeaders)))
	if len(sent.Header) > 0 && err != nil {
		t.Errorf("headers: %v", err)
	}
	for name, values := range sent.Header {
		if fmt.Sprint(headers[name]) != fmt.Sprint(values) {
			t.Errorf("header %s is %q, want %q", name, headers[name], values)
		}
	}
	origin := letter.Extension(events.ExtOriginStream) + " " + letter.Extension(events.ExtOriginSequence) + " " + letter.Extension(events.ExtOriginSubject)
	if want := fmt.Sprintf("CAMENA_IN %d camena.in.somebody", sequence); origin != want {
		t.Errorf("origin %q, want %q", origin, want)
	}
	if letter.Type != events.TypeDeadLetter || time.Since(letter.Time) > time.Minute {
		t.Errorf("type %q and time %s", letter.Type, letter.Time)
	}
}
