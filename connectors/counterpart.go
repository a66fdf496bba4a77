package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/camena-io/camena/events"
)

// typeExternalIDLink relates an element to what it is called in a third party.
const typeExternalIDLink = "ExternalIdLink"

// Counterpart is what open metadata has of one thing of the third party.
type Counterpart struct {
	// ID relates the two. Its Identifier is empty if the element has none in that scope.
	ID events.ExternalID
	// Element is nil if it does not exist.
	Element *events.Element
	// Pair is the input of the decision. The connector adds what only it knows:
	// ThirdParty, and the direction of the catalog target.
	Pair
	read time.Time
}

// Counterpart reads the element that stands for a thing of the third party, and what was
// recorded of the two. An element that no longer exists is [Deleted], as far as its
// history tells. If id has no Identifier, Counterpart returns the one that the element has
// in the scope, if any.
//
// A connector that synchronizes both ways does this for each thing of either side: it
// asks for the counterpart, adds what the third party has, asks [Context.Synchronize]
// what to do, does it, and calls [Context.RecordSynchronized] or
// [Context.ForgetSynchronized]. In a conflict it does and records nothing.
func (c *Context) Counterpart(ctx context.Context, id events.ExternalID) (*Counterpart, error) {
	p := &Counterpart{ID: id, read: time.Now().UTC()}
	scope, err := c.scopeName(ctx, id.Scope)
	if err != nil {
		return nil, err
	}
	p.Element, err = c.Element(ctx, id.Element)
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		return p, c.readDeleted(ctx, p, scope)
	case err != nil:
		return nil, err
	}
	p.Open = Side{Presence: Active, Changed: p.Element.Header.Versions.LastChange()}
	if p.Element.Archived() {
		p.Open.Presence = Deleted
	}
	return p, c.readLink(ctx, p, scope)
}

// scopeName returns the name of a scope as the names of identifiers have it.
func (c *Context) scopeName(ctx context.Context, scope events.ElementRef) (string, error) {
	if scope.GUID == "" {
		return scope.QualifiedName, nil
	}
	e, err := c.Element(ctx, scope)
	if err != nil {
		return "", fmt.Errorf("the scope of the identifier: %w", err)
	}
	return cmp.Or(e.Header.QualifiedName, e.Header.GUID), nil
}

// readLink reads the identifier of an existing element.
func (c *Context) readLink(ctx context.Context, p *Counterpart, scope string) error {
	q := &events.Related{ElementRef: events.ByGUID(p.Element.Header.GUID), Relationship: typeExternalIDLink, End: 1, IncludeArchived: true}
	for r, err := range events.All(ctx, c, q) {
		if err != nil {
			return err
		}
		identifier := r.Element.Properties.String("identifier")
		if r.Element.Header.QualifiedName != events.ExternalIDName(scope, identifier) || p.ID.Identifier != "" && p.ID.Identifier != identifier {
			continue
		}
		link, err := SyncLinkOf(&r.Relationship)
		p.ID.Identifier, p.Link = identifier, &link
		return err
	}
	return nil
}

// readDeleted reads from history when a missing element was deleted, and its link, which
// was deleted with it.
func (c *Context) readDeleted(ctx context.Context, p *Counterpart, scope string) error {
	gone, err := c.lastChange(ctx, p.ID.Element)
	if err != nil {
		return err
	}
	id, err := c.Element(ctx, events.ByName(events.ExternalIDName(scope, p.ID.Identifier)))
	if err != nil && events.CodeOf(err) != events.CodeNotFound {
		return err
	}
	if id != nil {
		p.Link = &SyncLink{}
	}
	if gone == nil || gone.Element == nil || gone.Element.State() == nil {
		return nil
	}
	p.Open = Side{Presence: Deleted, Changed: gone.Time}
	if id == nil {
		return nil
	}
	key := events.RelationshipGUIDOf(typeExternalIDLink, gone.Element.State().Header.GUID, id.Header.GUID)
	last, err := c.lastChange(ctx, events.ByGUID(key))
	if err != nil || last == nil || last.Relationship == nil || last.Relationship.State() == nil {
		return err
	}
	*p.Link, err = SyncLinkOf(last.Relationship.State())
	return err
}

// lastChange returns the last change of an instance, nil if none is known.
func (c *Context) lastChange(ctx context.Context, ref events.ElementRef) (*events.Entry, error) {
	h, err := events.Ask(ctx, c, &events.History{ElementRef: ref})
	switch {
	case events.CodeOf(err) == events.CodeNotFound, err == nil && len(h.Changes) == 0:
		return nil, nil //nolint:nilnil // no change is known
	case err != nil:
		return nil, err
	}
	return &h.Changes[len(h.Changes)-1], nil
}

// SyncLinkOf reads the record in a relationship of the type ExternalIdLink.
func SyncLinkOf(link *events.Relationship) (SyncLink, error) {
	if link.Header.Type.Name != typeExternalIDLink {
		return SyncLink{}, fmt.Errorf("%s is a %s and records no synchronization", link.Header.GUID, link.Header.Type.Name)
	}
	l := SyncLink{Permitted: events.PermittedSynchronization(link.Properties.String("permittedSynchronization"))}
	var errs [3]error
	l.LastSynchronized, errs[0] = events.Property[time.Time](link.Properties, "lastSynchronized")
	l.OpenChanged, errs[1] = events.Property[time.Time](link.Properties, "openChanged")
	l.ThirdPartyChanged, errs[2] = events.Property[time.Time](link.Properties, "thirdPartyChanged")
	return l, errors.Join(errs[:]...)
}

// RecordSynchronized records that both sides of a thing are the same: the element as it
// was read, and the third party as in ThirdParty, which must be what the third party
// returned when it was read or written.
//
// With commands it records the element as they leave it. They are applied with the record
// as one change set: if the element has changed since it was read, the error has the code
// [events.CodeConflict], nothing is applied, and the next decision sees that change. For
// an archived element this cannot be detected: give the commands an expected version.
func (c *Context) RecordSynchronized(ctx context.Context, p *Counterpart, commands ...events.Command) (events.Result, error) {
	link := p.Synchronized(p.read)
	confirm := &events.ConfirmSynchronization{
		ExternalID: p.ID, Time: link.LastSynchronized, OpenChanged: link.OpenChanged, ThirdPartyChanged: link.ThirdPartyChanged,
	}
	if len(commands) > 0 { // then the change set has the state and the time
		confirm.OpenChanged, confirm.Time = time.Time{}, time.Time{}
	}
	steps := append(p.guard(commands), commands...)
	return c.ApplyAll(ctx, append(steps, &events.LinkExternalID{ExternalID: p.ID}, confirm)...)
}

// guard returns a command to put before others, so that they are refused if the element
// has changed since it was read: an empty update with an expected version. An archived
// element takes no update.
func (p *Counterpart) guard(commands []events.Command) []events.Command {
	if p.Element == nil || p.Open.Presence != Active || len(commands) == 0 {
		return nil
	}
	h := &p.Element.Header
	return []events.Command{&events.Update{Element: events.ByGUID(h.GUID), Expectation: events.Expectation{ExpectedVersion: h.Versions.Version}}}
}

// ForgetSynchronized records that neither side has a thing any more. If it was the third
// party that lost it, commands delete the element; as with [Context.RecordSynchronized],
// they are applied only if it has not changed since it was read. Otherwise the element
// must not exist.
func (c *Context) ForgetSynchronized(ctx context.Context, p *Counterpart, commands ...events.Command) (events.Result, error) {
	steps := p.guard(commands)
	if p.ID.Identifier != "" {
		steps = append(steps, &events.UnlinkExternalID{ExternalID: p.ID})
	}
	if steps = append(steps, commands...); len(steps) == 0 {
		return events.Result{}, nil
	}
	return c.ApplyAll(ctx, steps...)
}
