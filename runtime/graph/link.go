package graph

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// link creates a relationship, or gives the present one the properties of the spec.
func (t *transaction) link(c *events.Link) error {
	spec := &c.Relationship
	typ, end1, end2, err := ends(t.view(), &events.RelationshipRef{Type: spec.Type, End1: spec.End1, End2: spec.End2}, "/relationship")
	if err != nil {
		return err
	}
	if err := typ.CheckEnds(end1.typ, end2.typ, "/relationship"); err != nil {
		return err
	}
	old, id, err := specifiedLink(t.view(), typ, spec, end1, end2)
	if err != nil {
		return err
	}
	if err := expect(c.Expectation, old, "this "+typ.Name()); err != nil {
		return err
	}
	properties, err := mergedProperties(typ, old, spec.Properties, opentypes.CheckOptions{Pointer: "/relationship/properties", Partial: c.Merge && old != nil})
	if err != nil {
		return err
	}
	if old != nil {
		return t.reviseLink(old, properties, spec.Effectivity)
	}
	if err := cmp.Or(checkLive(typ, end1, end2), t.replaceEnd(typ, end1, end2)); err != nil {
		return err
	}
	l := &events.Relationship{Header: t.header(id, typ.Header()), End1: stub(end1), End2: stub(end2), Properties: properties}
	setEffectivity(&l.Header, spec.Effectivity)
	return t.storeLink(typ.Header(), nil, l, change{eventType: events.TypeRelationshipCreated})
}

// ends returns the type of a relationship and the elements at its ends.
func ends(v view, ref *events.RelationshipRef, pointer string) (typ *opentypes.Type, end1, end2 *record, err error) {
	if typ, err = v.Types().Relationship(ref.Type, pointer+"/type"); err != nil {
		return nil, nil, nil, err
	}
	if end1, err = element(v, ref.End1, pointer+"/end1"); err != nil {
		return nil, nil, nil, err
	}
	end2, err = element(v, ref.End2, pointer+"/end2")
	return typ, end1, end2, err
}

// specifiedLink returns the relationship that a spec means, nil if there is none, and
// the guid that it has or will have.
func specifiedLink(v view, typ *opentypes.Type, spec *events.RelationshipSpec, end1, end2 *record) (*record, guid, error) {
	id := events.RelationshipKey(spec.Type, end1.guid, end2.guid)
	if spec.GUID != "" {
		id = guidOf(events.ByGUID(spec.GUID))
	}
	old := v.get(id)
	if old != nil && (!old.relationship || old.typ.Name != typ.Name() || old.end1 != end1.guid || old.end2 != end2.guid) {
		return nil, id, events.Errorf(events.CodeConflict, "/relationship/guid", "%s is the guid of another %s", id, old.typ.Name)
	}
	if old != nil || typ.MultiLink() {
		return old, id, nil
	}
	if old = onlyBetween(v, typ, end1.guid, end2.guid); old == nil {
		return nil, id, nil
	}
	if spec.GUID != "" || old.typ.Name != typ.Name() {
		pointer := "/relationship/type"
		if spec.GUID != "" {
			pointer = "/relationship/guid"
		}
		return nil, id, events.Errorf(events.CodeConflict, pointer, "%s and %s are related by the %s %s already; there can be only one",
			end1.name, end2.name, old.typ.Name, old.guid)
	}
	return old, old.guid, nil
}

// between returns the relationships of a type from one element to another. The one
// whose guid is derived from its type and ends comes first, the others by guid. It
// does not look at all relationships of an element: these may be a hundred thousand.
func between(v view, typeName string, end1, end2 guid) []*record {
	key := events.RelationshipKey(typeName, end1, end2)
	others := v.group(AliasesOf(key))
	if r := v.get(key); r != nil && r.derived && r.relationship && r.linkKey() == key {
		return append([]*record{r}, others...)
	}
	return others
}

// onlyBetween returns the relationship from one element to another where a type and
// its super and subtypes allow only one.
func onlyBetween(v view, typ *opentypes.Type, end1, end2 guid) *record {
	for _, name := range append([]string{typ.Name()}, v.Types().Subtypes(typ.Root())...) {
		if all := between(v, name, end1, end2); len(all) > 0 {
			return all[0]
		}
	}
	return nil
}

// reviseLink changes a relationship.
func (t *transaction) reviseLink(old *record, properties events.Properties, effectivity *events.Effectivity) error {
	t.is(old)
	if err := t.mayChange(old); err != nil || t.inScope(old) && effectivity == nil && sameProperties(old, properties) {
		return err
	}
	l, err := old.link()
	if err != nil {
		return err
	}
	l.Properties = properties
	setEffectivity(&l.Header, effectivity)
	t.adopt(&l.Header)
	if same, _, _ := appendRelationship(nil, l); bytes.Equal(same, old.state()) {
		return nil
	}
	t.touch(&l.Header)
	return t.storeLink(old.typ, old, l, change{eventType: events.TypeRelationshipUpdated})
}

func (t *transaction) updateLink(c *events.UpdateRelationship) error {
	old, err := presentLink(t.view(), &c.Relationship)
	if err != nil {
		return err
	}
	if err := expect(c.Expectation, old, ""); err != nil {
		return err
	}
	typ, err := t.view().Types().Relationship(old.typ.Name, "/relationship")
	if err != nil {
		return err
	}
	properties, err := mergedProperties(typ, old, c.Properties, opentypes.CheckOptions{Pointer: "/properties", Partial: !c.Replace})
	if err != nil {
		return err
	}
	return t.reviseLink(old, properties, c.Effectivity)
}

func (t *transaction) unlink(c *events.Unlink) error {
	old, err := linkOf(t.view(), c.Ref(), "")
	if err := cmp.Or(ignoreMissing(err), expect(c.Expectation, old, "the relationship")); err != nil || old == nil {
		return err
	}
	if err := t.mayChange(old); err != nil {
		return err
	}
	t.emit(removal(old, false))
	t.result.GUID = old.guid.String()
	return nil
}

// presentLink is linkOf for a relationship that has to be there.
func presentLink(v view, ref *events.RelationshipRef) (*record, error) {
	r, err := linkOf(v, ref, "/relationship")
	if err == nil && r == nil {
		err = events.Errorf(events.CodeNotFound, "/relationship", "there is no such relationship")
	}
	return r, err
}

// linkOf returns the relationship that a reference names, nil if there is none.
func linkOf(v view, ref *events.RelationshipRef, pointer string) (*record, error) {
	if ref.GUID != "" {
		r := v.get(guidOf(events.ByGUID(ref.GUID)))
		if r != nil && !r.relationship {
			return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s is an element, not a relationship", r.guid)
		}
		return r, nil
	}
	_, end1, end2, err := ends(v, ref, pointer)
	if err != nil {
		return nil, err
	}
	switch all := between(v, ref.Type, end1.guid, end2.guid); len(all) {
	case 0:
		return nil, nil //nolint:nilnil // that it is missing is no error
	case 1:
		return all[0], nil
	default:
		return nil, events.Errorf(events.CodeConflict, pointer+"/guid", "several %s lead from %s to %s, %s; name it by guid",
			ref.Type, end1.name, end2.name, firstGUIDs(all))
	}
}

// firstGUIDs names the first few of many records.
func firstGUIDs(all []*record) string {
	const enough = 3
	var names []string
	for _, r := range all[:min(enough, len(all))] {
		names = append(names, r.guid.String())
	}
	if len(all) > enough {
		names = append(names, strconv.Itoa(len(all)-enough)+" more")
	}
	return strings.Join(names, ", ")
}

func ignoreMissing(err error) error {
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	return err
}

func stub(r *record) events.ElementStub {
	return events.ElementStub{GUID: r.guid.String(), Type: r.typ.Name, QualifiedName: r.qualifiedName()}
}
