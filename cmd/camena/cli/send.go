package cli

import (
	"context"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// sender sends commands in somebody's name.
type sender struct {
	metadata *client.Client
	actor    string
	// owner is the metadata source on whose behalf; "" is the repository itself.
	owner  string
	dryRun bool
	// whole is set when the out topic is known to be whole.
	whole bool
}

// send sends a command and waits for its outcome; a refusal is an error.
func (s *sender) send(ctx context.Context, command events.Command) (events.Result, error) {
	if err := command.Validate(); err != nil {
		return events.Result{}, err
	}
	if !s.whole {
		if err := s.metadata.Whole(ctx); err != nil {
			return events.Result{}, err
		}
		s.whole = true
	}
	e, err := events.NewCommand("/"+source, command)
	if err != nil {
		return events.Result{}, err
	}
	e.SetExtension(events.ExtActor, s.actor)
	e.SetExtension(events.ExtMetadataSource, s.owner)
	if s.dryRun {
		e.SetExtension(events.ExtDryRun, "true")
	}
	r, err := s.metadata.Request(ctx, e)
	if err == nil && r.Error != nil {
		err = r.Error
	}
	return r, err
}
