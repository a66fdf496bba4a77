// Package native is Camena's own face on HTTP: /api/v1, and the document that
// describes it.
package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/gateway"
)

// lines is the type of answers that come one value a line.
const lines = "application/x-ndjson"

// defaultTimeout is how long a request may take if it does not say.
const defaultTimeout = time.Minute

// Face is the native face.
type Face struct{ client *client.Client }

// New returns the face of an installation.
func New(c *client.Client) *Face { return &Face{client: c} }

// route is one request of the API. From this table come the routes and the document.
type route struct {
	method, path string // below /api/v1/connections/{name}
	verb         dataservice.Verb
	does         string
	// input makes the input of the verb of the body and of the path; nil: it has none.
	input func(r *http.Request, body []byte) (any, error)
	// takes and gives are values of the types of the body and of the answer.
	takes, gives any
	many         bool // the answer is any number of them, one a line
	list         bool // the answer is an array of them
}

func routes() []route {
	body := func(_ *http.Request, body []byte) (any, error) { return events.Unmarshal[jsontext.Value](body) }
	request := func(r *http.Request, _ []byte) (any, error) {
		return dataservice.RequestInput{ID: r.PathValue("id")}, nil
	}
	return []route{
		{method: "GET", path: "/form", verb: dataservice.VerbForm, does: "Describe what the connection needs", gives: dataservice.Form{}},
		{method: "POST", path: "/test", verb: dataservice.VerbTest, does: "Reach the third party with the present configuration"},
		{method: "GET", path: "/actions", verb: dataservice.VerbActions, does: "List the actions", gives: dataservice.ActionDefinition{}, list: true},
		{method: "GET", path: "/objects", verb: dataservice.VerbObjects, does: "List the objects, without their properties", gives: dataservice.ObjectDefinition{}, list: true},
		{
			method: "GET", path: "/objects/{object}", verb: dataservice.VerbObject, does: "Describe an object", gives: dataservice.ObjectDefinition{},
			input: func(r *http.Request, _ []byte) (any, error) {
				return dataservice.ObjectInput{Name: r.PathValue("object")}, nil
			},
		},
		{
			method: "POST", path: "/operations", verb: dataservice.VerbExecute, does: "Perform an action on entities; the answer has a row for each, in the same order",
			input: body, takes: dataservice.OperationInput{}, gives: dataservice.RowResult{}, list: true,
		},
		{
			method: "POST", path: "/queries", verb: dataservice.VerbQuery, does: "Query entities; they come one a line, as they are found",
			input: body, takes: dataservice.Query{}, gives: dataservice.DataEntity{}, many: true,
		},
		{method: "GET", path: "/services", verb: dataservice.VerbServices, does: "List the services", gives: dataservice.ServiceDefinition{}, list: true},
		{
			method: "POST", path: "/services/{service}", verb: dataservice.VerbAcquire, does: "Ask a service; entities and links come one a line, as they are found",
			input: serviceInput, takes: dataservice.ServiceInput{}, gives: dataservice.DataEntity{}, many: true,
		},
		{method: "GET", path: "/requests/{id}", verb: dataservice.VerbStatus, does: "Show how far a request is", input: request, gives: dataservice.Status{}},
		{method: "DELETE", path: "/requests/{id}", verb: dataservice.VerbCancel, does: "Cancel a request", input: request, gives: dataservice.Status{}},
	}
}

func serviceInput(r *http.Request, body []byte) (any, error) {
	in := dataservice.ServiceInput{}
	if len(body) > 0 {
		var err error
		if in, err = events.Unmarshal[dataservice.ServiceInput](body); err != nil {
			return nil, err
		}
	}
	in.Service = r.PathValue("service")
	return in, nil
}

// Routes implements [gateway.Face].
func (f *Face) Routes(mux *http.ServeMux) {
	for _, way := range routes() {
		mux.HandleFunc(way.method+" "+base+way.path, func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, &way) })
	}
	mux.HandleFunc("GET /api/v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		document, err := Document()
		if err != nil {
			gateway.Fail(w, err)
			return
		}
		gateway.Answer(w, "application/json", http.StatusOK, document)
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		gateway.Fail(w, events.Errorf(events.CodeNotFound, "", "there is no %s %s; see /api/v1/openapi.json", r.Method, r.URL.Path))
	})
}

const base = "/api/v1/connections/{name}"

func (f *Face) serve(w http.ResponseWriter, r *http.Request, way *route) {
	timeout := defaultTimeout
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 {
			gateway.Fail(w, events.Errorf(events.CodeInvalid, "", "timeout: %q is not a duration such as 30s", text))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	body, err := io.ReadAll(r.Body)
	var input any = struct{}{}
	if err == nil && way.input != nil {
		input, err = way.input(r, body)
	}
	if err != nil {
		gateway.Fail(w, err)
		return
	}
	c := f.client.Connection(r.PathValue("name"))
	c.Request = dataservice.Request{ID: r.Header.Get("Request-Id"), Caller: dataservice.Caller{Language: r.Header.Get("Accept-Language")}}
	answers := client.Many[jsontext.Value](ctx, c, way.verb, input)
	if way.many {
		stream(w, answers)
		return
	}
	whole(w, answers, way.list)
}

// whole gathers an answer before it is sent: one value, or a list.
func whole(w http.ResponseWriter, answers iter.Seq2[jsontext.Value, error], list bool) {
	values := []jsontext.Value{}
	for value, err := range answers {
		if err != nil {
			gateway.Fail(w, withoutInput(err))
			return
		}
		values = append(values, value)
	}
	switch {
	case list:
		gateway.Answer(w, "application/json", http.StatusOK, values)
	case len(values) == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		gateway.Answer(w, "application/json", http.StatusOK, values[0])
	}
}

// stream sends an answer line by line. An error before the first line is a problem
// with its status; a later one is the last line, {"problem": …}, and breaks the
// transfer off, so that no client takes the answer for whole.
func stream(w http.ResponseWriter, answers iter.Seq2[jsontext.Value, error]) {
	out := http.NewResponseController(w)
	begun, flushed := false, time.Time{}
	for value, err := range answers {
		switch {
		case err != nil && !begun:
			gateway.Fail(w, withoutInput(err))
			return
		case err != nil:
			problem, _ := events.Marshal(map[string]any{"problem": gateway.ProblemOf(withoutInput(err))})
			fmt.Fprintf(w, "%s\n", problem)
			_ = out.Flush()
			panic(http.ErrAbortHandler)
		case !begun:
			w.Header().Set("Content-Type", lines)
			begun = true
		}
		if _, err := w.Write(append(value, '\n')); err != nil {
			return
		}
		if time.Since(flushed) > 100*time.Millisecond {
			_, flushed = out.Flush(), time.Now()
		}
	}
	w.Header().Set("Content-Type", lines)
}

// withoutInput lets a pointer begin at the body, which is the input.
func withoutInput(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return &events.Error{Code: e.Code, Message: e.Message, Pointer: strings.TrimPrefix(e.Pointer, "/input")}
	}
	return err
}
