package openapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi"
	"github.com/camena-io/camena/events"
)

// The first alternative that is configured whole is used; no other credentials go.
func TestCredentials(t *testing.T) {
	t.Parallel()
	env := "env:CAMENA_TEST_SECRET"
	tests := map[string]struct {
		credentials                  map[string]any
		action, uri, header, pointer string
	}{
		"none":            {nil, "search", "/v2/articles/search", "", ""},
		"key in a query":  {map[string]any{"key": env, "user": env}, "search", "/v2/articles/search?api%20key=pa55%20w0rd%2F%2B", "", ""},
		"basic":           {map[string]any{"user": "env:CAMENA_TEST_LOGIN"}, "search", "/v2/articles/search", "Basic YW5uOnBhNTUgdzByZC8r", ""},
		"bearer":          {map[string]any{"token": env}, "readAgain", "/v2/files/x.txt", "Bearer " + secret, ""},
		"may be none":     {map[string]any{"user": env}, "readAgain", "/v2/files/x.txt", "", ""},
		"only one of two": {map[string]any{"user": env}, "readFile", "", "", "/credentials"},
		"needs none":      {map[string]any{"token": env}, "removeArticle", "/v2/articles/1", "", ""},
		"missing":         {map[string]any{"token": "env:CAMENA_TEST_NOTHING"}, "readAgain", "", "", "/credentials/token"},
	}
	inputs := map[string]string{"search": "", "readAgain": `"path.name": "x"`, "readFile": `"path.name": "x"`, "removeArticle": `"path.articleId": 1`}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStub(t)
			c := connect(t, shop, s.URL, test.credentials)
			_, err := ask(t, c, dataservice.VerbExecute, `{"action": "`+test.action+`", "input": [{"object": "`+test.action+`", "properties": {`+inputs[test.action]+`}}]}`)
			if test.pointer != "" {
				e, ok := errors.AsType[*events.Error](err)
				if !ok || e.Code != events.CodeConnection || e.Pointer != test.pointer || len(s.requests()) != 0 {
					t.Errorf("%v, %q", err, s.requests())
				}
				return
			}
			if err != nil || len(s.requests()) != 1 {
				t.Fatalf("%v, %q", err, s.requests())
			}
			_, uri, _ := strings.Cut(s.requests()[0], " ")
			same(t, "uri", uri, test.uri)
			same(t, "header", s.header("Authorization"), test.header)
		})
	}
}

// What is wrong is told by its field, without secrets.
func TestConfigurationsThatAreWrong(t *testing.T) {
	t.Parallel()
	relative := filepath.Join(t.TempDir(), "relative.json")
	old := filepath.Join(t.TempDir(), "old.json")
	for path, text := range map[string]string{relative: `{"openapi": "3.0.0", "servers": [{"url": "/v1"}]}`, old: `{"swagger": "2.0"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for configuration, want := range map[string]struct {
		code    events.Code
		pointer string
	}{
		`{}`:                                 {events.CodeInvalid, "/document"},
		`{"document": "testdata/none.yaml"}`: {events.CodeInvalid, "/document"},
		`{"document": "` + old + `"}`:        {events.CodeUnsupported, "/document"},
		`{"document": "` + relative + `"}`:   {events.CodeInvalid, "/server"},
		`{"document": "` + shop + `", "server": "ftp://host"}`:                            {events.CodeInvalid, "/server"},
		`{"document": "` + shop + `", "server": "http://ann:pa55@host"}`:                  {events.CodeInvalid, "/server"},
		`{"document": "` + shop + `", "server": "` + closed.URL + `"}`:                    {events.CodeConnection, "/server"},
		`{"document": "` + shop + `", "credentials": {"none": "env:CAMENA_TEST_SECRET"}}`: {events.CodeInvalid, "/credentials/none"},
		`{"document": "` + shop + `", "credentials": {"key": "pa55"}}`:                    {events.CodeInvalid, "/credentials/key"},
	} {
		p, err := events.ParseProperties([]byte(configuration))
		if err != nil {
			t.Fatal(err)
		}
		made, err := openapi.Factory().New(p)
		if err == nil {
			err = made.Start(t.Context(), connectors.NewContext(connectors.Settings{}))
			if err := made.Disconnect(t.Context()); err != nil {
				t.Error(err)
			}
		}
		e, ok := errors.AsType[*events.Error](err)
		if !ok || e.Code != want.code || e.Pointer != want.pointer || strings.Contains(err.Error(), "pa55") {
			t.Errorf("%s: %v", configuration, err)
		}
		if ok && connectors.IsPermanent(err) == (e.Code == events.CodeConnection) {
			t.Errorf("%s: permanent: %v", configuration, connectors.IsPermanent(err))
		}
	}
}
