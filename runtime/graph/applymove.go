package graph

import (
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// retype makes an element one of another type. Its subject has the type in it:
// under the old one it ends, without being deleted.
func (a *applier) retype(v view, q *Request, c *events.Retype) (Outcome, error) {
	old, err := liveElement(v, c.Element, c.Expectation)
	if err != nil {
		return Outcome{}, err
	}
	typ, err := v.registry().Element(c.Type, "/type")
	if err != nil {
		return Outcome{}, err
	}
	if old.typ.Name == typ.Name() {
		return a.update(v, q, &events.Update{Element: c.Element, Properties: c.Properties})
	}
	if err := q.mayChange(old); err != nil {
		return Outcome{}, err
	}
	if !old.named() && typ.RequiresName() {
		return Outcome{}, events.Errorf(events.CodeConflict, "/type", "%s has no qualified name, which %s needs", old.guid, article(typ.Name()))
	}
	if err := linksAllow(v, old, typ); err != nil {
		return Outcome{}, err
	}
	e, err := old.element()
	if err != nil {
		return Outcome{}, err
	}
	had := e.Properties
	if e.Properties, err = retyped(typ, had, c.Properties); err != nil {
		return Outcome{}, err
	}
	if err := checkClassifications(v.registry(), typ, e.Classifications, ""); err != nil {
		return Outcome{}, events.Errorf(events.CodeConflict, "/type", "%s cannot become a %s: %s", old.name, typ.Name(), messageOf(err))
	}
	e.Header.Type = *typ.Header()
	q.touch(&e.Header)
	o, err := a.store(typ.Header(), old, e, events.TypeElementRetyped, "")
	if err != nil {
		return Outcome{}, err
	}
	links, err := a.updateStubs(v, old, typ.Name())
	if err != nil {
		return Outcome{}, err
	}
	end := removal(old, events.TypeElementMoved)
	end.moved = true
	o.changes = slices.Concat(links, []change{end}, o.changes)
	reportDropped(&o.Result, typ, had)
	return o, nil
}

// tellLost notes the properties that a type does not have.
func reportDropped(result *events.Result, typ *opentypes.Type, had events.Properties) {
	has := attributesOf(typ)
	for m := had.Members(); m.Next(); {
		if !has[m.Name()] {
			addDropped(result, m.Name())
		}
	}
}

// restub makes the relationships of an element, whoever they belong to, tell the
// type that it is to have. Nobody has changed them: they keep their versions, so that
// who expects one of a relationship, or looks for changes of it (Egeria: of a catalog
// target), is not told of a change that its owner did not make. They come before the element itself: should a crash cut
// very many in two, the rest is found again from that.
func (a *applier) updateStubs(v view, of *record, typeName string) ([]change, error) {
	var changes []change
	id := of.guid.String()
	for _, l := range v.linked(of.guid) {
		rel, err := l.link()
		if err != nil {
			return nil, err
		}
		stale := false
		for _, end := range [2]*events.ElementStub{&rel.End1, &rel.End2} {
			if end.GUID == id && end.Type != typeName {
				end.Type, stale = typeName, true
			}
		}
		if !stale {
			continue
		}
		o, err := a.storeLink(l.typ, l, rel, events.TypeRelationshipUpdated)
		if err != nil {
			return nil, err
		}
		o.changes[0].actorMissing = true
		changes = append(changes, o.changes...)
	}
	return changes, nil
}

// linksAllow checks that the relationships of an element may lead to one of the
// type.
func linksAllow(v view, r *record, typ *opentypes.Type) error {
	for _, l := range v.linked(r.guid) {
		rel, err := v.registry().Relationship(l.typ.Name, "/type")
		if err != nil {
			continue // of a type that is not known any more
		}
		end := 1
		if l.end1 != r.guid {
			end = 2
		}
		if want := rel.End(end); want != nil && !typ.Header().Is(want.Type) {
			return events.Errorf(events.CodeConflict, "/type", "%s has %s, %s, which needs %s at this end; %s is none",
				r.name, article(l.typ.Name), l.guid, article(want.Type), article(typ.Name()))
		}
	}
	return nil
}

func attributesOf(typ *opentypes.Type) map[string]bool {
	has := map[string]bool{}
	for _, attribute := range typ.Attributes() {
		has[attribute.Name] = true
	}
	return has
}

// retyped returns those properties that the type has, with the patch, checked.
func retyped(typ *opentypes.Type, have, patch events.Properties) (events.Properties, error) {
	has := attributesOf(typ)
	kept := map[string]any{}
	for m := have.Members(); m.Next(); {
		if has[m.Name()] {
			kept[m.Name()] = m.Value()
		}
	}
	all, err := events.Props(kept).Merge(patch)
	if err != nil {
		return all, err
	}
	return typ.Check(all, opentypes.CheckOptions{Pointer: "/properties"})
}

// rehome makes an element or a relationship belong to another metadata source.
func (a *applier) rehome(v view, q *Request, c *events.Rehome) (Outcome, error) {
	old, err := rehomed(v, c)
	if err != nil {
		return Outcome{}, err
	}
	if err := expect(c.Expectation, old, ""); err != nil {
		return Outcome{}, err
	}
	// Who acts on behalf of no source may take over what is of one that is gone.
	if err := q.mayChange(old); err != nil && q.Source != "" {
		return Outcome{}, err
	}
	switch {
	case old.source() != c.From:
		return Outcome{}, events.Errorf(events.CodeConflict, "/from", "the home of %s is %q, not %q", old.name, old.source(), c.From)
	case c.To == c.From:
		return unchanged(old), nil
	case old.relationship:
		rel, err := old.link()
		if err != nil {
			return Outcome{}, err
		}
		q.rehome(&rel.Header, c.To)
		return a.storeLink(old.typ, old, rel, events.TypeRelationshipRehomed)
	}
	e, err := old.element()
	if err != nil {
		return Outcome{}, err
	}
	q.rehome(&e.Header, c.To)
	return a.store(old.typ, old, e, events.TypeElementRehomed, "")
}

// rehomed finds what is to get another home.
func rehomed(v view, c *events.Rehome) (*record, error) {
	if c.Relationship == (events.RelationshipRef{}) {
		return element(v, c.Element, "/element")
	}
	r, err := linkOf(v, &c.Relationship, "/relationship")
	if err == nil && r == nil {
		err = events.Errorf(events.CodeNotFound, "/relationship", "there is no such relationship")
	}
	return r, err
}

// rehome gives a header its new home. Of what kind the source is, the present one
// says, if there is one. The scope is one of the former home: what the new one
// reconciles under the same name is something else, and would take it for vanished.
func (q *Request) rehome(h *events.ElementHeader, to string) {
	switch {
	case to == "":
		h.Origin = events.Origin{Category: events.OriginLocal}
	case h.Origin.Source == "":
		h.Origin.Category, h.Origin.Source = events.OriginExternal, to
	default:
		h.Origin.Source = to
	}
	h.Origin.Scope = ""
	q.touch(h)
}
