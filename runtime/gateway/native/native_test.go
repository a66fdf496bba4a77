package native_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/gateway"
	"github.com/camena-io/camena/runtime/gateway/native"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// stock is a connector with one object.
type stock struct{}

func (stock) Start(context.Context, *connectors.Context) error { return nil }

func (stock) Disconnect(context.Context) error { return nil }

func (stock) Test(context.Context) error { return nil }

func (stock) Form(context.Context) (dataservice.Form, error) {
	return dataservice.Form{Authorize: "https://example.com"}, nil
}

func (stock) Actions(context.Context) ([]dataservice.ActionDefinition, error) {
	return []dataservice.ActionDefinition{{Name: "Query"}, {Name: "Create", Input: true}}, nil
}

func (stock) Objects(context.Context) ([]dataservice.ObjectDefinition, error) {
	return []dataservice.ObjectDefinition{{Name: "Parts/A", Actions: []string{"Query", "Create"}}}, nil
}

func (stock) Object(_ context.Context, name string) (*dataservice.ObjectDefinition, error) {
	if name != "Parts/A" {
		return nil, nil //nolint:nilnil // there is none
	}
	return &dataservice.ObjectDefinition{Name: name, Actions: []string{"Query", "Create"}, Properties: []dataservice.PropertyDefinition{
		{Name: "n", Type: dataservice.TypeInteger},
	}}, nil
}

func (stock) Execute(_ context.Context, in dataservice.OperationInput) (dataservice.OperationResult, error) {
	return dataservice.OperationResult{Rows: []dataservice.RowResult{{Success: true, Affected: 1, Output: &in.Input[0]}}}, nil
}

// Query fails after as many rows as the limit says.
func (stock) Query(_ context.Context, q dataservice.Query) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		for n := range q.Limit - 1 {
			if !yield(dataservice.DataEntity{Object: "Parts/A", Properties: dataservice.Values{"n": int64(n)}}, nil) {
				return
			}
		}
		if q.Limit != 2 {
			yield(dataservice.DataEntity{}, events.Errorf(events.CodeConnection, "", "the store is closed"))
		}
	}
}

// serve runs a node with the connector and the face, and returns where it answers.
func serve(t *testing.T) string {
	t.Helper()
	n := runtimetest.NewNode(t, connectors.Factory{Kind: "stock", New: func(events.Properties) (connectors.Connector, error) { return stock{}, nil }})
	m := client.New(n.Bus(), "test")
	c := registration.Connector{Name: "my stock", Group: "default", Kind: "stock"}
	for _, command := range c.Commands() {
		if _, err := m.Apply(t.Context(), client.Origin{}, command); err != nil {
			t.Fatal(err)
		}
	}
	g, err := gateway.New(t.Context(), gateway.Settings{Listen: "127.0.0.1:0", Faces: []gateway.Face{native.New(m)}, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, g.Serve)
	url := g.URL() + "/api/v1"
	runtimetest.Eventually(t, "the connector answers", func() bool {
		status, _, _ := ask(t, "GET", url+"/connections/my%20stock/actions", "")
		return status == http.StatusOK
	})
	return url
}

func ask(t *testing.T, method, url, body string) (status int, contentType, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(a.Body)
	err = errors.Join(err, a.Body.Close())
	if err != nil {
		data = append(data, "broken off"...)
	}
	return a.StatusCode, a.Header.Get("Content-Type"), string(data)
}

func TestNativeFace(t *testing.T) {
	t.Parallel()
	url := serve(t)
	connection := url + "/connections/my%20stock"
	const problem = "application/problem+json"
	for _, test := range []struct {
		method, path, body string
		status             int
		contentType        string
		holds              []string
	}{
		{"GET", "/form", "", 200, "application/json", []string{`"authorize"`}},
		{"POST", "/test", "", 204, "", nil},
		{"GET", "/objects", "", 200, "application/json", []string{`[{"name":"Parts/A"`}},
		{"GET", "/objects/Parts%2FA", "", 200, "application/json", []string{`"type":"integer"`}},
		{"GET", "/objects/none", "", 404, problem, []string{`"code":"not_found"`, `"pointer":"/name"`}},
		{"GET", "/services", "", 501, problem, []string{`"code":"unsupported"`}},
		{"POST", "/operations", `{"action": "create", "input": [{"object": "Parts/A", "properties": {"n": 1}}]}`, 200, "application/json", []string{`"success":true`}},
		{"POST", "/operations", `{"action": "create", "input": [{"object": "Parts/A", "properties": {"n": "x"}}]}`, 200, "application/json", []string{`"success":false`}},
		{"POST", "/operations", `{"action": "drop", "input": []}`, 501, problem, []string{`"pointer":"/action"`}},
		{"POST", "/operations", `{"act": 1}`, 400, problem, []string{`"pointer":"/act"`}},
		{"POST", "/operations", `nonsense`, 400, problem, nil},
		{"POST", "/operations", ``, 400, problem, nil},
		{"POST", "/queries", `{"root": {"object": "Parts/A"}, "limit": 2}`, 200, "application/x-ndjson", []string{`{"n":0}`}},
		{"POST", "/queries", `{"root": {"object": "Parts/A"}, "limit": 1}`, 502, problem, []string{`"code":"invalid_connection"`}},
		{"POST", "/queries", `{"root": {"object": "Parts/A"}, "limit": 3}`, 200, "application/x-ndjson", []string{`{"n":1}`, `{"problem":`, "broken off"}},
		{"GET", "/requests/none", "", 404, problem, nil},
		{"GET", "/actions?timeout=soon", "", 400, problem, nil},
		{"GET", "/nothing", "", 404, problem, nil},
	} {
		status, contentType, answer := ask(t, test.method, connection+test.path, test.body)
		if status != test.status || contentType != test.contentType {
			t.Errorf("%s %s %s: %d %s: %s", test.method, test.path, test.body, status, contentType, answer)
		}
		for _, text := range test.holds {
			if !strings.Contains(answer, text) {
				t.Errorf("%s %s %s: %q is not in %s", test.method, test.path, test.body, text, answer)
			}
		}
	}
	if status, _, answer := ask(t, "GET", url+"/connections/nobody/actions", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a connector that does not run: %d %s", status, answer)
	}
}

// The document is valid, and what is served is what it describes.
func TestDocument(t *testing.T) {
	t.Parallel()
	url := serve(t)
	status, _, text := ask(t, "GET", url+"/openapi.json", "")
	document, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if status != http.StatusOK || err != nil {
		t.Fatalf("%d, %v: %s", status, err, text)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if n := document.Paths.Len(); n != 10 {
		t.Errorf("%d paths", n)
	}
	for _, name := range []string{"Query", "DataEntity", "Condition"} {
		if document.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
}

// A reader that goes away ends the request.
func TestAReaderThatGoesAway(t *testing.T) {
	t.Parallel()
	url := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/connections/my%20stock/queries",
		strings.NewReader(fmt.Sprintf(`{"root": {"object": "Parts/A"}, "limit": %d}`, 1<<40)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Request-Id", "endless")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(a.Body).Scan() {
		t.Error("nothing arrives")
	}
	if status, _, answer := ask(t, "GET", url+"/connections/my%20stock/requests/endless", ""); status != http.StatusOK {
		t.Errorf("under way: %d %s", status, answer)
	}
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	runtimetest.Eventually(t, "the request has ended", func() bool {
		status, _, _ := ask(t, "GET", url+"/connections/my%20stock/requests/endless", "")
		return status == http.StatusNotFound
	})
}
