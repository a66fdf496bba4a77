package graph

import (
	"cmp"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// The types that keep external identifiers (Egeria: 0017 External Identifiers).
const (
	typeExternalID      = "ExternalId"
	typeExternalIDLink  = "ExternalIdLink"
	typeExternalIDScope = "ExternalIdScope"
)

// externalID is what an external identifier is about. The ExternalId is shared by all
// elements with that identifier in that scope.
type externalID struct {
	element, scope *index.Record
	id             events.ElementRef
}

func externalIDOf(v view, x *events.ExternalID) (externalID, error) {
	of, err := index.Element(v, x.Element, "/element")
	if err != nil {
		return externalID{}, err
	}
	scope, err := index.Element(v, x.Scope, "/scope")
	if err != nil {
		return externalID{}, err
	}
	return externalID{element: of, scope: scope, id: events.ByName(events.ExternalIDName(scope.Name, x.Identifier))}, nil
}

func refTo(r *index.Record) events.ElementRef { return events.ByGUID(r.GUID.String()) }

func (t *transaction) linkExternalID(c *events.LinkExternalID) error {
	x, err := externalIDOf(t.view(), &c.ExternalID)
	if err != nil {
		return err
	}
	if err := t.putIdentifier(&x, c); err != nil {
		return err
	}
	_, err = t.do(&events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: typeExternalIDLink, End1: refTo(x.element), End2: x.id, Properties: c.Link}})
	return repoint(repoint(err, "/relationship/properties", "/link"), "/relationship/end1", "/element")
}

// putIdentifier creates or updates the ExternalId. It is shared: if it is there and
// stays the same, the request need not own it to link it.
func (t *transaction) putIdentifier(x *externalID, c *events.LinkExternalID) error {
	properties := map[string]any{}
	for m := c.Properties.Members(); m.Next(); { // also nulls, which clear
		properties[m.Name()] = m.Value()
	}
	properties["identifier"] = c.Identifier
	spec := events.ElementSpec{Type: typeExternalID, QualifiedName: x.id.QualifiedName, Properties: events.Props(properties)}
	unchanged, err := t.isUnchanged(&spec)
	if err == nil && !unchanged {
		_, err = t.do(&events.Upsert{Merge: true, Element: spec})
	}
	if err != nil {
		return repoint(err, "/element/properties", "/properties")
	}
	id := t.view().ByName(x.id.QualifiedName)
	t.is(id)
	if len(between(t.view(), typeExternalIDScope, x.scope.GUID, id.GUID)) > 0 {
		return nil
	}
	_, err = t.do(&events.Link{Relationship: events.RelationshipSpec{Type: typeExternalIDScope, End1: refTo(x.scope), End2: x.id}})
	return repoint(err, "/relationship/end1", "/scope")
}

// isUnchanged reports whether an element exists that a merge with the properties of a
// spec leaves as it is.
func (t *transaction) isUnchanged(spec *events.ElementSpec) (bool, error) {
	typ, err := t.view().Types().Element(spec.Type, "/element/type")
	old := t.view().ByName(spec.QualifiedName)
	if err != nil || old == nil || old.Archived || old.Type.Name != spec.Type {
		return false, err
	}
	properties, err := mergedProperties(typ, old, spec.Properties, opentypes.CheckOptions{Pointer: "/element/properties", Partial: true})
	return err == nil && sameProperties(old, properties), err
}

func (t *transaction) unlinkExternalID(c *events.UnlinkExternalID) error {
	scope, err := index.Element(t.view(), c.Scope, "/scope")
	if ignoreMissing(err) != nil {
		return err
	}
	_, err = index.Element(t.view(), c.Element, "/element")
	if ignoreMissing(err) != nil {
		return err
	}
	name := cmp.Or(c.Scope.QualifiedName, c.Scope.GUID)
	if scope != nil {
		name = scope.Name
	}
	id := t.view().ByName(events.ExternalIDName(name, c.Identifier)) // it may outlive its scope
	if id == nil {
		return nil
	}
	// If the element is deleted, so is the link.
	if _, err := t.do(&events.Unlink{Type: typeExternalIDLink, End1: c.Element, End2: refTo(id)}); err != nil {
		return err
	}
	t.is(id)
	if slices.ContainsFunc(t.view().Group(index.LinksOf(id.GUID)), func(l *index.Record) bool { return l.Type.Name == typeExternalIDLink }) {
		return nil
	}
	_, err = t.do(&events.Delete{Element: refTo(id), Cascade: true})
	switch {
	case events.CodeOf(err) == events.CodeRefused:
		return nil // it belongs to whoever linked it first, and stays
	case err == nil:
		t.result.Version = 0
	}
	return err
}

// orphanedIdentifiers returns the identifiers that only a family had, and that have
// to be purged with it.
func (t *transaction) orphanedIdentifiers(family []*index.Record) (orphans []*index.Record) {
	purged := map[guid]bool{}
	for _, r := range family {
		purged[r.GUID] = true
	}
	for _, r := range family {
		for _, l := range t.view().Group(index.LinksOf(r.GUID)) {
			if l.Type.Name != typeExternalIDLink || purged[l.End2] {
				continue
			}
			// An identifier whose event cannot be read is not in the index, its link is.
			if id := t.view().ByGUID(l.End2); id != nil && t.mayChange(id) == nil && isOrphan(t.view(), id, purged) {
				purged[id.GUID] = true
				orphans = append(orphans, id)
			}
		}
	}
	return orphans
}

// isOrphan reports whether only what is purged has an identifier or is anchored to it.
func isOrphan(v view, id *index.Record, purged map[guid]bool) bool {
	return !slices.ContainsFunc(v.Group(index.AnchoredTo(id.GUID)), func(r *index.Record) bool { return !purged[r.GUID] }) &&
		!slices.ContainsFunc(v.Group(index.LinksOf(id.GUID)), func(l *index.Record) bool { return l.Type.Name == typeExternalIDLink && !purged[l.End1] })
}

func (t *transaction) confirmSynchronization(c *events.ConfirmSynchronization) error {
	x, err := externalIDOf(t.view(), &c.ExternalID)
	if err != nil {
		return err
	}
	if t.view().ByName(x.id.QualifiedName) == nil {
		return events.Errorf(events.CodeNotFound, "/identifier", "%q is no identifier in that scope; link it first", c.Identifier)
	}
	when, open := cmp.Or(c.Time.UTC(), t.q.Time), c.OpenChanged
	if open.IsZero() {
		e, err := x.element.Element()
		if err != nil {
			return err
		}
		if open = e.Header.Versions.LastChange(); open.After(when) {
			open = time.Time{} // the state at that time is not known
		}
	}
	err = t.updateLink(&events.UpdateRelationship{
		Relationship: events.RelationshipRef{Type: typeExternalIDLink, End1: refTo(x.element), End2: x.id},
		Properties: events.Props(map[string]any{
			"lastSynchronized": timeProperty(when), "openChanged": timeProperty(open), "thirdPartyChanged": timeProperty(c.ThirdPartyChanged),
		}),
	})
	return repoint(err, "/relationship", "/identifier")
}

// timeProperty returns a time as a property; the zero time clears it.
func timeProperty(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}
