package main

import (
	"context"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// sender sends commands in somebody's name.
type sender struct {
	metadata *bus.Metadata
	actor    string
	// owner is the metadata source on whose behalf; "" is the repository itself.
	owner  string
	dryRun bool
}

// send sends a command and waits for its outcome; a refusal is an error.
func (s *sender) send(ctx context.Context, command events.Command) (events.Result, error) {
	if err := command.Validate(); err != nil {
		return events.Result{}, err
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
