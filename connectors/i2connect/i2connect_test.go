package i2connect_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect"
	"github.com/camena-io/camena/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub is a minimal connector that answers what it is given, and records requests.
type stub struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string // by path: a body, or a status and a body
	seen    []string
	headers []http.Header
	// ended is closed when a request to /hang has ended.
	ended chan struct{}
}

func newStub(t *testing.T, config string) *stub {
	t.Helper()
	s := &stub{answers: map[string]string{"/x/config": config}, ended: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.URL.String()+" "+string(body))
	s.headers = append(s.headers, r.Header)
	answer, ok := s.answers[r.URL.Path]
	s.mu.Unlock()
	status := http.StatusOK
	if !ok {
		status = http.StatusNotFound
	}
	if r.URL.Path == "/x/hang" {
		fmt.Fprint(w, `{"entities":[{"id":"1","typeId":"T"},`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(s.ended)
		return
	}
	if n, err := fmt.Sscanf(answer, "%d ", &status); err == nil && n == 1 {
		_, answer, _ = strings.Cut(answer, " ")
	}
	w.Header().Set("Location", "/x/all?token=s3cret")
	w.WriteHeader(status)
	fmt.Fprint(w, answer)
}

// answer sets what is answered at a path.
func (s *stub) answer(path, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = answer
}

// last returns the header of the last request.
func (s *stub) last() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers[len(s.headers)-1]
}

// requests returns those since the last call.
func (s *stub) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

func start(t *testing.T, s *stub) (*i2connect.Connector, error) {
	t.Helper()
	made, err := i2connect.Factory().New(events.Props(map[string]any{"url": s.URL + "/x/", "configuration": "/config?siteid=z", "id": "c1"}))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := made.(*i2connect.Connector)
	if !ok {
		t.Fatalf("%T", made)
	}
	t.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	err = c.Start(t.Context(), connectors.NewContext(connectors.Settings{}))
	return c, err
}

func acquire(ctx context.Context, c *i2connect.Connector, call string) (got []dataservice.DataEntity, err error) {
	d := dataservice.Dispatcher{Capabilities: dataservice.CapabilitiesOf(c)}
	err = d.Serve(ctx, dataservice.VerbAcquire, []byte(call), func(v any) error {
		e, ok := v.(*dataservice.DataEntity)
		if ok {
			got = append(got, *e)
		}
		return nil
	})
	return got, err
}

const config = `{"version":"1.2","defaultValues":{"timeZoneId":"Europe/London","linkDirection":"WITH"},"services":[
	{"id":"all","name":"All","acquireUrl":"/all?siteid=z&key=s3cret"},
	{"id":"hang","name":"Hang","acquireUrl":"/hang"},
	{"id":"slow","name":"Slow","async":{"queriesResource":"/q"}},
	{"id":"find","name":"Find","acquireUrl":"/find","validateUrl":"/check","clientConfigId":"f","seedConstraints":{}}],
	"clientConfigs":[{"id":"f","type":"FORM","config":{"sections":[{"conditions":[
		{"id":"color","label":"Color","logicalType":"SELECTED_FROM","mandatory":true,"possibleValues":[{"value":"Red"},{"value":"Blue"}]},
		{"id":"duration","label":"Duration","logicalType":"INTEGER","minValue":0,"maxValue":60},
		{"id":"name","label":"Name","logicalType":"SINGLE_LINE_STRING","extraStringValidation":{"regex":"^a","message":"begin with a"}}]}]}}]}`

func TestServices(t *testing.T) {
	t.Parallel()
	s := newStub(t, config)
	c, err := start(t, s)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		all, err := c.Services(t.Context())
		if err != nil || len(all) != 4 || all[3].Form.Sections[0].Fields[1].Type != dataservice.TypeInteger || all[2].Unavailable == "" {
			t.Errorf("%+v, %v", all, err)
		}
	}
	if diff := cmp.Diff([]string{"GET /x/config?siteid=z "}, s.requests()); diff != "" {
		t.Error(diff)
	}
	if got := s.last().Get("I2-Spi-Versions"); got != "1.4" {
		t.Error(got)
	}
	if err := c.Test(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAcquire(t *testing.T) {
	t.Parallel()
	s := newStub(t, config)
	c, err := start(t, s)
	if err != nil {
		t.Fatal(err)
	}
	s.requests()
	s.answer("/x/all", `{"links":[{"id":"l","typeId":"L","fromEndId":"1","toEndId":"seed"}],"entities":[{"id":"1","typeId":"T","properties":{"n":7,"none":null}}]}`)
	got, err := acquire(t.Context(), c, `{"request":{"caller":{"language":"en-gb"}},"input":{"service":"all"}}`)
	want := []dataservice.DataEntity{
		{ID: "1", Object: "T", Properties: dataservice.Values{"n": int64(7)}},
		{ID: "l", Object: "L", From: "1", To: "seed", Properties: dataservice.Values{"@linkDirection": "WITH"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{`POST /x/all?siteid=z&key=s3cret {"payload":{"conditions":[],"seeds":{}}}`}, s.requests()); diff != "" {
		t.Error(diff)
	}
	last := s.last()
	if last.Get("I2-Spi-Versions") != "1.4" || last.Get("Accept-Language") != "en-gb" || last.Get("Content-Type") != "application/json" {
		t.Error(last)
	}

	// What the form does not take is not sent; what it takes is validated first.
	for _, fields := range []string{`{}`, `{"color":"Pink"}`, `{"color":"Red","duration":61}`, `{"color":"Red","name":"bob"}`} {
		if _, err := acquire(t.Context(), c, `{"input":{"service":"find","fields":`+fields+`}}`); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%s: %v", fields, err)
		}
	}
	if seen := s.requests(); len(seen) > 0 {
		t.Error(seen)
	}
	s.answer("/x/find", `{}`)
	for _, valid := range []string{``, `{}`, `{"errorMessage":null,"entities":null}`} {
		s.answer("/x/check", valid)
		if got, err := acquire(t.Context(), c, `{"input":{"service":"find","fields":{"color":"Red"}}}`); err != nil || len(got) > 0 {
			t.Errorf("%s: %v, %v", valid, got, err)
		}
		const body = ` {"payload":{"conditions":[{"id":"color","logicalType":"SELECTED_FROM","value":"Red"}],"seeds":{}}}`
		if diff := cmp.Diff([]string{"POST /x/check" + body, "POST /x/find" + body}, s.requests()); diff != "" {
			t.Error(diff)
		}
	}
	s.answer("/x/check", `{"errorMessage":"not today"}`)
	if _, err := acquire(t.Context(), c, `{"input":{"service":"find","fields":{"color":"Red"}}}`); events.CodeOf(err) != events.CodeInvalid || len(s.requests()) != 1 {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	s := newStub(t, config)
	c, err := start(t, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		answer string
		want   events.Error
	}{
		{`{"entities":[],"errorMessage":"no such person"}`, events.Error{Code: events.CodeInvalid}},
		{``, events.Error{Code: events.CodeConnection}},
		{`<html>`, events.Error{Code: events.CodeConnection}},
		{`{"entities":[{"id":"1","typeId":"T"}`, events.Error{Code: events.CodeConnection, Pointer: "/entities"}},
		{`{"entities":[{"id":"1"}]}`, events.Error{Code: events.CodeConnection, Pointer: "/entities/0/typeId"}},
		{`{"entities":[{"id":"1","typeId":7}]}`, events.Error{Code: events.CodeConnection, Pointer: "/entities/0/typeId"}},
		{`500 <html>token=s3cret</html>`, events.Error{Code: events.CodeConnection}},
		{`401 {"title":"Log in"}`, events.Error{Code: events.CodeConnection}},
		{`503 {"title":"Busy","detail":null}`, events.Error{Code: events.CodeUnavailable}},
		{`302 `, events.Error{Code: events.CodeConnection}},
	} {
		s.answer("/x/all", test.answer)
		_, err := acquire(t.Context(), c, `{"input":{"service":"all"}}`)
		e := events.AsError(err)
		if err == nil || e.Code != test.want.Code || e.Pointer != test.want.Pointer || strings.Contains(e.Error(), "s3cret") {
			t.Errorf("%s: %v", test.answer, err)
		}
	}
	_, err = acquire(t.Context(), c, `{"input":{"service":"slow"}}`)
	if e := events.AsError(err); err == nil || e.Code != events.CodeUnsupported || !strings.Contains(e.Message, "/services/2/async") {
		t.Error(err)
	}
	s.Close()
	if _, err := acquire(t.Context(), c, `{"input":{"service":"all"}}`); events.CodeOf(err) != events.CodeConnection || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestAConnectorThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]events.Error{
		`404 -`: {Code: events.CodeConnection}, `[]`: {Code: events.CodeConnection, Pointer: "/config"}, `null`: {Code: events.CodeConnection, Pointer: "/config"},
		`{"version":"2.0","services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`: {Code: events.CodeConnection, Pointer: "/version"},
		`{"version":1.2}`:           {Code: events.CodeConnection, Pointer: "/config/version"},
		`{}`:                        {Code: events.CodeConnection, Pointer: "/services"},
		`{"userConfigUrl":"/user"}`: {Code: events.CodeUnsupported, Pointer: "/userConfigUrl"},
	} {
		_, err := start(t, newStub(t, config))
		if e := events.AsError(err); err == nil || e.Code != want.Code || e.Pointer != want.Pointer {
			t.Errorf("%s: %v", config, err)
		}
	}
	for url, pointer := range map[string]string{"": "/url", "ftp://h": "/url", "http://user:s3cret@h": "/url", "http://h?key=s3cret": "/url"} {
		_, err := i2connect.Factory().New(events.Props(map[string]any{"url": url}))
		if e := events.AsError(err); err == nil || e.Pointer != pointer || strings.Contains(err.Error(), "s3cret") || !connectors.IsPermanent(err) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A request that is canceled ends at the connector.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := newStub(t, config)
	c, err := start(t, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for entity, err := range c.Acquire(ctx, dataservice.ServiceInput{Service: "hang"}) {
		if entity.ID == "1" {
			cancel()
			continue
		}
		if err == nil || ctx.Err() == nil {
			t.Errorf("%v, %v", entity, err)
		}
	}
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		t.Error("the request goes on")
	}
}
