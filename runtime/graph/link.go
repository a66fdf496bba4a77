package graph

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// link creates a relationship, or gives the present one the properties of the spec.
func (t *transaction) link(c *events.Link) error {
	spec := &c.Relationship
	typ, end1, end2, err := ends(t.view(), &events.RelationshipRef{Type: spec.Type, End1: spec.End1, End2: spec.End2}, "/relationship")
	if err != nil {
		return err
	}
	if err := typ.CheckEnds(end1.Type, end2.Type, "/relationship"); err != nil {
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
func ends(v view, ref *events.RelationshipRef, pointer string) (typ *opentypes.Type, end1, end2 *index.Record, err error) {
	if typ, err = v.Types().Relationship(ref.Type, pointer+"/type"); err != nil {
		return nil, nil, nil, err
	}
	if end1, err = index.Element(v, ref.End1, pointer+"/end1"); err != nil {
		return nil, nil, nil, err
	}
	end2, err = index.Element(v, ref.End2, pointer+"/end2")
	return typ, end1, end2, err
}

// specifiedLink returns the relationship that a spec means, nil if there is none, and
// the guid that it has or will have.
func specifiedLink(v view, typ *opentypes.Type, spec *events.RelationshipSpec, end1, end2 *index.Record) (*index.Record, guid, error) {
	id := events.RelationshipKey(spec.Type, end1.GUID, end2.GUID)
	if spec.GUID != "" {
		id = index.GUIDOf(events.ByGUID(spec.GUID))
	}
	old := v.ByGUID(id)
	if old != nil && (!old.Relationship || old.Type.Name != typ.Name() || old.End1 != end1.GUID || old.End2 != end2.GUID) {
		return nil, id, events.Errorf(events.CodeConflict, "/relationship/guid", "%s is the guid of another %s", id, old.Type.Name)
	}
	if old != nil || typ.MultiLink() {
		return old, id, nil
	}
	if old = onlyBetween(v, typ, end1.GUID, end2.GUID); old == nil {
		return nil, id, nil
	}
	if spec.GUID != "" || old.Type.Name != typ.Name() {
		pointer := "/relationship/type"
		if spec.GUID != "" {
			pointer = "/relationship/guid"
		}
		return nil, id, events.Errorf(events.CodeConflict, pointer, "%s and %s are related by the %s %s already; there can be only one",
			end1.Name, end2.Name, old.Type.Name, old.GUID)
	}
	return old, old.GUID, nil
}

// between returns the relationships of a type from one element to another. The one
// whose guid is derived from its type and ends comes first, the others by guid. It
// does not look at all relationships of an element: these may be a hundred thousand.
func between(v view, typeName string, end1, end2 guid) []*index.Record {
	key := events.RelationshipKey(typeName, end1, end2)
	others := v.Group(index.AliasesOf(key))
	if r := v.ByGUID(key); r != nil && r.Derived && r.Relationship && r.LinkKey() == key {
		return append([]*index.Record{r}, others...)
	}
	return others
}

// onlyBetween returns the relationship from one element to another where a type and
// its super and subtypes allow only one.
func onlyBetween(v view, typ *opentypes.Type, end1, end2 guid) *index.Record {
	for _, name := range append([]string{typ.Name()}, v.Types().Subtypes(typ.Root())...) {
		if all := between(v, name, end1, end2); len(all) > 0 {
			return all[0]
		}
	}
	return nil
}

// reviseLink changes a relationship.
func (t *transaction) reviseLink(old *index.Record, properties events.Properties, effectivity *events.Effectivity) error {
	t.is(old)
	if err := t.mayChange(old); err != nil || t.inScope(old) && effectivity == nil && sameProperties(old, properties) {
		return err
	}
	l, err := old.Link()
	if err != nil {
		return err
	}
	l.Properties = properties
	setEffectivity(&l.Header, effectivity)
	t.adopt(&l.Header)
	if same, _, _ := appendRelationship(nil, l); bytes.Equal(same, old.State()) {
		return nil
	}
	t.touch(&l.Header)
	return t.storeLink(old.Type, old, l, change{eventType: events.TypeRelationshipUpdated})
}

func (t *transaction) updateLink(c *events.UpdateRelationship) error {
	old, err := presentLink(t.view(), &c.Relationship)
	if err != nil {
		return err
	}
	if err := expect(c.Expectation, old, ""); err != nil {
		return err
	}
	typ, err := t.view().Types().Relationship(old.Type.Name, "/relationship")
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
	t.result.GUID = old.GUID.String()
	return nil
}

// presentLink is linkOf for a relationship that has to be there.
func presentLink(v view, ref *events.RelationshipRef) (*index.Record, error) {
	r, err := linkOf(v, ref, "/relationship")
	if err == nil && r == nil {
		err = events.Errorf(events.CodeNotFound, "/relationship", "there is no such relationship")
	}
	return r, err
}

// linkOf returns the relationship that a reference names, nil if there is none.
func linkOf(v view, ref *events.RelationshipRef, pointer string) (*index.Record, error) {
	if ref.GUID != "" {
		r := v.ByGUID(index.GUIDOf(events.ByGUID(ref.GUID)))
		if r != nil && !r.Relationship {
			return nil, events.Errorf(events.CodeInvalid, pointer+"/guid", "%s is an element, not a relationship", r.GUID)
		}
		return r, nil
	}
	_, end1, end2, err := ends(v, ref, pointer)
	if err != nil {
		return nil, err
	}
	switch all := between(v, ref.Type, end1.GUID, end2.GUID); len(all) {
	case 0:
		return nil, nil //nolint:nilnil // that it is missing is no error
	case 1:
		return all[0], nil
	default:
		return nil, events.Errorf(events.CodeConflict, pointer+"/guid", "several %s lead from %s to %s, %s; name it by guid",
			ref.Type, end1.Name, end2.Name, firstGUIDs(all))
	}
}

// firstGUIDs names the first few of many records.
func firstGUIDs(all []*index.Record) string {
	const enough = 3
	var names []string
	for _, r := range all[:min(enough, len(all))] {
		names = append(names, r.GUID.String())
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

func stub(r *index.Record) events.ElementStub {
	return events.ElementStub{GUID: r.GUID.String(), Type: r.Type.Name, QualifiedName: r.QualifiedName()}
}
