package graph

import (
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// retype changes the type of an element. The type is part of the subject: under the
// old one the element ends without being deleted.
func (t *transaction) retype(c *events.Retype) error {
	old, e, err := t.liveElement(c.Element, c.Expectation)
	if err != nil {
		return err
	}
	typ, err := t.view().Types().Element(c.Type, "/type")
	if err != nil {
		return err
	}
	if old.Type.Name == typ.Name() {
		return t.update(&events.Update{Element: c.Element, Properties: c.Properties})
	}
	if err := t.checkRetype(old, e, typ); err != nil {
		return err
	}
	had := e.Properties
	if e.Properties, err = retyped(typ, had, c.Properties); err != nil {
		return err
	}
	// The relationships come first: if a crash cuts very many in two, the rest is
	// found again from the element.
	if err := t.updateStubs(old, typ.Name()); err != nil {
		return err
	}
	end := removal(old, false)
	end.eventType, end.Moved = events.TypeElementMoved, true
	t.emit(end)
	for m := had.Members(); m.Next(); {
		if !typ.Has(m.Name()) {
			t.dropped(m.Name())
		}
	}
	e.Header.Type = *typ.Header()
	t.touch(&e.Header)
	return t.store(typ.Header(), old, e, events.TypeElementRetyped, "")
}

// checkRetype checks that an element, with its relationships and classifications, may
// be of a type.
func (t *transaction) checkRetype(r *index.Record, e *events.Element, typ *opentypes.Type) error {
	if err := t.mayChange(r); err != nil {
		return err
	}
	if !r.HasName() && typ.RequiresName() {
		return events.Errorf(events.CodeConflict, "/type", "%s has no qualified name, which %s needs", r.GUID, opentypes.Article(typ.Name()))
	}
	for _, l := range t.view().Group(index.LinksOf(r.GUID)) {
		rel, err := t.view().Types().Relationship(l.Type.Name, "/type")
		if err != nil {
			continue // the type is not known any more
		}
		end := 1
		if l.End1 != r.GUID {
			end = 2
		}
		if want := rel.End(end); want != nil && !typ.Header().Is(want.Type) {
			return events.Errorf(events.CodeConflict, "/type", "%s has %s, %s, which needs %s at this end; %s is none",
				r.Name, opentypes.Article(l.Type.Name), l.GUID, opentypes.Article(want.Type), opentypes.Article(typ.Name()))
		}
	}
	if err := checkClassifications(t.view().Types(), typ, e.Classifications, ""); err != nil {
		return events.Errorf(events.CodeConflict, "/type", "%s cannot become %s: %s", r.Name, opentypes.Article(typ.Name()), messageOf(err))
	}
	return nil
}

// updateStubs makes the relationships of an element name its new type. They keep their
// versions, as their owners have not changed them.
func (t *transaction) updateStubs(of *index.Record, typeName string) error {
	id := of.GUID.String()
	for _, l := range t.view().Group(index.LinksOf(of.GUID)) {
		rel, err := l.Link()
		if err != nil {
			return err
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
		if err := t.storeLink(l.Type, l, rel, change{eventType: events.TypeRelationshipUpdated, actorMissing: true}); err != nil {
			return err
		}
	}
	return nil
}

// retyped returns the properties that the type has, with the patch, checked.
func retyped(typ *opentypes.Type, have, patch events.Properties) (events.Properties, error) {
	kept := map[string]any{}
	for m := have.Members(); m.Next(); {
		if typ.Has(m.Name()) {
			kept[m.Name()] = m.Value()
		}
	}
	all, err := events.Props(kept).Merge(patch)
	if err != nil {
		return all, err
	}
	return typ.Check(all, opentypes.CheckOptions{Pointer: "/properties"})
}

// rehome gives an element or a relationship to another metadata source. A request on
// behalf of no source may take over what belongs to a source that is gone.
func (t *transaction) rehome(c *events.Rehome) error {
	var old *index.Record
	var err error
	if c.Relationship == (events.RelationshipRef{}) {
		old, err = index.Element(t.view(), c.Element, "/element")
	} else {
		old, err = presentLink(t.view(), &c.Relationship)
	}
	if err != nil {
		return err
	}
	if err := expect(c.Expectation, old, ""); err != nil {
		return err
	}
	if err := t.mayChange(old); err != nil && t.q.Source != "" {
		return err
	}
	switch {
	case old.Source() != c.From:
		return events.Errorf(events.CodeConflict, "/from", "the home of %s is %q, not %q", old.Name, old.Source(), c.From)
	case c.To == c.From:
		t.is(old)
		return nil
	case old.Relationship:
		l, err := old.Link()
		if err != nil {
			return err
		}
		t.setHome(&l.Header, c.To)
		return t.storeLink(old.Type, old, l, change{eventType: events.TypeRelationshipRehomed})
	}
	e, err := old.Element()
	if err != nil {
		return err
	}
	t.setHome(&e.Header, c.To)
	return t.store(old.Type, old, e, events.TypeElementRehomed, "")
}

// setHome gives a header its new source, of the same category as the present one. It
// clears the scope: a scope of that name at the new source is another one, and its
// reconciliation would delete the element.
func (t *transaction) setHome(h *events.ElementHeader, to string) {
	switch {
	case to == "":
		h.Origin = events.Origin{Category: events.OriginLocal}
	case h.Origin.Source == "":
		h.Origin.Category, h.Origin.Source = events.OriginExternal, to
	default:
		h.Origin.Source = to
	}
	h.Origin.Scope = ""
	t.touch(h)
}
