package connectors

import (
	"context"
	"errors"

	"github.com/camena-io/camena/events"
)

// The operations below are one for each command (Egeria: the verbs of its
// metadata clients). Each waits for the outcome, as [Context.Apply] does, of which
// they are a shorter form; [Context.Send] sends the same commands without waiting.
// What a command can be told, and what it does, its type says.

// Create creates an element that must not be there yet.
func (c *Context) Create(ctx context.Context, command events.Create) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Upsert creates an element, or makes it what is given.
func (c *Context) Upsert(ctx context.Context, command events.Upsert) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Update changes properties of an element that must be there; a nil property is
// cleared.
func (c *Context) Update(ctx context.Context, command events.Update) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Delete removes an element and its relationships, by one of the delete methods.
func (c *Context) Delete(ctx context.Context, command events.Delete) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Restore brings back an element that was deleted or archived.
func (c *Context) Restore(ctx context.Context, element events.ElementRef) (events.Result, error) {
	return c.Apply(ctx, &events.Restore{Element: element})
}

// Classify puts a classification on an element, or changes the one it has.
func (c *Context) Classify(ctx context.Context, command events.Classify) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Declassify takes a classification off an element.
func (c *Context) Declassify(ctx context.Context, command events.Declassify) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Retype makes an element one of another type.
func (c *Context) Retype(ctx context.Context, command events.Retype) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Rehome makes an element belong to another metadata source.
func (c *Context) Rehome(ctx context.Context, command events.Rehome) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Link relates two elements, or changes the relationship that they have.
func (c *Context) Link(ctx context.Context, command events.Link) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// UpdateRelationship changes properties of a relationship that must be there.
func (c *Context) UpdateRelationship(ctx context.Context, command events.UpdateRelationship) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// Unlink removes a relationship.
func (c *Context) Unlink(ctx context.Context, command events.Unlink) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// DefineTypes adds types of open metadata, or widens them.
func (c *Context) DefineTypes(ctx context.Context, types ...events.TypeDef) (events.Result, error) {
	return c.Apply(ctx, &events.DefineTypes{Types: types})
}

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
func (c *Context) LinkExternalID(ctx context.Context, command events.LinkExternalID) (events.Result, error) {
	return c.Apply(ctx, &command)
}

// UnlinkExternalID notes that an element has an identifier no more. As with
// [Context.LinkExternalID], the direction does not matter.
func (c *Context) UnlinkExternalID(ctx context.Context, id events.ExternalID) (events.Result, error) {
	return c.Apply(ctx, &events.UnlinkExternalID{ExternalID: id})
}

// ConfirmSynchronization records what was synchronized: that of an element and
// what the identifier names, as [Pair.Synchronized] says it. [Decide] takes what
// differs from that, on either side, for newer: also what was changed while the
// connector was at work, of which it knows nothing (Egeria:
// confirmSynchronization, lastSynchronized). As with [Context.LinkExternalID], the
// direction does not matter. [Context.RecordSynchronized] does more of the work.
func (c *Context) ConfirmSynchronization(ctx context.Context, id events.ExternalID, link SyncLink) (events.Result, error) {
	if link.LastSynchronized.IsZero() {
		return events.Result{}, errors.New("confirm a synchronization: when it was is not given, see Pair.Synchronized")
	}
	return c.Apply(ctx, confirmation(id, link))
}

func confirmation(id events.ExternalID, link SyncLink) *events.ConfirmSynchronization {
	return &events.ConfirmSynchronization{
		ExternalID: id, Time: link.LastSynchronized, OpenChanged: link.OpenChanged, ThirdPartyChanged: link.ThirdPartyChanged,
	}
}

// onlyExternalIDs reports whether the commands, and those of change sets among
// them, do no more than note identifiers.
func onlyExternalIDs(commands []events.Command) bool {
	for _, command := range commands {
		switch command := command.(type) {
		case *events.LinkExternalID, *events.UnlinkExternalID, *events.ConfirmSynchronization:
		case *events.ChangeSet:
			if steps, err := command.Steps(); err != nil || !onlyExternalIDs(steps) {
				return false
			}
		default:
			return false
		}
	}
	return len(commands) > 0
}
