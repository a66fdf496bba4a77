// Package openapi serves an HTTP API by its OpenAPI 3.0 document: each operation is
// an action, and what the API keeps under a path with a key is an object that can
// be queried, created, updated and deleted.
package openapi

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
)

// Kind names connectors of this kind in configuration.
const Kind = "openapi"

// MaxAnswer is how many bytes an answer of the API may have.
const MaxAnswer = 8 << 20

// Config is the configuration.
type Config struct {
	Document string `json:"document" doc:"Path of the OpenAPI document, in JSON or YAML" required:"true"`
	Server   string `json:"server" doc:"URL that replaces the document's servers; without a path it keeps theirs"`
	// Credentials are a key, a token, or user:password for basic authentication.
	// Without any, requests carry none.
	Credentials map[string]connectors.Secret `json:"credentials" doc:"Secrets by the name of a security scheme, as env:NAME or file:/path"`
}

// Factory returns the factory of OpenAPI connectors.
func Factory() connectors.Factory {
	return connectors.Configured(Kind, "Operations and entities of an HTTP API, by its OpenAPI 3.0 document.", New)
}

// Connector is a connector to one API.
type Connector struct {
	config   Config
	server   *url.URL // that replaces those of the document; nil: none does
	document *spec.Document
	client   *http.Client
}

// New checks a configuration; the document is read when the connector starts.
func New(c Config) (connectors.Connector, error) {
	if c.Server == "" {
		return &Connector{config: c}, nil
	}
	server, err := parseServer(c.Server)
	if err != nil {
		return nil, connectors.Permanent(err)
	}
	return &Connector{config: c, server: server}, nil
}

// parseServer reads the address of a server. An error does not repeat it: it may
// hold a password.
func parseServer(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, events.Errorf(events.CodeInvalid, "/server", "expected the URL of a server, such as https://host/api")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, events.Errorf(events.CodeInvalid, "/server", "the URL has a user, a query or a fragment; credentials are given by reference")
	default:
		return u, nil
	}
}

// Start implements [connectors.Connector].
func (c *Connector) Start(ctx context.Context, cc *connectors.Context) error {
	data, err := os.ReadFile(c.config.Document)
	if err != nil {
		return connectors.Permanent(events.Errorf(events.CodeInvalid, "/document", "cannot be read: %s", err))
	}
	if c.document, err = spec.Parse(data); err != nil {
		return connectors.Permanent(events.Errorf(events.CodeOf(err), "/document", "%s", err))
	}
	for name := range c.config.Credentials {
		if _, ok := c.document.Schemes[name]; !ok {
			return connectors.Permanent(events.Errorf(events.CodeInvalid, "/credentials/"+name, "the document has no such security scheme"))
		}
	}
	for _, u := range c.document.Unsupported {
		cc.Logger().WarnContext(ctx, "an operation of the document is not supported", slog.String("method", u.Method),
			slog.String("path", u.Path), slog.String("pointer", u.Reason.Pointer), slog.String("reason", u.Reason.Message))
	}
	if _, err := c.address(nil); err != nil {
		return connectors.Permanent(err)
	}
	c.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // another server must not get the credentials
	}}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		c.client.Transport = t.Clone()
	}
	return c.Test(ctx)
}

// Disconnect implements [connectors.Connector].
func (c *Connector) Disconnect(context.Context) error {
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	return nil
}

// address returns the URL that the path of an operation is appended to. The server
// of the configuration goes before that of the operation, and that before the
// document's.
func (c *Connector) address(o *spec.Operation) (*url.URL, error) {
	declared := c.document.Server
	if o != nil && o.Server != "" {
		declared = o.Server
	}
	switch {
	case c.server == nil && !strings.Contains(declared, "://"):
		return nil, events.Errorf(events.CodeInvalid, "/server", "missing: the document names no server with a host")
	case c.server == nil:
		return parseServer(declared)
	case strings.Trim(c.server.Path, "/") != "" || declared == "":
		return c.server, nil
	}
	u, err := url.Parse(declared)
	if err != nil {
		return nil, events.Errorf(events.CodeInvalid, "/document", "the server of the document is no URL")
	}
	return c.server.JoinPath(u.EscapedPath()), nil
}

// Test implements [dataservice.Tester]: the server answers, whatever it answers.
func (c *Connector) Test(ctx context.Context) error {
	u, err := c.address(nil)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), http.NoBody)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	return response.Body.Close()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
