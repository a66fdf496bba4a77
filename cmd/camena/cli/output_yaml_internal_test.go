package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// asYAML are what commands, by their names, can be asked for one after the other
// where testdata/examples is prepared.
func asYAML() map[string]string {
	const dryRun = " --dry-run"
	return map[string]string{
		"health":                       "",
		"bench changes":                "--messages 10 --rounds 1 --set 0 --latency 0",
		"bench cycles":                 "--connectors 1 --interval 1s --rounds 1",
		"bench queries":                "--elements 10 --duration 10ms --searches 1",
		"changeset apply":              "-f change.yaml" + dryRun,
		"connection form":              "api",
		"connection test":              "api",
		"connectors check":             "api",
		"connectors kinds":             "files",
		"connectors get":               "here",
		"describe":                     "api",
		"exec":                         "api pet pet.input --set path.petId=1",
		"query":                        "api pet --where 'id = 1'",
		"services list":                "registry",
		"services run":                 "registry all",
		"connectors list":              "",
		"connectors refresh":           "here",
		"dlq list":                     "",
		"dlq show":                     "1",
		"elements classify":            "Topic::orders Ownership" + dryRun,
		"elements count":               "",
		"elements create":              "Topic Topic::new" + dryRun,
		"elements declassify":          "Topic::orders Ownership" + dryRun,
		"elements delete":              "Topic::orders" + dryRun,
		"elements external-id add":     "Person::17 4712 --scope SoftwareCapability::crm" + dryRun,
		"elements external-id remove":  "Person::17 4711 --scope SoftwareCapability::crm" + dryRun,
		"elements external-id resolve": "Person::17 4711 --scope SoftwareCapability::crm --winner third-party" + dryRun,
		"elements external-id confirm": "Person::17 4711 --scope SoftwareCapability::crm --time 2026-01-01" +
			dryRun,
		"elements from-template": "'Server::~{host}~' --placeholder host=a --placeholder port=1" + dryRun,
		"elements get":           "Topic::orders",
		"elements graph":         "Topic::orders",
		"elements history":       "Topic::orders",
		"elements lineage":       "Topic::orders",
		"elements link":          "DataFlow Topic::orders Topic::invoices" + dryRun,
		"elements list":          "",
		"elements publish":       "Topic::orders" + dryRun,
		"elements rehome":        "Topic::orders --to x" + dryRun,
		"elements related":       "Topic::orders",
		"elements restore":       "Topic::orders" + dryRun,
		"elements retype":        "DataFile::b.csv CSVFile" + dryRun,
		"elements unlink":        "DataFlow Topic::orders Topic::invoices" + dryRun,
		"elements update":        "Topic::orders --set description=x" + dryRun,
		"elements upsert":        "Topic Topic::orders" + dryRun,
		"elements withdraw":      "Topic::orders" + dryRun,
		"export":                 "export.ndjson",
		"import":                 "archive.json",
		"nodes list":             "",
		"types apply":            "-f my-types.yaml" + dryRun,
		"types get":              "Topic",
		"types list":             "",
		"watch":                  "--from 1 --count 2",
	}
}

// Whatever has -o prints YAML where that is asked for.
func TestEveryOutputIsYAML(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	prepared, err := filepath.Abs(filepath.Join("testdata", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"here.yaml": "kind: IntegrationConnector\nname: here\nconnector: files\nconfiguration: {path: !path my-types, hostName: here}\n",
		"archive.json": `{"class": "OpenMetadataArchive", "archiveProperties": {"archiveName": "Town"}, "archiveInstanceStore": {"entities": [
			{"type": {"typeDefName": "Glossary"}, "guid": "aaaaaaaa-0000-4000-8000-000000000001", "properties": {"instanceProperties": {
			"qualifiedName": {"class": "PrimitivePropertyValue", "primitiveDefCategory": "OM_PRIMITIVE_TYPE_STRING", "primitiveValue": "Glossary:town"}}}}]}}`,
		"pets.yaml": `openapi: 3.0.3
info: {title: Pets, version: "1"}
paths:
  /pet/{petId}:
    get:
      parameters: [{name: petId, in: path, required: true, schema: {type: integer, format: int64}}]
      responses:
        "200": {description: A pet, content: {application/json: {schema: {type: object, properties: {id: {type: integer}}}}}}
`,
		"third.yaml": fmt.Sprintf("kind: IntegrationConnector\nname: api\nconnector: openapi\nconfiguration: {document: !path pets.yaml, server: %[1]s}\n"+
			"---\nkind: IntegrationConnector\nname: registry\nconnector: i2connect\nconfiguration: {url: %[1]s}\n", thirdParty(t)),
	} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.run(t, "cp -r '"+prepared+"'/. . && sh -e prepare.sh && camena apply -f here.yaml -f third.yaml && nats req camena.in.test nonsense"+
		" && until camena dlq list | grep -q invalid; do :; done"+
		" && until camena describe api >/dev/null 2>&1 && camena services list registry >/dev/null 2>&1; do :; done")
	arguments := asYAML()
	for _, name := range commandsWithOutput() {
		args, ok := arguments[name]
		if !ok {
			t.Errorf("nobody tests %q -o yaml", name)
			continue
		}
		out, err := f.sh(t, "camena "+name+" "+args+" -o yaml").Output()
		if err != nil {
			t.Errorf("%s %s: %v", name, args, err)
		} else if err := documentsOfYAML(out); err != "" {
			t.Errorf("%s %s: %s\n%s", name, args, err, out)
		}
	}
}

// thirdParty is an API and a connector of i2 Connect.
func thirdParty(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, map[string]string{
			"/pet/1":  `{"id": 1}`,
			"/config": `{"version": "1.2", "services": [{"id": "all", "name": "All", "acquireUrl": "/all"}]}`,
			"/all":    `{"entities": [{"id": "1", "typeId": "ET1", "properties": {"PT1": "Rex"}}], "links": []}`,
		}[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func commandsWithOutput() (names []string) {
	var gather func(*cobra.Command)
	gather = func(c *cobra.Command) {
		if c.Flags().Lookup("output") != nil {
			names = append(names, strings.TrimPrefix(c.CommandPath(), "camena "))
		}
		for _, below := range c.Commands() {
			gather(below)
		}
	}
	gather(wholeProgram().rootCommand())
	slices.Sort(names)
	return names
}

// documentsOfYAML says what is wrong with what should be YAML, and not JSON, which
// YAML readers take, too.
func documentsOfYAML(out []byte) string {
	dec, n := yaml.NewDecoder(strings.NewReader(string(out))), 0
	for {
		var v any
		err := dec.Decode(&v)
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			if jsontext.Value(out).IsValid() && len(out) > len("[]\n") {
				return "it is JSON"
			}
			return ""
		case err != nil:
			return err.Error()
		}
		n++
	}
}
