package i2connect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
)

const (
	// answerWithin is how long the connector may think before it answers.
	answerWithin = 10 * time.Minute
	// maxWhole is how large an answer may be that is read as a whole, and maxResult
	// how large a result, which is read bit by bit.
	maxWhole  = 16 << 20
	maxResult = 4 << 30
	// maxDetail bounds what is repeated of a problem.
	maxDetail = 300
)

// send sends a request. The end of ctx ends it, and the reading of the answer.
func (c *Connector) send(ctx context.Context, method, address string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, events.Errorf(events.CodeInvalid, "", "not an address")
	}
	r.Header.Set(spi.VersionHeader, spi.SupportedHeader())
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		if request, _ := dataservice.RequestOf(ctx); request.Caller.Language != "" {
			r.Header.Set("Accept-Language", request.Caller.Language)
		}
	}
	answer, err := c.client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address may have a secret in its query
		}
		return nil, causeOf(ctx, events.Errorf(events.CodeConnection, "/url", "the connector cannot be reached: %s", err))
	}
	if answer.StatusCode != http.StatusOK {
		defer release(answer.Body)
		return nil, statusError(answer)
	}
	return answer, nil
}

// release closes a body that was read as far as it is wanted.
func release(body io.Closer) { _ = body.Close() }

// fetch sends a request and reads the answer as a whole.
func (c *Connector) fetch(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	answer, err := c.send(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	defer release(answer.Body)
	data, err := io.ReadAll(http.MaxBytesReader(nil, answer.Body, maxWhole))
	return data, causeOf(ctx, remoteError("", err))
}

// post sends a request to an address of the configuration, and returns the answer.
func (c *Connector) post(ctx context.Context, given string, request []byte) (io.ReadCloser, error) {
	address, err := spi.Address(c.config.URL, given)
	if err != nil {
		return nil, remoteError("/acquireUrl", err)
	}
	answer, err := c.send(ctx, http.MethodPost, address, request) //nolint:bodyclose // the caller does
	if err != nil {
		return nil, err
	}
	return http.MaxBytesReader(nil, answer.Body, maxResult), nil
}

// validate lets the connector validate a request. No answer means that it is valid.
func (c *Connector) validate(ctx context.Context, given string, request []byte) error {
	address, err := spi.Address(c.config.URL, given)
	if err != nil {
		return remoteError("/validateUrl", err)
	}
	data, err := c.fetch(ctx, http.MethodPost, address, request)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return err
	}
	answer, err := spi.Decode[spi.Validation](data)
	if err != nil {
		return remoteError("/validate", err)
	}
	if answer.ErrorMessage != "" {
		return events.Errorf(events.CodeInvalid, "", "%s", answer.ErrorMessage)
	}
	return nil
}

// problem is what an answer may say about an error (RFC 7807).
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// statusError is the error of an answer with another status than 200.
func statusError(answer *http.Response) error {
	code := events.CodeConnection
	if answer.StatusCode == http.StatusServiceUnavailable {
		code = events.CodeUnavailable
	}
	text := ""
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxWhole))
	if p, decodeErr := spi.Decode[problem](data); err == nil && decodeErr == nil && p != (problem{}) {
		text = ": " + p.Title + " " + p.Detail
	}
	return events.Errorf(code, "", "the connector answered with the status %d%.*s", answer.StatusCode, maxDetail, text)
}

// remoteError is an error in what the connector sent, below a pointer.
func remoteError(pointer string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return events.Errorf(events.CodeTooLarge, pointer, "the connector's answer is too large")
	}
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return events.Errorf(events.CodeConnection, pointer, "the connector's answer broke off: %s", err)
	}
	return events.Errorf(events.CodeConnection, pointer+e.Pointer, "the connector answered with what is not valid: %s", e.Message)
}

// causeOf returns the cause of the end of ctx instead of an error that follows from it.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
