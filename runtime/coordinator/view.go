package coordinator

import (
	"cmp"
	"maps"
	"slices"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/topics"
)

// The types that say what is to run (Egeria: type models 0201 and 0464).
const (
	typeGroup         = "IntegrationGroup"
	typeConnector     = "IntegrationConnector"
	typeConnection    = "Connection"
	typeConnectorType = "ConnectorType"

	typeRegistered          = "RegisteredIntegrationConnector" // group to connector
	typeAssetConnection     = "AssetConnection"                // connector to connection
	typeConnectionConnector = "ConnectionConnectorType"        // connection to connector type
)

// subjects are those of the change events that a [View] needs.
func subjects(t topics.Topics) []string {
	var list []string
	for _, name := range []string{typeGroup, typeConnector, typeConnection, typeConnectorType} {
		list = append(list, t.ElementsOf(name))
	}
	for _, name := range []string{typeRegistered, typeAssetConnection, typeConnectionConnector} {
		list = append(list, t.RelationshipsOf(name))
	}
	return list
}

// View is the part of the metadata that says what is to run. It reads properties
// when they change, so that putting them together is cheap. The zero View is
// empty.
type View struct {
	elements map[string]element // by guid
	links    map[string]map[string]link
	// changed says that desired and incomplete are out of date.
	changed    bool
	desired    []events.Definition
	incomplete []Incomplete
}

// Apply takes over one change; changes of other types are none of its business.
func (v *View) Apply(c *connectors.Change) {
	v.changed = true
	switch {
	case c.Relationship != nil && c.Relationship.State() != nil:
		r := c.Relationship.State()
		v.link(r, c.Type == events.TypeRelationshipDeleted)
	case c.Element != nil && c.Element.State() != nil:
		e := c.Element.State()
		v.element(e, c.Type == events.TypeElementDeleted)
	}
}

func (v *View) element(e *events.Element, deleted bool) {
	if v.elements == nil {
		v.elements = map[string]element{}
	}
	if deleted {
		delete(v.elements, e.Header.GUID)
		return
	}
	v.elements[e.Header.GUID] = elementOf(e)
}

func (v *View) link(r *events.Relationship, deleted bool) {
	name := r.Header.Type.Name
	if v.links == nil {
		v.links = map[string]map[string]link{}
	}
	if v.links[name] == nil {
		v.links[name] = map[string]link{}
	}
	if deleted {
		delete(v.links[name], r.Header.GUID)
		return
	}
	l := link{end1: r.End1.GUID, end2: r.End2.GUID}
	if name == typeRegistered {
		l.registration, l.err = registrationOf(r)
	}
	v.links[name][r.Header.GUID] = l
}

// Desired returns the definitions of all complete registrations and the others
// with the reason, both in the order of their ids.
func (v *View) Desired() ([]events.Definition, []Incomplete) {
	if !v.changed {
		return v.desired, v.incomplete
	}
	registered := v.links[typeRegistered]
	v.changed, v.desired, v.incomplete = false, make([]events.Definition, 0, len(registered)), nil
	b := builder{elements: v.elements, connection: v.ends(typeAssetConnection), kind: v.ends(typeConnectionConnector)}
	for _, id := range slices.Sorted(maps.Keys(registered)) {
		d, err := b.definition(registered[id])
		if err != nil {
			v.incomplete = append(v.incomplete, Incomplete{ID: id, Name: cmp.Or(d.Name, id), Reason: err.Error()})
			continue
		}
		v.desired = append(v.desired, d)
	}
	return v.desired, v.incomplete
}

// end is the other end of a relationship.
type end struct{ relationship, element string }

// ends maps end 1 to end 2 of the relationships of a type. Of several the
// first by guid counts, so that it is always the same one.
func (v *View) ends(typeName string) map[string]end {
	ends := make(map[string]end, len(v.links[typeName]))
	for guid, l := range v.links[typeName] {
		if first, ok := ends[l.end1]; !ok || guid < first.relationship {
			ends[l.end1] = end{relationship: guid, element: l.end2}
		}
	}
	return ends
}
