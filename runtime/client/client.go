// Package client is an installation as seen from outside: what a view, such as a
// command line or an HTTP service, or a role may ask and do over the bus. It
// sends commands, asks questions, follows changes, and looks after connectors,
// nodes, positions and dead letters. It prints nothing.
package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync/atomic"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// Client is an installation as one sender sees it.
type Client struct {
	bus *bus.Bus
	// sender is the last token of the in subject.
	sender string
	// whole is set when the out topic is known not to be in a restore.
	whole atomic.Bool
}

var (
	_ connectors.Publisher = (*Client)(nil)
	_ events.Asker         = (*Client)(nil)
	_ connectors.Follower  = (*Client)(nil)
	_ connectors.Positions = (*Client)(nil)
)

// New returns the client of a named sender. It costs nothing until it is used;
// without a name it sends no commands and has no positions.
func New(b *bus.Bus, sender string) *Client { return &Client{bus: b, sender: sender} }

// Send implements [connectors.Publisher].
func (c *Client) Send(ctx context.Context, es iter.Seq[events.Event]) error {
	if c.sender == "" {
		return errNameless
	}
	return c.bus.PublishAll(ctx, c.bus.Topics().Commands(c.sender), es)
}

var errNameless = errors.New("a sender needs a name")

// Request implements [connectors.Publisher]. A command whose outcome does not
// arrive before ctx is done is durable all the same: the error says so.
func (c *Client) Request(ctx context.Context, e events.Event) (events.Result, error) {
	if c.sender == "" {
		return events.Result{}, errNameless
	}
	subject, outcome, forget := c.bus.Replies(1)
	defer forget()
	e = replyingTo(e, subject)
	if _, err := c.bus.Send(ctx, c.bus.Topics().Commands(c.sender), &e); err != nil {
		return events.Result{}, err
	}
	select {
	case m := <-outcome:
		return events.Unmarshal[events.Result](m.Data)
	case <-ctx.Done():
		return events.Result{}, fmt.Errorf("%w: %w", events.Errorf(events.CodeUnavailable, "",
			"the command is stored and will be applied, but no repository has answered yet"), context.Cause(ctx))
	}
}

// replyingTo returns the event with the subject for its outcome; the extensions of
// the original stay as they are.
func replyingTo(e events.Event, subject string) events.Event {
	e.Extensions = maps.Clone(e.Extensions)
	e.SetExtension(events.ExtReplyTo, subject)
	return e
}
