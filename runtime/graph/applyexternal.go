package graph

import (
	"cmp"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
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
	scopeGUID          guid
	of                 *record // the element
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
		id: events.ByName(events.ExternalIDName(scope.name, x.Identifier)), scopeGUID: scope.guid, of: of,
	}, nil
}

func (x *external) link() events.RelationshipRef {
	return events.RelationshipRef{Type: typeExternalIDLink, End1: x.element, End2: x.id}
}

func (a *applier) linkExternalID(v view, q *Request, c *events.LinkExternalID) (Outcome, error) {
	x, err := externalOf(v, &c.ExternalID)
	if err != nil {
		return Outcome{}, err
	}
	s := a.stage(v)
	id, err := s.identifier(q, &x, c)
	if err != nil {
		return Outcome{}, err
	}
	link := x.link()
	_, err = s.do(q, &events.Link{Merge: true, Relationship: events.RelationshipSpec{Type: link.Type, End1: link.End1, End2: link.End2, Properties: c.Link}})
	if err != nil {
		return Outcome{}, repoint(repoint(err, "/relationship/properties", "/link"), "/relationship/end1", "/element")
	}
	s.all.Result.GUID, s.all.Result.Version = id.GUID, id.Version
	return s.all, nil
}

// identifier makes the ExternalId what it is to be. It is shared: where it is there
// already, nobody has to own it to link something to it.
func (s *stage) identifier(q *Request, x *external, c *events.LinkExternalID) (events.Result, error) {
	properties := map[string]any{}
	for m := c.Properties.Members(); m.Next(); { // also those that are null, to be cleared
		properties[m.Name()] = m.Value()
	}
	properties["identifier"] = c.Identifier
	spec := events.ElementSpec{Type: typeExternalID, QualifiedName: x.id.QualifiedName, Properties: events.Props(properties)}
	var id events.Result
	isUnchanged, err := s.isUnchanged(&spec)
	switch {
	case err == nil && isUnchanged:
		id = unchanged(s.view.named(spec.QualifiedName)).Result
	case err == nil:
		id, err = s.do(q, &events.Upsert{Merge: true, Element: spec})
	}
	if err != nil {
		return id, repoint(err, "/element/properties", "/properties")
	}
	if scoped := s.view.named(x.id.QualifiedName); len(between(s.view, typeExternalIDScope, x.scopeGUID, scoped.guid)) > 0 {
		return id, nil
	}
	_, err = s.do(q, &events.Link{Relationship: events.RelationshipSpec{Type: typeExternalIDScope, End1: x.scope, End2: x.id}})
	return id, repoint(err, "/relationship/end1", "/scope")
}

// asItIs reports whether an element is there that the properties of a spec do not
// change when they are merged into its own.
func (s *stage) isUnchanged(spec *events.ElementSpec) (bool, error) {
	old := s.view.named(spec.QualifiedName)
	if old == nil || old.archived || old.typ.Name != spec.Type {
		return false, nil
	}
	typ, err := s.view.registry().Element(spec.Type, "/element/type")
	if err != nil {
		return false, err
	}
	properties, err := mergedProperties(typ, old, spec.Properties, opentypes.CheckOptions{Pointer: "/element/properties", Partial: true})
	return err == nil && sameProperties(old, properties), err
}

func (a *applier) unlinkExternalID(v view, q *Request, c *events.UnlinkExternalID) (Outcome, error) {
	name := cmp.Or(c.Scope.QualifiedName, c.Scope.GUID)
	switch scope, err := element(v, c.Scope, "/scope"); {
	case err == nil:
		name = scope.name
	case ignoreMissing(err) != nil:
		return Outcome{}, err
	}
	_, err := element(v, c.Element, "/element")
	if err := ignoreMissing(err); err != nil {
		return Outcome{}, err // also where there is nothing to unlink
	}
	id := v.named(events.ExternalIDName(name, c.Identifier)) // which may outlive its scope
	if id == nil {
		return Outcome{}, nil
	}
	s, ref := a.stage(v), events.ByGUID(id.guid.String())
	// With an element that is gone, the link went, too.
	if _, err := s.do(q, &events.Unlink{Type: typeExternalIDLink, End1: c.Element, End2: ref}); err != nil {
		return Outcome{}, err
	}
	s.all.Result.GUID, s.all.Result.Version = id.guid.String(), id.version
	if slices.ContainsFunc(s.view.linked(id.guid), func(l *record) bool { return l.typ.Name == typeExternalIDLink }) {
		return s.all, nil
	}
	switch _, err := s.do(q, &events.Delete{Element: ref, Cascade: true}); {
	case events.CodeOf(err) == events.CodeRefused:
		return s.all, nil // it belongs to whoever linked it first, and stays
	case err != nil:
		return Outcome{}, err
	}
	s.all.Result.Version = 0
	return s.all, nil
}

// purgeIdentifiers adds to a purge the identifiers that only what is purged had:
// nothing may tell of it any more. They come first: should a crash cut a large purge
// in two, the rest is found again from the element.
func purgeIdentifiers(v view, q *Request, o Outcome) Outcome {
	goes := map[guid]bool{}
	var candidates []guid
	for i := range o.changes {
		c := &o.changes[i]
		if !c.purged {
			continue
		}
		goes[c.record.guid] = true
		if c.record.relationship && c.record.typ.Name == typeExternalIDLink {
			candidates = append(candidates, c.record.end2)
		}
	}
	var orphans []*record
	for _, id := range candidates {
		if r := v.get(id); r != nil && !goes[id] && q.mayChange(r) == nil && isOrphan(v, r, goes) {
			goes[id] = true
			orphans = append(orphans, r)
		}
	}
	if len(orphans) == 0 {
		return o
	}
	all := removals(v, orphans, true)
	first := map[guid]bool{}
	for i := range all {
		first[all[i].record.guid] = true
	}
	for _, c := range o.changes {
		if !first[c.record.guid] {
			all = append(all, c)
		}
	}
	o.changes = all
	return o
}

// isOrphan reports whether nothing has an identifier, nor is anchored to it, but
// what goes.
func isOrphan(v view, id *record, goes map[guid]bool) bool {
	stays := func(r *record) bool { return !goes[r.guid] }
	return !slices.ContainsFunc(v.anchored(id.guid), stays) && !slices.ContainsFunc(v.linked(id.guid), func(l *record) bool {
		return l.typ.Name == typeExternalIDLink && stays(l)
	})
}

func (a *applier) confirmSynchronization(v view, q *Request, c *events.ConfirmSynchronization) (Outcome, error) {
	x, err := externalOf(v, &c.ExternalID)
	if err != nil {
		return Outcome{}, err
	}
	if v.named(x.id.QualifiedName) == nil {
		return Outcome{}, events.Errorf(events.CodeNotFound, "/identifier", "%q is no identifier in that scope; link it first", c.Identifier)
	}
	when, open := cmp.Or(utc(c.Time), q.Time), c.OpenChanged
	if open.IsZero() {
		e, err := x.of.element()
		if err != nil {
			return Outcome{}, err
		}
		if open = e.Header.Versions.LastChange(); open.After(when) {
			open = time.Time{} // another state than the one of that time
		}
	}
	said := map[string]any{"lastSynchronized": stamp(when), "openChanged": stamp(open), "thirdPartyChanged": stamp(c.ThirdPartyChanged)}
	o, err := a.updateLink(v, q, &events.UpdateRelationship{Relationship: x.link(), Properties: events.Props(said)})
	return o, repoint(err, "/relationship", "/identifier")
}

// stamp is a time as a property; none clears it.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// elsewhere lets an error point into the command that was sent instead of the
// one that it was taken apart into.
func repoint(err error, from, to string) error {
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
