package openapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi"
	"github.com/camena-io/camena/events"
)

const secret = "pa55 w0rd/+"

func TestMain(m *testing.M) {
	if err := os.Setenv("CAMENA_TEST_SECRET", secret); err != nil {
		panic(err)
	}
	if err := os.Setenv("CAMENA_TEST_LOGIN", "ann:"+secret); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// stub is an API that records what it is sent, and answers with what a test wants.
type stub struct {
	*httptest.Server

	mu      sync.Mutex
	answers []answer
	got     []string
	headers []http.Header
}

type answer struct {
	status      int
	contentType string
	body        string
}

func newStub(t *testing.T) *stub {
	t.Helper()
	s := &stub{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			return // a test of the connection
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
		s.headers = append(s.headers, r.Header)
		a := answer{status: http.StatusOK, body: "{}"}
		if len(s.answers) > 0 {
			a, s.answers = s.answers[0], s.answers[1:]
		}
		if a.contentType == "" {
			a.contentType = "application/json"
		}
		w.Header().Set("Content-Type", a.contentType)
		w.WriteHeader(a.status)
		if _, err := io.WriteString(w, a.body); err != nil {
			t.Log(err) // the connector need not read to the end
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// answer says how the next requests are answered.
func (s *stub) answer(answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.got, s.headers = answers, nil, nil
}

// requests returns what was sent since.
func (s *stub) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.got...)
}

func (s *stub) header(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers[len(s.headers)-1].Get(name)
}

// connect starts a connector for a document at a stub.
func connect(t *testing.T, document, server string, credentials map[string]any) *openapi.Connector {
	t.Helper()
	if _, err := os.Stat(document); errors.Is(err, os.ErrNotExist) && strings.Contains(document, "shared") && os.Getenv("CAMENA_REQUIRE_SAMPLES") != "1" {
		t.Skipf("needs the real document %s; the fixtures of testdata have its essentials, and CAMENA_REQUIRE_SAMPLES=1 forbids to skip", document)
	}
	configuration := map[string]any{"document": document, "server": server}
	if credentials != nil {
		configuration["credentials"] = credentials
	}
	made, err := openapi.Factory().New(events.Props(configuration))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := made.(*openapi.Connector)
	if !ok {
		t.Fatalf("the factory makes a %T", made)
	}
	if err := made.Start(t.Context(), connectors.NewContext(connectors.Settings{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

const (
	shop     = "testdata/shop.yaml"
	petstore = "../../../shared/openapi/petstore-3.0.4.yaml"
)

// ask asks a connector as the bus does, and returns the answers as JSON.
func ask(t *testing.T, c *openapi.Connector, verb dataservice.Verb, input string) ([]string, error) {
	t.Helper()
	d := &dataservice.Dispatcher{Capabilities: dataservice.CapabilitiesOf(c)}
	var all []string
	err := d.Serve(t.Context(), verb, []byte(`{"input": `+input+`}`), func(part any) error {
		raw, err := events.Marshal(part)
		all = append(all, string(raw))
		return err
	})
	return all, err
}

// execute executes an action on one entity, and returns the row.
func execute(t *testing.T, c *openapi.Connector, action, entity string) dataservice.RowResult {
	t.Helper()
	rows, err := ask(t, c, dataservice.VerbExecute, `{"action": "`+action+`", "input": [`+entity+`]}`)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%s: %d rows, %v", action, len(rows), err)
	}
	row, err := events.Unmarshal[dataservice.RowResult]([]byte(rows[0]))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("%s (-got +want):\n%s", what, diff)
	}
}

// Values reach the API in their place, with all their digits, and nothing else.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, shop, s.URL, nil)
	for entity, want := range map[string]string{
		`{"object": "listArticles"}`: "GET /v2/articles",
		`{"object": "listArticles", "properties": {"query.tag": ["a&b", "ü c"], "query.ids": [1, 9007199254740993]}}`: "GET /v2/articles?tag=a%26b&tag=%C3%BC%20c&ids=1,9007199254740993",
		`{"object": "listArticles", "properties": {"query.filter": {"x": 0, "y z": ""}}}`:                             "GET /v2/articles?x=0&y%20z=",
		`{"object": "getArticle", "properties": {"path.articleId": 9223372036854775807}}`:                             "GET /v2/articles/9223372036854775807",
		`{"object": "readFile", "properties": {"path.name": "a/b c?%#.."}}`:                                           "GET /v2/files/a%2Fb%20c%3F%25%23...txt",
		`{"object": "search", "properties": {"body": {"a b": [1, 2], "c": "&"}}}`:                                     "POST /v2/articles/search a%20b=1&a%20b=2&c=%26",
		`{"object": "picture", "properties": {"path.articleId": 1, "body": "AAEC"}}`:                                  "PUT /v2/articles/1/picture \x00\x01\x02",
		`{"object": "addArticle", "properties": {"body": {"id": 9007199254740993, "price": 1.10}}}`:                   `POST /v2/articles {"id":9007199254740993,"price":1.10}`,
	} {
		s.answer()
		e, err := events.Unmarshal[dataservice.DataEntity]([]byte(entity))
		if err != nil {
			t.Fatal(err)
		}
		row := execute(t, c, e.Object, entity)
		if !row.Success {
			t.Errorf("%s: %v", entity, row.Error)
		}
		same(t, entity, s.requests(), []string{want})
	}
	s.answer()
	execute(t, connect(t, shop, s.URL+"/own/", nil), "search", `{"object": "search"}`)
	same(t, "a server with a path", s.requests(), []string{"POST /own/articles/search"})
	execute(t, c, "listArticles", `{"object": "listArticles", "properties": {"header.tenant": "north"}}`)
	same(t, "a header", s.header("tenant"), "north")
}

// What cannot be sent is not.
func TestInputThatIsWrong(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, shop, s.URL, nil)
	s.answer()
	for entity, property := range map[string]string{
		`{"object": "readFile", "properties": {"path.name": ".."}}`:                        "path.name",
		`{"object": "readFile", "properties": {"path.name": ""}}`:                          "path.name",
		`{"object": "readFile"}`:                                                           "path.name",
		`{"object": "addArticle"}`:                                                         "body",
		`{"object": "listArticles", "properties": {"header.tenant": "a\r\nX-Evil: 1"}}`:    "header.tenant",
		`{"object": "listArticles", "properties": {"query.nothing": 1}}`:                   "query.nothing",
		`{"object": "getArticle", "properties": {"path.articleId": 9223372036854775808}}`:  "path.articleId",
		`{"object": "articles", "properties": {"id": 5, "title": "t", "price": 1}}`:        "id",
		`{"object": "articles", "properties": {"title": "t", "price": 1, "weight": "no"}}`: "weight",
	} {
		e, err := events.Unmarshal[dataservice.DataEntity]([]byte(entity))
		if err != nil {
			t.Fatal(err)
		}
		action := e.Object
		if action == "articles" {
			action = "Create"
		}
		if row := execute(t, c, action, entity); row.Success || row.Error == nil || !strings.Contains(row.Error.Description, "/properties/"+property) {
			t.Errorf("%s: %+v", entity, row)
		}
	}
	same(t, "requests", s.requests(), []string{})
	_, err := ask(t, c, dataservice.VerbExecute, `{"action": "search", "test": true, "input": [{"object": "search"}]}`)
	if e, ok := errors.AsType[*events.Error](err); !ok || e.Code != events.CodeUnsupported || e.Pointer != "/input/test" {
		t.Errorf("a test: %v", err)
	}
}

// Answers keep their types, whether the document knows them or not.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, shop, s.URL, nil)
	s.answer(
		answer{200, "", `[{"id": 9007199254740993, "price": 1.10, "weight": 2, "since": "2026-01-02T03:04:05+01:00", "tags": ["a"], "more": {"@id": "x"}, "title": null}]`},
		answer{200, "text/plain", "hello"}, answer{200, "application/json", `"only text"`}, answer{200, "application/octet-stream", "\xff\x00"}, answer{204, "", ""},
	)
	row := execute(t, c, "listArticles", `{"object": "listArticles"}`)
	same(t, "rows", row.Output.Children["result"][0].Object, "articles")
	got, err := events.Marshal(row.Output.Children["result"][0].Properties)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a typed row", string(got), `{"id":9007199254740993,"more":{"@json":{"@id":"x"}},"price":{"@decimal":"1.10"},"since":{"@time":"2026-01-02T03:04:05+01:00"},"tags":["a"],"title":null,"weight":{"@double":"2"}}`)
	for _, want := range []dataservice.Values{
		{"response.status": int64(200), "response.body": "hello"},
		{"response.status": int64(200), "response.body": jsontext.Value(`"only text"`)},
		{"response.status": int64(200), "response.body": []byte("\xff\x00")},
		{"response.status": int64(204)},
	} {
		row := execute(t, c, "search", `{"object": "search"}`)
		same(t, "an answer", row.Output.Properties, want)
	}
}

// An answer that is no success is an error of the row, with its status and body.
func TestAnswersThatAreNoSuccess(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, shop, s.URL, map[string]any{"user": "env:CAMENA_TEST_LOGIN"})
	s.answer(answer{404, "application/problem+json", `{"title": "no"}`}, answer{302, "", ""}, answer{500, "text/html", "your password " + secret + " is wrong" + strings.Repeat("x", 10_000)})
	row := execute(t, c, "search", `{"object": "search"}`)
	same(t, "not found", row.Error, &dataservice.RowError{Number: 404, Description: "the API answered 404 Not Found", Detail: `{"title": "no"}`})
	if row := execute(t, c, "search", `{"object": "search"}`); row.Error.Number != http.StatusFound {
		t.Errorf("elsewhere: %+v", row)
	}
	row = execute(t, c, "search", `{"object": "search"}`)
	if row.Error.Number != 500 || strings.Contains(row.Error.Detail, secret) || !strings.Contains(row.Error.Detail, "[redacted]") || len(row.Error.Detail) > 5000 {
		t.Errorf("a secret that comes back: %+v", row.Error)
	}
	for status, code := range map[int]events.Code{
		401: events.CodeConnection, 400: events.CodeInvalid, 409: events.CodeConflict, 429: events.CodeUnavailable, 503: events.CodeUnavailable,
	} {
		s.answer(answer{status, "", "{}"})
		_, err := ask(t, c, dataservice.VerbQuery, `{"root": {"object": "articles"}}`)
		refused, ok := errors.AsType[*openapi.StatusError](err)
		if !ok || refused.Status != status || refused.Body != "{}" || events.CodeOf(err) != code {
			t.Errorf("%d: %v", status, err)
		}
	}
	s.answer(answer{200, "", strings.Repeat(" ", openapi.MaxAnswer+1)})
	if row := execute(t, c, "search", `{"object": "search"}`); row.Error == nil {
		t.Error("an answer that is too large is a success")
	}
}

// An entity is created, read, listed, changed and deleted.
func TestEntities(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, shop, s.URL, nil)
	one := `{"id": 9007199254740993, "title": "t"}`
	s.answer(answer{201, "", one}, answer{200, "", one}, answer{200, "", "[" + one + `, {"id": 2, "title": "u"}]`}, answer{404, "", "{}"}, answer{200, "", one}, answer{204, "", ""})
	row := execute(t, c, "create", `{"object": "articles", "properties": {"title": "t", "price": 1.50, "tags": "x"}}`)
	same(t, "created", row.Output.Properties, dataservice.Values{"id": int64(9007199254740993), "title": "t"})
	for _, test := range []struct {
		where string
		rows  int
	}{
		{`{"property": "id", "operator": "eq", "value": 9007199254740993}`, 1},
		{`{"or": [{"property": "title", "operator": "eq", "value": "u"}, {"property": "id", "operator": "lt", "value": 1}]}`, 1},
		{`{"and": [{"property": "title", "operator": "eq", "value": "t"}, {"property": "articles.id", "operator": "eq", "value": 9}]}`, 0},
	} {
		rows, err := ask(t, c, dataservice.VerbQuery, `{"root": {"object": "articles"}, "where": `+test.where+`}`)
		if err != nil || len(rows) != test.rows {
			t.Errorf("%s: %d rows, %v", test.where, len(rows), err)
		}
	}
	if row := execute(t, c, "Update", `{"object": "articles", "properties": {"id": 7, "weight": null}}`); !row.Success {
		t.Errorf("updated: %+v", row.Error)
	}
	if row := execute(t, c, "Delete", `{"object": "articles", "properties": {"id": 7}}`); !row.Success || row.Affected != 1 {
		t.Errorf("deleted: %+v", row)
	}
	same(t, "requests", s.requests(), []string{
		`POST /v2/articles {"price":1.50,"tags":["x"],"title":"t"}`, "GET /v2/articles/9007199254740993", "GET /v2/articles", "GET /v2/articles/9",
		`PATCH /v2/articles/7 {"weight":null}`, "DELETE /v2/articles/7",
	})
}

// Cancellation reaches the API: its request ends.
func TestCancellation(t *testing.T) {
	t.Parallel()
	arrived, ended := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			return
		}
		close(arrived)
		<-r.Context().Done()
		close(ended)
	}))
	t.Cleanup(s.Close)
	c := connect(t, shop, s.URL, nil)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := c.Execute(ctx, dataservice.OperationInput{Action: "search", Input: []dataservice.DataEntity{{Object: "search"}}})
		result <- err
	}()
	<-arrived
	cancel()
	<-ended
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What is described is what can be given and what comes.
func TestDescription(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, shop, s.URL, nil)
	objects, err := ask(t, c, dataservice.VerbObjects, "{}")
	if err != nil || len(objects) < 10 || !strings.Contains(objects[0], `"actions":["Query","Create","Update","Delete"]`) {
		t.Errorf("%q, %v", objects, err)
	}
	object, err := c.Object(t.Context(), "changeArticle")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]dataservice.Type{}
	for _, p := range object.Properties {
		got[p.Name] = p.Type
	}
	same(t, "properties", got, map[string]dataservice.Type{
		"path.articleId": dataservice.TypeInteger, "body": dataservice.TypeJSON,
		"response.status": dataservice.TypeInteger, "response.body": dataservice.TypeJSON, "result": "articles",
	})
}

// Operations and the entity pet of the petstore, as its document has them.
func TestPetstore(t *testing.T) {
	t.Parallel()
	s := newStub(t)
	c := connect(t, petstore, s.URL, map[string]any{"petstore_auth": "env:CAMENA_TEST_SECRET", "api_key": "env:CAMENA_TEST_SECRET"})
	pet := `{"id": 9007199254740993, "name": "Rex", "photoUrls": [], "status": "sold"}`
	s.answer(answer{200, "", "[" + pet + "]"}, answer{200, "", pet}, answer{200, "", `{"code": 200}`}, answer{200, "", pet}, answer{200, "", pet}, answer{404, "", ""}, answer{200, "", ""})
	row := execute(t, c, "findByStatus", `{"object": "findByStatus", "properties": {"query.status": "sold"}}`)
	same(t, "pets", row.Output.Children["result"][0].Properties["id"], any(int64(9007199254740993)))
	same(t, "token", s.header("Authorization"), "Bearer "+secret)
	row = execute(t, c, "getPetById", `{"object": "getPetById", "properties": {"path.petId": 9007199254740993}}`)
	same(t, "a pet", row.Output.Children["result"][0].Object, "pet")
	same(t, "key", s.header("api_key"), secret)
	execute(t, c, "uploadImage", `{"object": "uploadImage", "properties": {"path.petId": 10, "query.additionalMetadata": "a b", "body": "AQI="}}`)
	row = execute(t, c, "Create", `{"object": "pet", "properties": {"name": "Rex", "photoUrls": [], "category": {"id": 9007199254740993}}}`)
	same(t, "created", row.Output.Properties["id"], any(int64(9007199254740993)))
	for where, want := range map[string]int{"9007199254740993": 1} {
		rows, err := ask(t, c, dataservice.VerbQuery, `{"root": {"object": "pet", "properties": ["name"]}, "where": {"property": "id", "operator": "eq", "value": `+where+`}}`)
		if err != nil || len(rows) != want || rows[0] != `{"object":"pet","properties":{"name":"Rex"}}` {
			t.Errorf("%q, %v", rows, err)
		}
	}
	rows, err := ask(t, c, dataservice.VerbQuery, `{"root": {"object": "pet"}, "where": {"property": "id", "operator": "eq", "value": 5}}`)
	if err != nil || len(rows) != 0 {
		t.Errorf("a pet that is not there: %q, %v", rows, err)
	}
	if row := execute(t, c, "Delete", `{"object": "pet", "properties": {"id": 5}}`); !row.Success || row.Affected != 1 {
		t.Errorf("deleted: %+v", row)
	}
	same(t, "requests", s.requests(), []string{
		"GET /api/v3/pet/findByStatus?status=sold", "GET /api/v3/pet/9007199254740993",
		"POST /api/v3/pet/10/uploadImage?additionalMetadata=a%20b \x01\x02",
		`POST /api/v3/pet {"category":{"id":9007199254740993},"name":"Rex","photoUrls":[]}`,
		"GET /api/v3/pet/9007199254740993", "GET /api/v3/pet/5", "DELETE /api/v3/pet/5",
	})
	_, err = ask(t, c, dataservice.VerbQuery, `{"root": {"object": "pet"}, "where": {"property": "name", "operator": "eq", "value": "Rex"}}`)
	if e, ok := errors.AsType[*events.Error](err); !ok || e.Code != events.CodeUnsupported || e.Pointer != "/input/where" {
		t.Errorf("a list that the API does not have: %v", err)
	}
}
