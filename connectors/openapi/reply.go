package openapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
)

// maxDetail is how much of an answer an error repeats.
const maxDetail = 4 << 10

// StatusError is an answer of the API that is no success.
type StatusError struct {
	Status int
	// Body begins as the body of the answer does; it holds no credentials.
	Body string
}

// Error returns the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the API answered %d %s", e.Status, http.StatusText(e.Status))
}

// Unwrap returns what a caller can do about it.
func (e *StatusError) Unwrap() error {
	code := events.CodeInvalid
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		code = events.CodeConnection
	case e.Status == http.StatusNotFound || e.Status == http.StatusGone:
		code = events.CodeNotFound
	case e.Status == http.StatusConflict:
		code = events.CodeConflict
	case e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError:
		code = events.CodeUnavailable
	}
	return events.Errorf(code, "", "%s: %s", e, e.Body)
}

// reply is an answer that is a success.
type reply struct {
	status      int
	contentType string
	body        []byte
}

// json returns the body if it is JSON, whatever the answer says that it is.
func (r *reply) json() (jsontext.Value, bool) {
	raw := jsontext.Value(r.body)
	return raw, len(r.body) > 0 && (r.contentType == "" || spec.IsJSON(r.contentType)) && raw.IsValid()
}

// send executes an operation. An answer that is no success is a [*StatusError].
func (c *Connector) send(ctx context.Context, o *spec.Operation, values dataservice.Values) (*reply, error) {
	request, err := c.newRequest(ctx, o, values)
	if err != nil {
		return nil, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	success := response.StatusCode >= 200 && response.StatusCode < 300
	limit := int64(MaxAnswer)
	if !success {
		limit = 2 * maxDetail // so that no part of a secret is left where it is cut
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !success:
		detail := c.redact(string(body))
		return nil, &StatusError{Status: response.StatusCode, Body: strings.ToValidUTF8(detail[:min(len(detail), maxDetail)], "")}
	case err != nil:
		return nil, events.Errorf(events.CodeConnection, "/server", "the answer of the API broke off: %s", c.redact(err.Error()))
	case int64(len(body)) > limit:
		return nil, events.Errorf(events.CodeTooLarge, "", "the answer of the API is larger than %d bytes", limit)
	}
	return &reply{status: response.StatusCode, contentType: response.Header.Get("Content-Type"), body: body}, nil
}

// unreachable says why a request did not get an answer. The URL is left out: it may
// hold credentials.
func (c *Connector) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return events.Errorf(events.CodeConnection, "/server", "the API cannot be reached: %s", c.redact(err.Error()))
}
