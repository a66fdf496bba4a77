package coordinator_test

import "github.com/camena-io/camena/events"

type props = map[string]any

// metadata is one connector as elements and relationships, by name.
type metadata struct {
	elements      map[string]*events.Element
	relationships map[string]*events.Relationship
}

func (m *metadata) element(name, typeName string, p props) {
	m.elements[name] = &events.Element{
		Header:     events.ElementHeader{GUID: name, Type: events.ElementType{Name: typeName}, QualifiedName: typeName + "::" + name},
		Properties: events.Props(p),
	}
}

func (m *metadata) relate(name, typeName, end1, end2 string, p props) {
	m.relationships[name] = &events.Relationship{
		Header: events.ElementHeader{GUID: name, Type: events.ElementType{Name: typeName}},
		End1:   events.ElementStub{GUID: end1}, End2: events.ElementStub{GUID: end2}, Properties: events.Props(p),
	}
}

// complete is a connector with all that it needs to run.
func complete(registered props) *metadata {
	m := &metadata{elements: map[string]*events.Element{}, relationships: map[string]*events.Relationship{}}
	m.element("group", "IntegrationGroup", nil)
	m.element("connector", "IntegrationConnector", props{"displayName": "folder", "usesBlockingCalls": true})
	m.element("connection", "Connection", props{"configurationProperties": props{"path": "/data"}})
	m.element("type", "ConnectorType", props{"connectorProviderClassName": "files"})
	m.relate("id", "RegisteredIntegrationConnector", "group", "connector", registered)
	m.relate("asset", "AssetConnection", "connector", "connection", nil)
	m.relate("kind", "ConnectionConnectorType", "connection", "type", nil)
	return m
}
