package client

import (
	"context"

	"github.com/camena-io/camena/events"
)

// Origin says in whose name a command is sent.
type Origin struct {
	Actor string
	// Source is the metadata source on whose behalf; empty is the repository itself.
	Source string
	// DryRun asks what would change.
	DryRun bool
}

// Apply sends a command and waits for its outcome. A refusal is an error, and so
// is a restore that is under way: the command would wait for its end.
func (c *Client) Apply(ctx context.Context, o Origin, command events.Command) (events.Result, error) {
	if err := command.Validate(); err != nil {
		return events.Result{}, err
	}
	if !c.whole.Load() {
		if err := c.Whole(ctx); err != nil {
			return events.Result{}, err
		}
		c.whole.Store(true)
	}
	e, err := events.NewCommand("/"+c.sender, command)
	if err != nil {
		return events.Result{}, err
	}
	e.SetExtension(events.ExtActor, o.Actor)
	e.SetExtension(events.ExtMetadataSource, o.Source)
	if o.DryRun {
		e.SetExtension(events.ExtDryRun, "true")
	}
	r, err := c.Request(ctx, e)
	if err == nil && r.Error != nil {
		err = r.Error
	}
	return r, err
}
