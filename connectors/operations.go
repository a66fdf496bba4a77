package connectors

import (
	"context"

	"github.com/camena-io/camena/events"
)

// The operations below are those that connectors need often and that take more
// than a literal of a command, or that Egeria has as methods of its integration
// context. Every other command goes through [Context.Apply], if its outcome
// matters, or [Context.Send].

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
	return c.apply(ctx, command, func(e *events.Event) { e.SetExtension(events.ExtDryRun, "true") })
}

// Publish puts an element into the zones in which consumers see it; the
// configuration of the repository says which (Egeria: publishElement).
func (c *Context) Publish(ctx context.Context, element events.ElementRef) (events.Result, error) {
	return c.Apply(ctx, &events.Publish{Element: element})
}

// Withdraw takes a published element back into the zones of new elements
// (Egeria: withdrawElement).
func (c *Context) Withdraw(ctx context.Context, element events.ElementRef) (events.Result, error) {
	return c.Apply(ctx, &events.Withdraw{Element: element})
}

// FromTemplate creates an element as a copy of a template and of what is
// anchored to it, with its placeholders filled (Egeria:
// create…FromTemplate, TemplateOptions).
func (c *Context) FromTemplate(ctx context.Context, command events.FromTemplate) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// LinkExternalID notes the identifier that an element has in the third party;
// the scope is the element that stands for the third party (Egeria: model 0017,
// addExternalIdentifier). A connector that may not change metadata, because its
// permitted synchronization is TO_THIRD_PARTY, may do this all the same.
func (c *Context) LinkExternalID(ctx context.Context, id events.ExternalID, link events.Properties) (events.Result, error) {
	return c.Apply(ctx, &events.LinkExternalID{ExternalID: id, Link: link})
}

// ConfirmSynchronization notes that an element and what the identifier names
// are the same now: [Decide] takes what changes on either side after that for
// newer (Egeria: confirmSynchronization, lastSynchronized). As with
// [Context.LinkExternalID], the direction does not matter.
func (c *Context) ConfirmSynchronization(ctx context.Context, id events.ExternalID) (events.Result, error) {
	return c.Apply(ctx, &events.ConfirmSynchronization{ExternalID: id})
}

// onlyExternalIDs reports whether the commands do no more than note identifiers.
func onlyExternalIDs(commands []events.Command) bool {
	for _, command := range commands {
		switch command.(type) {
		case *events.LinkExternalID, *events.UnlinkExternalID, *events.ConfirmSynchronization:
		default:
			return false
		}
	}
	return len(commands) > 0
}
