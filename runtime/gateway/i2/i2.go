// Package i2 is the face on HTTP that offers connectors of Camena as connectors of
// i2 Connect: the base address of one is /i2/ and its name. Services are
// synchronous; there are no logins and no configurations for each user, and the
// headers that tell the user are not read.
package i2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/gateway"
)

// timeout is how long a request may take: as long as a gateway waits for a query.
const timeout = 10 * time.Minute

const contentType = "application/json"

// Face is the face of i2.
type Face struct{ client *client.Client }

// New returns the face of an installation.
func New(c *client.Client) *Face { return &Face{client: c} }

// Routes implements [gateway.Face].
func (f *Face) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /i2/{connector}/config", f.handle(config))
	mux.HandleFunc("POST /i2/{connector}/{path...}", f.handle(ask))
	mux.HandleFunc("/i2/", func(w http.ResponseWriter, r *http.Request) {
		gateway.Fail(w, events.Errorf(events.CodeNotFound, "", "there is no %s %s", r.Method, r.URL.Path))
	})
}

// call is a request of a gateway.
type call struct {
	connection *client.Connection
	services   []dataservice.ServiceDefinition
	path       string // below the connector, as it is sent
	body       io.Reader
}

// handle asks the connector for its services, and lets answer answer.
func (f *Face) handle(answer func(context.Context, http.ResponseWriter, *call) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		c := call{connection: f.client.Connection(r.PathValue("connector")), body: r.Body}
		c.connection.Request.Caller.Language = r.Header.Get("Accept-Language")
		_, c.path, _ = strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/i2/"), "/")
		err := negotiate(r.Header.Get(spi.VersionHeader))
		if err == nil {
			err = c.load(ctx)
		}
		if err == nil {
			err = answer(ctx, w, &c)
		}
		if err != nil {
			gateway.Fail(w, err)
		}
	}
}

// negotiate checks that the gateway supports a version that is offered.
func negotiate(header string) error {
	if header == "" {
		return nil
	}
	versions, err := spi.ParseVersions(header)
	if err == nil && !(spi.Version{Major: 1}).Within(versions) {
		err = events.Errorf(events.CodeUnsupported, "", "version 1 of the SPI is offered, which is none of %s: %s", spi.VersionHeader, header)
	}
	return err
}

func (c *call) load(ctx context.Context) error {
	for service, err := range client.Many[dataservice.ServiceDefinition](ctx, c.connection, dataservice.VerbServices, struct{}{}) {
		if err != nil {
			return err
		}
		c.services = append(c.services, service)
	}
	return nil
}

func config(_ context.Context, w http.ResponseWriter, c *call) error {
	offered, err := spi.ConfigOf(c.services)
	if err != nil {
		return err
	}
	gateway.Answer(w, contentType, http.StatusOK, offered)
	return nil
}

// ask acquires or validates: the path says which service is meant.
func ask(ctx context.Context, w http.ResponseWriter, c *call) error {
	validate := false
	i := slices.IndexFunc(c.services, func(d dataservice.ServiceDefinition) bool {
		acquired, validated := spi.Paths(&d)
		validate = "/"+c.path == validated
		return validate || "/"+c.path == acquired
	})
	if i < 0 {
		return events.Errorf(events.CodeNotFound, "", "there is no service at /%s", c.path)
	}
	body, err := io.ReadAll(c.body)
	if err != nil {
		return err
	}
	request, err := spi.Decode[spi.Request](body)
	if err != nil {
		return err
	}
	in, err := spi.InputOf(&c.services[i], &request)
	switch {
	case err != nil:
	case validate:
		err = errors.Join(c.services[i].Check(&in)...)
	default:
		return acquire(ctx, w, c, &c.services[i], &in)
	}
	if err != nil && events.CodeOf(err) != events.CodeInvalid {
		return err
	}
	answer := spi.Validation{}
	if err != nil {
		answer.ErrorMessage = err.Error()
	}
	gateway.Answer(w, contentType, http.StatusOK, answer)
	return nil
}
