package integration_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/connectors/postgres/postgrestest"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// world is a third-party technology behind a connector, and what its connector is
// asked for: the same at the command line, over HTTP and over NATS.
type world struct {
	name, resource string
	env            []string
	// command, path and body, verb and call ask the same.
	command    []string
	path, body string
	verb, call string
	// says is in each of the answers.
	says []string
}

const petstore = `openapi: 3.0.3
info: {title: Pets, version: "1"}
paths:
  /pet/{petId}:
    get:
      operationId: getPetById
      parameters: [{name: petId, in: path, required: true, schema: {type: integer, format: int64}}]
      responses:
        "200":
          description: A pet
          content:
            application/json:
              schema: {type: object, properties: {id: {type: integer, format: int64}, name: {type: string}}}
`

// TestThreeWorlds asks a table, an operation of an API and a service of i2 Connect by
// the same verbs, at the command line, over HTTP and over NATS.
func TestThreeWorlds(t *testing.T) {
	t.Parallel()
	built := buildPrograms(t)
	for name, of := range map[string]func(t *testing.T, dir string) world{"postgres": aTable, "openapi": anAPI, "i2connect": anI2Service} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			askEverywhere(t, camena{programs: built, dir: dir}, of(t, dir))
		})
	}
}

func aTable(t *testing.T, _ string) world {
	t.Helper()
	var server postgrestest.Server
	t.Cleanup(server.Stop)
	at := server.New(t)
	postgrestest.Exec(t, at, `CREATE TABLE pets (id bigint PRIMARY KEY, name text); INSERT INTO pets VALUES (9007199254740993, 'Rex'), (2, 'Tom')`)
	password, _ := at.User.Password()
	return world{
		name: "db", env: []string{"WORLD_PASSWORD=" + password},
		resource: fmt.Sprintf("{host: %s, port: %s, database: %s, user: %s, password: 'env:WORLD_PASSWORD', tls: disable}",
			at.Hostname(), at.Port(), strings.TrimPrefix(at.Path, "/"), at.User.Username()),
		command: []string{"query", "db", "pets", "--where", "id > 2", "-o", "ndjson"},
		path:    "/queries", body: `{"root": {"object": "pets"}, "where": {"property": "id", "operator": "gt", "value": 2}}`,
		verb: "query", call: `{"input": {"root": {"object": "pets"}, "where": {"property": "id", "operator": "gt", "value": 2}}}`,
		says: []string{"9007199254740993", "Rex"},
	}
}

func anAPI(t *testing.T, dir string) world {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/pet/9007199254740993" {
			fmt.Fprint(w, `{"id": 9007199254740993, "name": "Rex"}`)
		}
	}))
	t.Cleanup(api.Close)
	document := keep(t, dir, "pets.yaml", []byte(petstore))
	return world{
		name: "api", resource: fmt.Sprintf("{document: %s, server: %s}", document, api.URL),
		command: []string{"query", "api", "pet", "--where", "id = 9007199254740993", "-o", "ndjson"},
		path:    "/queries", body: `{"root": {"object": "pet"}, "where": {"property": "id", "operator": "eq", "value": 9007199254740993}}`,
		verb: "query", call: `{"input": {"root": {"object": "pet"}, "where": {"property": "id", "operator": "eq", "value": 9007199254740993}}}`,
		says: []string{"9007199254740993", "Rex"},
	}
}

func anI2Service(t *testing.T, _ string) world {
	t.Helper()
	connector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/config":
			fmt.Fprint(w, `{"version": "1.2", "services": [{"id": "all", "name": "All", "acquireUrl": "/all"}]}`)
		case "/all":
			fmt.Fprint(w, `{"entities": [{"id": "1", "typeId": "ET1", "properties": {"PT1": "Rex"}}], "links": []}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(connector.Close)
	return world{
		name: "registry", resource: fmt.Sprintf("{url: %s}", connector.URL),
		command: []string{"services", "run", "registry", "all", "-o", "ndjson"},
		path:    "/services/all", body: `{}`,
		verb: "acquire", call: `{"input": {"service": "all"}}`,
		says: []string{"Rex"},
	}
}

// askEverywhere runs a node with the connector, and asks it in three ways.
func askEverywhere(t *testing.T, c camena, w world) {
	t.Helper()
	kind := map[string]string{"db": "postgres", "api": "openapi", "registry": "i2connect"}[w.name]
	file := keep(t, c.dir, "world.yaml", fmt.Appendf(nil, "kind: IntegrationConnector\nname: %s\nconnector: %s\nconfiguration: %s\n", w.name, kind, w.resource))
	node := start(t, c.with(w.env...).with("CAMENA_NATS_PORT=-1", "CAMENA_HTTP_LISTEN=127.0.0.1:0").command(t.Context(), "serve", "-f", file))
	runtimetest.Eventually(t, "the connector answers", func() bool {
		code, _ := c.run(t, w.command...)
		return code == 0
	})
	_, printed := c.run(t, w.command...)
	says(t, "command line", printed, w.says)

	gateway := regexp.MustCompile(`url=(http://\S+)`).FindStringSubmatch(node.output.String())
	if gateway == nil {
		t.Fatal("the node does not say where it serves HTTP")
	}
	says(t, "HTTP", post(t, gateway[1]+"/api/v1/connections/"+url.PathEscape(w.name)+w.path, w.body), w.says)

	address, err := os.ReadFile(filepath.Join(c.dir, "data", "nats.url"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(strings.TrimSpace(string(address)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := conn.Request("camena.api.connection."+w.name+"."+w.verb, []byte(w.call), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	says(t, "NATS", string(answer.Data), w.says)
}

func says(t *testing.T, where, answer string, texts []string) {
	t.Helper()
	t.Logf("%s: %s", where, strings.TrimSpace(answer))
	for _, text := range texts {
		if !strings.Contains(answer, text) {
			t.Errorf("%s: %q is not in %s", where, text, answer)
		}
	}
}

func post(t *testing.T, url, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", url, answer.StatusCode, data, err)
	}
	return string(data)
}
