package i2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/gateway"
	"github.com/camena-io/camena/runtime/gateway/i2"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// precinct is a connector with the service of the published example.
type precinct struct{ running atomic.Int32 }

func (*precinct) Start(context.Context, *connectors.Context) error { return nil }

func (*precinct) Disconnect(context.Context) error { return nil }

func (*precinct) Services(context.Context) ([]dataservice.ServiceDefinition, error) {
	return []dataservice.ServiceDefinition{{
		ID: "nypd-service", Name: "NYPD Connector: Get all", Description: "A service that retrieves all data", Persistent: true,
		Zone: "Europe/London", Path: "/all",
		Results: []string{"INFOSTORE/ET1", "INFOSTORE/ET2", "INFOSTORE/ET3", "INFOSTORE/LT1", "INFOSTORE/LT2", "INFOSTORE/LT3"},
	}}, nil
}

func (*precinct) Acquire(context.Context, dataservice.ServiceInput) iter.Seq2[dataservice.DataEntity, error] {
	return entities(all()...)
}

func entities(list ...dataservice.DataEntity) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// all is what the service returns: a link stands between the entities.
func all() []dataservice.DataEntity {
	return []dataservice.DataEntity{
		{ID: "e1", Object: "INFOSTORE/ET1", Properties: dataservice.Values{"name": "Ann", "born": dataservice.Date("1990-05-01"), "n": int64(3)}},
		{ID: "e2", Object: "INFOSTORE/ET2", Properties: dataservice.Values{"seen": time.Date(2021, 7, 1, 5, 30, 0, 0, time.UTC)}},
		{ID: "l1", Object: "INFOSTORE/LT1", From: "e1", To: "e2", Properties: dataservice.Values{"@linkDirection": "WITH"}},
		{ID: "e3", Object: "INFOSTORE/ET3", Properties: dataservice.Values{}},
	}
}

// registry is a connector with a form, seeds, and ways to fail.
type registry struct{ precinct }

func (*registry) Services(context.Context) ([]dataservice.ServiceDefinition, error) {
	form := dataservice.Form{Sections: []dataservice.FormSection{{Fields: []dataservice.Field{
		{ID: "how", Label: "How", Type: dataservice.TypeString, Required: true, Options: []dataservice.Option{{Value: "well"}, {Value: "badly"}, {Value: "late"}, {Value: "never"}}},
	}}}}
	return []dataservice.ServiceDefinition{
		{ID: "find it/1", Name: "Find", Form: &form, Seeds: &dataservice.SeedConstraints{Max: 1, Objects: []dataservice.SeedObject{{Object: "ET1"}}}},
	}, nil
}

func (r *registry) Acquire(ctx context.Context, in dataservice.ServiceInput) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		switch in.Fields["how"] {
		case "well":
			yield(dataservice.DataEntity{ID: "1", Object: "ET1", Properties: dataservice.Values{"seeds": int64(len(in.Seeds))}}, nil)
		case "badly":
			yield(dataservice.DataEntity{}, events.Errorf(events.CodeConnection, "", "the register is closed"))
		case "late":
			if yield(dataservice.DataEntity{ID: "1", Object: "ET1"}, nil) {
				yield(dataservice.DataEntity{}, events.Errorf(events.CodeConnection, "", "the register is closed"))
			}
		default:
			r.running.Add(1)
			defer r.running.Add(-1)
			for ctx.Err() == nil && yield(dataservice.DataEntity{ID: "1", Object: "ET1"}, nil) {
			}
		}
	}
}

// vault has a service that i2 cannot express.
type vault struct{ precinct }

func (*vault) Services(context.Context) ([]dataservice.ServiceDefinition, error) {
	return []dataservice.ServiceDefinition{{ID: "open", Name: "Open", Login: "password"}}, nil
}

// installation is a node with the connectors and the face.
type installation struct {
	url      string
	client   *client.Client
	registry *registry
}

func serve(t *testing.T) *installation {
	t.Helper()
	i := &installation{registry: &registry{}}
	factory := func(kind string, c connectors.Connector) connectors.Factory {
		return connectors.Factory{Kind: kind, New: func(events.Properties) (connectors.Connector, error) { return c, nil }}
	}
	n := runtimetest.NewNode(t, factory("nypd", &precinct{}), factory("registry", i.registry), factory("vault", &vault{}), i2connect.Factory())
	i.client = client.New(n.Bus(), "test")
	g, err := gateway.New(t.Context(), gateway.Settings{Listen: "127.0.0.1:0", Faces: []gateway.Face{i2.New(i.client)}, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, g.Serve)
	i.url = g.URL() + "/i2/"
	for _, kind := range []string{"nypd", "registry", "vault"} {
		i.add(t, registration.Connector{Name: "my " + kind, Group: "default", Kind: kind})
	}
	return i
}

// add adds a connector, and waits until it answers.
func (i *installation) add(t *testing.T, c registration.Connector) {
	t.Helper()
	for _, command := range c.Commands() {
		if _, err := i.client.Apply(t.Context(), client.Origin{}, command); err != nil {
			t.Fatal(err)
		}
	}
	runtimetest.Eventually(t, c.Name+" answers", func() bool {
		_, err := client.One[dataservice.ServiceDefinition](t.Context(), i.client.Connection(c.Name), dataservice.VerbServices, struct{}{})
		return err == nil
	})
}

func (i *installation) ask(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, i.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("I2-Spi-Versions", "1.4")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	data, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(data)
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// The example of i2's documentation.
const example = `{
	"defaultValues": {"timeZoneId": "Europe/London", "resultIdsPersistent": true},
	"services": [{
		"id": "nypd-service",
		"name": "NYPD Connector: Get all",
		"description": "A service that retrieves all data",
		"resultItemTypeIds": {"INFOSTORE": ["ET1", "ET2", "ET3", "LT1", "LT2", "LT3"]},
		"clientConfigType": "NONE",
		"acquireUrl": "/all"
	}]
}`

const asked = `{"payload":{"conditions":[],"seeds":{}}}`

func TestThePublishedExample(t *testing.T) {
	t.Parallel()
	i := serve(t)
	status, answer := i.ask(t, "GET", "my%20nypd/config", "")
	if diff := cmp.Diff(parsed(t, example), parsed(t, answer)); status != http.StatusOK || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	const result = `{"entities":[
		{"id":"e1","typeId":"ET1","typeLocation":"INFOSTORE","properties":{"name":"Ann","born":"1990-05-01","n":3}},
		{"id":"e2","typeId":"ET2","typeLocation":"INFOSTORE","properties":{"seen":{"localDateAndTime":"2021-07-01T05:30:00","timeZoneId":"UTC","isDST":false}}},
		{"id":"e3","typeId":"ET3","typeLocation":"INFOSTORE"}],
		"links":[{"id":"l1","typeId":"LT1","typeLocation":"INFOSTORE","fromEndId":"e1","toEndId":"e2","linkDirection":"WITH"}]}`
	status, answer = i.ask(t, "POST", "my%20nypd/all", asked)
	if diff := cmp.Diff(parsed(t, result), parsed(t, answer)); status != http.StatusOK || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
}

// A connector that asks the face gets what the connector behind it has.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	i := serve(t)
	for _, name := range []string{"nypd", "registry"} {
		i.add(t, registration.Connector{
			Name: "remote " + name, Group: "default", Kind: i2connect.Kind, Configuration: events.Props(map[string]any{"url": i.url + "my%20" + name}),
		})
	}
	remote := i.client.Connection("remote nypd")
	got, err := client.One[dataservice.ServiceDefinition](t.Context(), remote, dataservice.VerbServices, struct{}{})
	want, _ := (&precinct{}).Services(t.Context())
	want[0].Path = "" // belongs to the face
	if diff := cmp.Diff(want[0], got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	var found []dataservice.DataEntity
	for e, err := range client.Many[dataservice.DataEntity](t.Context(), remote, dataservice.VerbAcquire, dataservice.ServiceInput{Service: "nypd-service"}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, e)
	}
	expected := all()
	expected[2], expected[3] = expected[3], expected[2] // links come last
	expected[0].Properties["born"] = "1990-05-01"       // only a schema would say that it is a date
	ignoreEmpty := cmp.Transformer("properties", func(v dataservice.Values) map[string]any {
		if len(v) == 0 {
			return nil
		}
		return v
	})
	if diff := cmp.Diff(expected, found, ignoreEmpty); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i.failures(t)
}

// failures are errors through the face and the connector that asks it.
func (i *installation) failures(t *testing.T) {
	t.Helper()
	remote := i.client.Connection("remote registry")
	for how, code := range map[string]events.Code{"well": "", "badly": events.CodeConnection, "late": events.CodeInvalid, "": events.CodeInvalid} {
		in := dataservice.ServiceInput{Service: "find it/1", Fields: dataservice.Values{"how": how}}
		if how == "" {
			in.Fields = nil
		}
		in.Seeds = []dataservice.DataEntity{{ID: "s", Object: "ET1"}}
		_, err := client.One[dataservice.DataEntity](t.Context(), remote, dataservice.VerbAcquire, in)
		if events.CodeOf(err) != code || code == "" && err != nil {
			t.Errorf("%q: %v", how, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in := dataservice.ServiceInput{Service: "find it/1", Fields: dataservice.Values{"how": "never"}}
	for _, err := range client.Many[dataservice.DataEntity](ctx, remote, dataservice.VerbAcquire, in) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	runtimetest.Eventually(t, "the request has ended at the far end", func() bool { return i.registry.running.Load() == 0 })
}

func TestRequests(t *testing.T) {
	t.Parallel()
	i := serve(t)
	const service = "my%20registry/services/find%20it%2F1"
	how := func(how string) string {
		return fmt.Sprintf(`{"payload":{"conditions":[{"id":"how","logicalType":"SELECTED_FROM","value":%q}],"seeds":{"entities":[`+
			`{"seedId":"7","typeId":"ET1","typeLocation":"INFOSTORE","sourceIds":[]}]}}}`, how)
	}
	for _, test := range []struct {
		method, path, body string
		status             int
		holds              string
	}{
		{"GET", "my%20registry/config", "", 200, `"acquireUrl":"/services/find%20it%2F1/acquire"`},
		{"GET", "my%20registry/config", "", 200, `"validateUrl":"/services/find%20it%2F1/validate"`},
		{"POST", service + "/validate", how("well"), 200, `{}`},
		{"POST", service + "/validate", how("worse"), 200, `"errorMessage":`},
		{"POST", service + "/validate", asked, 200, `"errorMessage":`},
		{"POST", service + "/acquire", how("well"), 200, `"properties":{"seeds":1}`},
		{"POST", service + "/acquire", how("worse"), 200, `"errorMessage":`},
		{"POST", service + "/acquire", how("badly"), 502, `"code":"invalid_connection"`},
		{"POST", service + "/acquire", how("late"), 200, `"errorMessage":`},
		{"POST", service + "/acquire", `{"payload":{"visualQuery":[{}]}}`, 501, `"pointer":"/payload/visualQuery"`},
		{"POST", service + "/acquire", `nonsense`, 400, `"code":"invalid"`},
		{"POST", service + "/acquire", ``, 400, `"code":"invalid"`},
		{"POST", "my%20registry/services/none/acquire", asked, 404, `"code":"not_found"`},
		{"GET", "my%20registry/all", "", 404, `"code":"not_found"`},
		{"GET", "nobody/config", "", 503, `"code":"unavailable"`},
		{"GET", "my%20vault/config", "", 501, `"pointer":"/services/0/login"`},
	} {
		status, answer := i.ask(t, test.method, test.path, test.body)
		if status != test.status || !strings.Contains(answer, test.holds) {
			t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, status, answer)
		}
	}
}

// A gateway that supports no version of what is offered is told so.
func TestVersions(t *testing.T) {
	t.Parallel()
	i := serve(t)
	for header, status := range map[string]int{"": 200, "2.5,1.0": 200, "2.5": 501, "x": 400} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.url+"my%20nypd/config", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("I2-Spi-Versions", header)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != status {
			t.Errorf("%s: %d", header, a.StatusCode)
		}
	}
}
