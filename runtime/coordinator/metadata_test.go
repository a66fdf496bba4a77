package coordinator_test

import (
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
)

// id is the guid of the registration of a connector that complete returns.
const id = registration.Registered

// metadata is one connector as elements and relationships, by type.
type metadata struct {
	elements      map[string]*events.Element
	relationships map[string]*events.Relationship
}

// complete is a connector with all that it needs to run, as its commands create it.
func complete(c registration.Connector) *metadata {
	c.Name, c.Group, c.Kind = "folder", "group", "files"
	m := &metadata{elements: map[string]*events.Element{}, relationships: map[string]*events.Relationship{}}
	for _, command := range c.Commands() {
		switch c := command.(type) {
		case *events.Upsert:
			m.elements[c.Element.Type] = &events.Element{Properties: c.Element.Properties, Header: events.ElementHeader{
				GUID: events.GUIDOf(c.Element.QualifiedName), Type: events.ElementType{Name: c.Element.Type}, QualifiedName: c.Element.QualifiedName,
			}}
		case *events.Link:
			m.relate(c.Relationship.Type, c.Relationship)
		}
	}
	return m
}

func (m *metadata) relate(guid string, r events.RelationshipSpec) {
	stub := func(ref events.ElementRef) events.ElementStub {
		return events.ElementStub{GUID: events.GUIDOf(ref.QualifiedName)}
	}
	m.relationships[guid] = &events.Relationship{
		Header: events.ElementHeader{GUID: guid, Type: events.ElementType{Name: r.Type}},
		End1:   stub(r.End1), End2: stub(r.End2), Properties: r.Properties,
	}
}
