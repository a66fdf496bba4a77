package connectors

import (
	"context"

	"github.com/camena-io/camena/events"
)

// ApplyAll applies several commands all together or not at all, as a change set,
// and waits for the outcome, which has that of each command in its Steps. If one
// is refused, the error points at it, as in "/commands/2/data/element".
func (c *Context) ApplyAll(ctx context.Context, commands ...events.Command) (events.Result, error) {
	set, err := events.NewChangeSet(commands...)
	if err != nil {
		return events.Result{}, err
	}
	return c.Apply(ctx, set)
}

// DryRun asks what a command, which may be a change set, would change, and
// changes nothing: the changes are the Preview of the result. What is refused
// would be, too.
func (c *Context) DryRun(ctx context.Context, command events.Command) (events.Result, error) {
	return c.apply(ctx, command, "true")
}

// anyDirection reports whether a connector may send the commands, and those of
// change sets among them, whatever its permitted synchronization.
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
