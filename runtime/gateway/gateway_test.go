package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/gateway"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestMain(m *testing.M) { runtimetest.VerifyTestMain(m) }

// face answers at two paths; at one it panics.
type face struct{}

func (face) Routes(mux *http.ServeMux) {
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		gateway.Answer(w, "application/json", http.StatusOK, r.Method)
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("so be it") })
}

func serve(t *testing.T) (url string, client *http.Client) {
	t.Helper()
	g, err := gateway.New(t.Context(), gateway.Settings{Listen: "127.0.0.1:0", Faces: []gateway.Face{face{}}})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, g.Serve)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return g.URL(), &http.Client{Transport: transport}
}

// A page of another site cannot ask what a person can, whatever name leads here.
func TestPagesOfOtherSites(t *testing.T) {
	t.Parallel()
	url, client := serve(t)
	for _, test := range []struct {
		name, method, host, origin, site string
		status                           int
	}{
		{"a program", "POST", "", "", "", 200},
		{"localhost", "POST", "localhost:8484", "", "", 200},
		{"a page of its own", "POST", "", url, "same-origin", 200},
		{"another site", "POST", "", "https://example.com", "cross-site", 403},
		{"another site, an old browser", "POST", "", "https://example.com", "", 403},
		{"a name that leads here", "GET", "evil.example.com", "", "", 403},
		{"a name that leads here, with its origin", "POST", "evil.example.com", "http://evil.example.com", "same-origin", 403},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, url+"/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if test.host != "" {
			r.Host = test.host
		}
		for name, value := range map[string]string{"Origin": test.origin, "Sec-Fetch-Site": test.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		a, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if a.StatusCode != test.status || a.Body.Close() != nil {
			t.Errorf("%s: %d", test.name, a.StatusCode)
		}
	}
}

// A panic ends one request, not the gateway.
func TestAHandlerThatPanics(t *testing.T) {
	t.Parallel()
	url, client := serve(t)
	get := func(path string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, http.NoBody)
		if err != nil {
			return 0, err
		}
		a, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		return a.StatusCode, a.Body.Close()
	}
	if status, err := get("/panic"); err == nil {
		t.Errorf("a panic is answered with %d", status)
	}
	if status, err := get("/"); err != nil || status != http.StatusOK {
		t.Errorf("afterwards: %d, %v", status, err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for code, status := range map[events.Code]int{
		events.CodeInvalid: 400, events.CodeNotFound: 404, events.CodeConflict: 409, events.CodeRefused: 403, events.CodeTooLarge: 413,
		events.CodeUnsupported: 501, events.CodeConnection: 502, events.CodeUnavailable: 503, events.CodeInternal: 500, "another": 500,
	} {
		p := gateway.ProblemOf(events.Errorf(code, "/a", "why"))
		if p.Status != status || p.Code != code || p.Pointer != "/a" || p.Detail != "why" {
			t.Errorf("%s: %+v", code, p)
		}
	}
	for err, status := range map[error]int{
		context.DeadlineExceeded: 503, errors.New("broken"): 500, &http.MaxBytesError{Limit: 1}: 413,
	} {
		if p := gateway.ProblemOf(err); p.Status != status {
			t.Errorf("%v: %+v", err, p)
		}
	}
}
