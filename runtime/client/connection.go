package client

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// Connection is a connector that runs somewhere, by its name.
type Connection struct {
	client *Client
	name   string
	// Request goes with everything that it is asked.
	Request dataservice.Request
}

// Connection returns the connector of a name, to be asked. Whether it runs shows when
// it is asked: an error of the code [events.CodeUnavailable] says that it does not.
func (c *Client) Connection(name string) *Connection { return &Connection{client: c, name: name} }

// One asks for a verb with one answer.
func One[A, I any](ctx context.Context, c *Connection, verb dataservice.Verb, input I) (answer A, err error) {
	for a, err := range Many[A](ctx, c, verb, input) {
		if err != nil {
			return answer, err
		}
		answer = a
	}
	return answer, nil
}

// Many asks for a verb and yields what comes, as it comes; the connector makes no
// more than is taken. It ends after an error. When the loop ends early, or ctx
// does, the connector is told.
func Many[A, I any](ctx context.Context, c *Connection, verb dataservice.Verb, input I) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		var none A
		data, err := events.Marshal(dataservice.Call[I]{Request: c.Request, Input: input})
		if err != nil {
			yield(none, err)
			return
		}
		for line, err := range c.lines(ctx, verb, data) {
			answer := none
			if err == nil {
				answer, err = events.Unmarshal[A](line)
			}
			if !yield(answer, err) || err != nil {
				return
			}
		}
	}
}

// lines yields the lines of an answer.
func (c *Connection) lines(ctx context.Context, verb dataservice.Verb, call []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var rest []byte // of a line that has not arrived whole
		for part, err := range c.client.bus.Stream(ctx, c.client.bus.Topics().Connection(c.name, string(verb)), call) {
			if errors.Is(err, nats.ErrNoResponders) {
				err = events.Errorf(events.CodeUnavailable, "", "no connector %q runs that can be asked: it does not exist, has not started (its status says why), or only catalogs", c.name)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			rest = append(rest, part...)
			for line, more, whole := bytes.Cut(rest, []byte{'\n'}); whole; line, more, whole = bytes.Cut(rest, []byte{'\n'}) {
				rest = more
				if !yield(line, nil) {
					return
				}
			}
		}
	}
}
