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

// View is the part of the metadata that says what is to run. The zero View is
// empty.
type View struct {
	elements map[string]element // by guid
	links    map[string]map[string]link
	// changed says that desired and incomplete are out of date.
	changed    bool
	desired    []events.Definition
	incomplete []Incomplete
}

type element struct {
	typeName, qualifiedName string
	properties              events.Properties
}

type link struct {
	end1, end2 string
	properties events.Properties
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
	v.elements[e.Header.GUID] = element{
		typeName: e.Header.Type.Name, qualifiedName: e.Header.QualifiedName, properties: e.Properties,
	}
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
	v.links[name][r.Header.GUID] = link{end1: r.End1.GUID, end2: r.End2.GUID, properties: r.Properties}
}

// Desired returns the definitions of all complete registrations and the others
// with the reason, both in the order of their ids.
func (v *View) Desired() ([]events.Definition, []Incomplete) {
	if !v.changed {
		return v.desired, v.incomplete
	}
	v.changed, v.desired, v.incomplete = false, nil, nil
	b := builder{elements: v.elements, connection: v.ends(typeAssetConnection), kind: v.ends(typeConnectionConnector)}
	for _, id := range slices.Sorted(maps.Keys(v.links[typeRegistered])) {
		d, err := b.definition(id, v.links[typeRegistered][id])
		if err != nil {
			v.incomplete = append(v.incomplete, Incomplete{ID: id, Name: cmp.Or(d.Name, id), Reason: err.Error()})
			continue
		}
		v.desired = append(v.desired, d)
	}
	return v.desired, v.incomplete
}

// ends maps end 1 to end 2 of the relationships of a type. Of several the
// first by guid counts, so that it is always the same one.
func (v *View) ends(typeName string) map[string]string {
	links := v.links[typeName]
	ends := make(map[string]string, len(links))
	chosen := make(map[string]string, len(links))
	for guid, l := range links {
		if first, ok := chosen[l.end1]; !ok || guid < first {
			chosen[l.end1], ends[l.end1] = guid, l.end2
		}
	}
	return ends
}
