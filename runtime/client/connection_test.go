package client_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// numbers is a connector with a table of as many numbers as one wants. Asked for
// other objects it does what a connector must not do.
type numbers struct{ ended chan error }

func (*numbers) Start(context.Context, *connectors.Context) error { return nil }

func (*numbers) Disconnect(context.Context) error { return nil }

func (*numbers) Actions(context.Context) ([]dataservice.ActionDefinition, error) {
	return []dataservice.ActionDefinition{{Name: "Query"}}, nil
}

func (*numbers) Objects(context.Context) ([]dataservice.ObjectDefinition, error) {
	return []dataservice.ObjectDefinition{{Name: "Numbers", Actions: []string{"Query"}}}, nil
}

func (*numbers) Object(_ context.Context, name string) (*dataservice.ObjectDefinition, error) {
	switch name {
	case "Panic":
		panic("so be it")
	case "Hang":
		select {}
	case "Error":
		return nil, errors.New("the disk is gone")
	case "None":
		return nil, nil //nolint:nilnil // there is none
	}
	return &dataservice.ObjectDefinition{Name: name, Actions: []string{"Query"}, Properties: []dataservice.PropertyDefinition{
		{Name: "n", Type: dataservice.TypeInteger, Key: true}, {Name: "text", Type: dataservice.TypeString},
	}}, nil
}

func (n *numbers) Query(ctx context.Context, q dataservice.Query) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		text := strings.Repeat("x", 200)
		for i := int64(0); ; i++ {
			if q.Root.Object == "Odd" {
				yield(dataservice.DataEntity{Properties: dataservice.Values{"n": struct{}{}}}, nil)
				return
			}
			if !yield(dataservice.DataEntity{Object: "Numbers", Properties: dataservice.Values{"n": i, "text": text}}, nil) {
				n.ended <- context.Cause(ctx)
				return
			}
		}
	}
}

// connection runs a node with the connector, and returns it to be asked.
func connection(t *testing.T) (*numbers, *client.Connection, *bus.Bus) {
	t.Helper()
	n := &numbers{ended: make(chan error, 10)}
	node := runtimetest.NewNode(t, connectors.Factory{Kind: "numbers", New: func(events.Properties) (connectors.Connector, error) { return n, nil }})
	m := client.New(node.Bus(), "test")
	c := registration.Connector{Name: "my numbers", Group: "default", Kind: "numbers"}
	for _, command := range c.Commands() {
		if _, err := m.Apply(t.Context(), client.Origin{}, command); err != nil {
			t.Fatal(err)
		}
	}
	asked := m.Connection("my numbers")
	runtimetest.Eventually(t, "the connector answers", func() bool {
		_, err := client.One[dataservice.ActionDefinition](t.Context(), asked, dataservice.VerbActions, struct{}{})
		return err == nil
	})
	return n, asked, node.Bus()
}

func numbersOf(object string) dataservice.Query {
	return dataservice.Query{Root: dataservice.QueryEntity{Object: object}}
}

// A slow reader of many rows takes no memory on either side, and gets each of them.
func TestManyRowsToASlowReader(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	n, c, _ := connection(t)
	q := numbersOf("Numbers")
	q.Limit = rows
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	next, most := int64(0), uint64(0)
	for row, err := range client.Many[dataservice.DataEntity](t.Context(), c, dataservice.VerbQuery, q) {
		if err != nil || row.Properties["n"] != next {
			t.Fatalf("row %d: %+v, %v", next, row, err)
		}
		next++
		if next%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	if next != rows {
		t.Errorf("got %d rows", next)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	if err := <-n.ended; err != nil { // the limit ends the query, not the caller
		t.Error(err)
	}
}

// A caller that stops, or whose time is over, stops the connector.
func TestAQueryThatIsCanceled(t *testing.T) {
	t.Parallel()
	n, c, _ := connection(t)
	for _, err := range client.Many[dataservice.DataEntity](t.Context(), c, dataservice.VerbQuery, numbersOf("Numbers")) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if err := <-n.ended; !errors.Is(err, bus.ErrCanceled) {
		t.Errorf("the connector ends with %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var last error
	for _, err := range client.Many[dataservice.DataEntity](ctx, c, dataservice.VerbQuery, numbersOf("Numbers")) {
		last = err
	}
	if !errors.Is(last, context.DeadlineExceeded) && events.CodeOf(last) != events.CodeUnavailable {
		t.Errorf("the caller sees %v", last)
	}
	if err := <-n.ended; err == nil {
		t.Error("the connector goes on")
	}
}

// Whatever a connector does, its caller gets a typed error in time.
func TestConnectorsThatMisbehave(t *testing.T) {
	t.Parallel()
	_, c, b := connection(t)
	for object, code := range map[string]events.Code{
		"Panic": events.CodeInternal, "Error": events.CodeUnavailable, "Hang": events.CodeUnavailable, "None": events.CodeNotFound,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := client.One[dataservice.ObjectDefinition](ctx, c, dataservice.VerbObject, dataservice.ObjectInput{Name: object})
		cancel()
		if events.CodeOf(err) != code && (object != "Hang" || !errors.Is(err, context.DeadlineExceeded)) {
			t.Errorf("%s: %v", object, err)
		}
	}
	for _, err := range client.Many[dataservice.DataEntity](t.Context(), c, dataservice.VerbQuery, numbersOf("Odd")) {
		if events.CodeOf(err) != events.CodeInternal {
			t.Errorf("a value that is none: %v", err)
		}
	}
	_, err := client.One[dataservice.Form](t.Context(), c, dataservice.VerbForm, struct{}{})
	if events.CodeOf(err) != events.CodeUnsupported {
		t.Errorf("a form: %v", err)
	}
	_, err = client.One[dataservice.Form](t.Context(), client.New(b, "test").Connection("nobody"), dataservice.VerbForm, struct{}{})
	if events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("a connector that does not run: %v", err)
	}
}

// A plain NATS request is answered with one message.
func TestAPlainRequest(t *testing.T) {
	t.Parallel()
	_, _, b := connection(t)
	ask := func(verb dataservice.Verb, body string) *nats.Msg {
		answer, err := b.Conn().Request(b.Topics().Connection("my numbers", string(verb)), []byte(body), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if answer := ask(dataservice.VerbActions, `{}`); string(answer.Data) != `{"name":"Query"}`+"\n" {
		t.Errorf("got %q", answer.Data)
	}
	answer := ask(dataservice.VerbQuery, `{"input": {"root": {"object": "Numbers"}}}`)
	if e, err := events.Unmarshal[events.Error](answer.Data); err != nil || e.Code != events.CodeTooLarge {
		t.Errorf("got %q, %v", answer.Data, err)
	}
}
