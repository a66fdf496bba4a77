package graph

import (
	"cmp"
	"time"

	"github.com/camena-io/camena/events"
)

// The types by which external identifiers are kept (Egeria: 0017 External
// Identifiers).
const (
	typeExternalID      = "ExternalId"
	typeExternalIDLink  = "ExternalIdLink"
	typeExternalIDScope = "ExternalIdScope"
)

// external is what an external identifier is about.
type external struct {
	element, scope, id events.ElementRef
}

// externalOf finds the element and the scope, and names the ExternalId: it is
// the same for all elements with that identifier in that scope.
func externalOf(v view, x *events.ExternalID) (external, error) {
	of, err := element(v, x.Element, "/element")
	if err != nil {
		return external{}, err
	}
	scope, err := element(v, x.Scope, "/scope")
	if err != nil {
		return external{}, err
	}
	return external{
		element: events.ByGUID(of.guid.String()), scope: events.ByGUID(scope.guid.String()),
		id: events.ByName(typeExternalID + "::" + scope.name + "::" + x.Identifier),
	}, nil
}

func (x *external) link() events.RelationshipRef {
	return events.RelationshipRef{Type: typeExternalIDLink, End1: x.element, End2: x.id}
}

func (a *applier) linkExternalID(v view, q *request, c *events.LinkExternalID) (outcome, error) {
	x, err := externalOf(v, &c.ExternalID)
	if err != nil {
		return outcome{}, err
	}
	properties := map[string]any{}
	for m := c.Properties.Members(); m.Next(); { // also those that are null, to be cleared
		properties[m.Name()] = m.Value()
	}
	properties["identifier"] = c.Identifier
	s := a.stage(v)
	id, err := s.do(q, &events.Upsert{Merge: true, Element: events.ElementSpec{Type: typeExternalID, QualifiedName: x.id.QualifiedName, Properties: events.Props(properties)}})
	if err != nil {
		return outcome{}, elsewhere(err, "/element/properties", "/properties")
	}
	if _, err := s.do(q, &events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: typeExternalIDScope, End1: x.scope, End2: x.id}}); err != nil {
		return outcome{}, elsewhere(err, "/relationship/end1", "/scope")
	}
	link := x.link()
	_, err = s.do(q, &events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: link.Type, End1: link.End1, End2: link.End2, Properties: c.Link}})
	if err != nil {
		return outcome{}, elsewhere(err, "/relationship/properties", "/link")
	}
	s.all.result.GUID, s.all.result.Version = id.GUID, id.Version
	return s.all, nil
}

func (a *applier) unlinkExternalID(v view, q *request, c *events.UnlinkExternalID) (outcome, error) {
	x, err := externalOf(v, &c.ExternalID)
	if err != nil {
		return outcome{}, ignoreMissing(err)
	}
	id := v.named(x.id.QualifiedName)
	if id == nil {
		return outcome{}, nil
	}
	s, link := a.stage(v), x.link()
	if _, err := s.do(q, &events.Unlink{Type: link.Type, End1: link.End1, End2: link.End2}); err != nil {
		return outcome{}, err
	}
	for _, l := range s.view.linked(id.guid) {
		if l.typ.Name == typeExternalIDLink {
			s.all.result.GUID, s.all.result.Version = id.guid.String(), id.version
			return s.all, nil
		}
	}
	_, err = s.do(q, &events.Delete{Element: x.id, Cascade: true})
	s.all.result.GUID = id.guid.String()
	return s.all, err
}

func (a *applier) confirmSynchronization(v view, q *request, c *events.ConfirmSynchronization) (outcome, error) {
	x, err := externalOf(v, &c.ExternalID)
	if err != nil {
		return outcome{}, err
	}
	if v.named(x.id.QualifiedName) == nil {
		return outcome{}, events.Errorf(events.CodeNotFound, "/identifier", "%q is no identifier in that scope; link it first", c.Identifier)
	}
	moment := cmp.Or(utc(c.Time), q.time).Format(time.RFC3339Nano)
	o, err := a.updateLink(v, q, &events.UpdateRelationship{
		Relationship: x.link(), Properties: events.Props(map[string]any{"lastSynchronized": moment}),
	})
	return o, elsewhere(err, "/relationship", "/identifier")
}

// elsewhere lets an error point into the command that was sent instead of the
// one that it was taken apart into.
func elsewhere(err error, from, to string) error {
	e, ok := asError(err)
	if !ok {
		return err
	}
	moved := *e
	if rest, ok := cutPointer(e.Pointer, from); ok {
		moved.Pointer = to + rest
	}
	return &moved
}
