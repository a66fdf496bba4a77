package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/camena-io/camena/events"
)

// Header returns the header of an element or relationship, an empty one if it does
// not exist.
func (c *Client) Header(ctx context.Context, r events.ElementRef) (h events.ElementHeader, relationship bool, err error) {
	a, err := events.Ask(ctx, c, &events.Get{ElementRef: r})
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		return h, false, nil
	case err != nil:
		return h, false, err
	case a.Relationship != nil:
		return a.Relationship.Header, true, nil
	default:
		return a.Element.Header, false, nil
	}
}

// PresentState returns the header of what a command is about to change, with the
// effectivity of the part that it changes; empty if it creates or replaces that.
func (c *Client) PresentState(ctx context.Context, command events.Command) (h events.ElementHeader, err error) {
	switch command := command.(type) {
	case *events.Upsert:
		h, _, err = c.Header(ctx, events.ByName(command.Element.QualifiedName))
	case *events.Classify:
		if command.Merge {
			return c.classified(ctx, command)
		}
	case *events.Link:
		spec := &command.Relationship
		if spec.GUID != "" {
			h, _, err = c.Header(ctx, events.ByGUID(spec.GUID))
			return h, err
		}
		end2, _, err := c.Header(ctx, spec.End2)
		if err != nil || end2.GUID == "" {
			return h, err
		}
		q := &events.Related{ElementRef: spec.End1, Relationship: spec.Type, End: 1}
		link, err := c.findRelated(ctx, q, func(h *events.ElementHeader) bool { return h.GUID == end2.GUID })
		return link.Header, err
	}
	return h, err
}

// classified returns the header of an element, with the effectivity of its
// classification.
func (c *Client) classified(ctx context.Context, command *events.Classify) (h events.ElementHeader, err error) {
	a, err := events.Ask(ctx, c, &events.Get{ElementRef: command.Element})
	if err != nil || a.Element == nil {
		return h, err
	}
	h = a.Element.Header
	h.Effectivity = events.Effectivity{}
	if mark := a.Element.Classification(command.Classification.Name); mark != nil {
		h.Effectivity = mark.Effectivity
	}
	return h, nil
}

// findRelated returns the relationship to the element that is meant, an empty one if
// there is none.
func (c *Client) findRelated(ctx context.Context, q *events.Related, is func(*events.ElementHeader) bool) (events.Relationship, error) {
	for r, err := range events.All(ctx, c, q) {
		if err != nil {
			return events.Relationship{}, err
		}
		if is(&r.Element.Header) {
			return r.Relationship, nil
		}
	}
	return events.Relationship{}, nil
}

// ErrNoIdentifier is returned where an element does not have an identifier.
var ErrNoIdentifier = errors.New("has no identifier")

// IdentifierLink returns an element and its link to an identifier in a scope. It
// returns [ErrNoIdentifier] if there is none; errors about the scope point at it.
func (c *Client) IdentifierLink(ctx context.Context, element, scope events.ElementRef, identifier string) (*events.Element, *events.Relationship, error) {
	e, err := c.element(ctx, element, "")
	if err != nil {
		return nil, nil, err
	}
	in, err := c.element(ctx, scope, "/scope")
	if err != nil {
		return nil, nil, err
	}
	name := events.ExternalIDName(nameOf(in), identifier)
	q := &events.Related{ElementRef: events.ByGUID(e.Header.GUID), Relationship: "ExternalIdLink", End: 1, IncludeArchived: true}
	link, err := c.findRelated(ctx, q, func(h *events.ElementHeader) bool { return h.QualifiedName == name })
	if err == nil && link.Header.GUID == "" {
		err = fmt.Errorf("%s %w %q in the scope of %s", nameOf(e), ErrNoIdentifier, identifier, nameOf(in))
	}
	return e, &link, err
}

func nameOf(e *events.Element) string {
	if e.Header.QualifiedName != "" {
		return e.Header.QualifiedName
	}
	return e.Header.GUID
}

func (c *Client) element(ctx context.Context, r events.ElementRef, pointer string) (*events.Element, error) {
	a, err := events.Ask(ctx, c, &events.Get{ElementRef: r})
	if err == nil && a.Element == nil {
		err = events.Errorf(events.CodeInvalid, "", "%s is a relationship, not an element", r.GUID)
	}
	if e, ok := errors.AsType[*events.Error](err); ok {
		return nil, events.Errorf(e.Code, pointer, "%s", e.Message)
	}
	return a.Element, err
}
