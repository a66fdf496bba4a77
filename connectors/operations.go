package connectors

import (
	"context"

	"github.com/camena-io/camena/events"
)

// ApplyAll applies several commands as one change set, all or none, and waits for the
// outcome; its Steps are the outcomes of the commands. The error of a refusal points at
// the command, as in "/commands/2/data/element".
func (c *Context) ApplyAll(ctx context.Context, commands ...events.Command) (events.Result, error) {
	set, err := events.NewChangeSet(commands...)
	if err != nil {
		return events.Result{}, err
	}
	return c.Apply(ctx, set)
}

// DryRun asks what a command, which may be a change set, would change: the Preview of
// the result. It changes nothing. It is refused if the command would be.
func (c *Context) DryRun(ctx context.Context, command events.Command) (events.Result, error) {
	return c.apply(ctx, command, "true")
}

// anyDirection reports whether a connector may send the commands, including those in
// change sets, whatever its permitted synchronization.
func anyDirection(commands []events.Command) bool {
	for _, command := range commands {
		if set, ok := command.(*events.ChangeSet); ok {
			if steps, err := set.Steps(); err != nil || !anyDirection(steps) {
				return false
			}
			continue
		}
		if t, _ := events.CommandTypeOf(command.EventType()); !t.AnyDirection {
			return false
		}
	}
	return len(commands) > 0
}
