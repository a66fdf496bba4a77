package registration

import (
	"time"

	"github.com/camena-io/camena/events"
)

// The relationships of a connector.
const (
	Registered          = "RegisteredIntegrationConnector" // group to connector
	AssetConnection     = "AssetConnection"                // connector to connection
	ConnectionConnector = "ConnectionConnectorType"        // connection to connector type
	ConnectToEndpoint   = "ConnectToEndpoint"              // connection to endpoint
	CatalogTarget       = "CatalogTarget"                  // connector to an element to work on
)

const (
	typeGroup         = "IntegrationGroup"
	typeConnector     = "IntegrationConnector"
	typeConnection    = "Connection"
	typeConnectorType = "ConnectorType"
	typeEndpoint      = "Endpoint"
)

// ElementTypes returns the types of the elements that a [View] reads.
func ElementTypes() []string {
	return []string{typeGroup, typeConnector, typeConnection, typeConnectorType, typeEndpoint}
}

// RelationshipTypes returns the types of the relationships that a [View] reads.
func RelationshipTypes() []string {
	return []string{Registered, AssetConnection, ConnectionConnector, ConnectToEndpoint, CatalogTarget}
}

// GroupName is the qualified name of an integration group.
func GroupName(name string) string { return typeGroup + "::" + name }

// ConnectorName is the qualified name of an integration connector.
func ConnectorName(name string) string { return typeConnector + "::" + name }

// ConnectionName is the qualified name of the connection of a connector.
func ConnectionName(name string) string { return typeConnection + "::" + name }

// ConnectorTypeName is the qualified name of the connector type of a kind.
func ConnectorTypeName(kind string) string { return typeConnectorType + "::" + kind }

// EndpointName is the qualified name of the endpoint of a connector's connection.
func EndpointName(name string) string { return typeEndpoint + "::" + name }

// Group is an integration group.
type Group struct{ Name, Description string }

// Commands make the metadata what the group says.
func (g *Group) Commands() []events.Command {
	return []events.Command{upsert(typeGroup, GroupName(g.Name), map[string]any{
		"displayName": g.Name, "description": g.Description,
	})}
}

// Removal deletes the group.
func (g *Group) Removal() []events.Command {
	return []events.Command{&events.Delete{Element: events.ByName(GroupName(g.Name))}}
}

// Connector is an integration connector: its element, its connection with the
// endpoint, if it has one, and its registration with a group.
type Connector struct {
	Name  string
	Group string // by its plain name
	// Kind is the connector of the binary to run.
	Kind              string
	Configuration     events.Properties
	Endpoint          string // a network address
	Refresh           string // what [ReadSchedule] reads
	TimeZone          string
	UsesBlockingCalls bool
	// MetadataSource owns what the connector catalogs; empty lets any source
	// change it.
	MetadataSource string
	Permitted      events.PermittedSynchronization
	User           string
	Start, Stop    time.Time
}

// Commands make the metadata what the connector says, if they are applied in
// this order. The second one upserts the connector's own element; the
// registration comes last, because it makes the connector complete.
func (c *Connector) Commands() []events.Command {
	group := upsert(typeGroup, GroupName(c.Group), map[string]any{"displayName": c.Group})
	kind := upsert(typeConnectorType, ConnectorTypeName(c.Kind), map[string]any{
		"displayName": c.Kind, "connectorProviderClassName": c.Kind,
	})
	// Other connectors share these two, so that other properties stay.
	group.Merge, kind.Merge = true, true
	commands := []events.Command{
		group,
		upsert(typeConnector, ConnectorName(c.Name), map[string]any{
			"displayName": c.Name, "usesBlockingCalls": c.UsesBlockingCalls,
		}),
		upsert(typeConnection, ConnectionName(c.Name), map[string]any{
			"displayName": c.Name, "configurationProperties": c.Configuration,
		}),
		kind,
		link(AssetConnection, ConnectorName(c.Name), events.ByName(ConnectionName(c.Name)), events.Properties{}),
		link(ConnectionConnector, ConnectionName(c.Name), events.ByName(ConnectorTypeName(c.Kind)), events.Properties{}),
	}
	if c.Endpoint != "" {
		commands = append(commands,
			upsert(typeEndpoint, EndpointName(c.Name), map[string]any{"displayName": c.Name, "networkAddress": c.Endpoint}),
			link(ConnectToEndpoint, ConnectionName(c.Name), events.ByName(EndpointName(c.Name)), events.Properties{}))
	}
	return append(commands, link(Registered, GroupName(c.Group), events.ByName(ConnectorName(c.Name)), c.registration()))
}

// Target makes an element a catalog target of a connector. A target without an id
// is the only one of this element.
func Target(connector string, t *events.CatalogTarget) events.Command {
	l := link(CatalogTarget, ConnectorName(connector), events.ByGUID(t.Element), given(map[string]any{
		"catalogTargetName": t.Name, "connectionName": t.Connection, "configurationProperties": t.Configuration, "templates": t.Templates,
		"metadataSourceQualifiedName": t.MetadataSource, "permittedSynchronization": string(t.PermittedSynchronization),
		"deleteMethod": string(t.Delete),
	}))
	l.Relationship.GUID = t.ID
	return l
}

func (c *Connector) registration() events.Properties {
	values := map[string]any{
		"connectorName": c.Name, "connectorUserId": c.User, "metadataSourceQualifiedName": c.MetadataSource,
		"refreshSchedule": c.Refresh, "timeZone": c.TimeZone, "permittedSynchronization": string(c.Permitted),
	}
	for name, t := range map[string]time.Time{"startDate": c.Start, "stopDate": c.Stop} {
		if !t.IsZero() {
			values[name] = t.UTC().Format(time.RFC3339)
		}
	}
	return given(values)
}

// Removal deletes the connector, its connection and its endpoint. Group and
// connector type stay, because other connectors may share them.
func (c *Connector) Removal() []events.Command {
	return []events.Command{
		&events.Delete{Element: events.ByName(ConnectorName(c.Name))},
		&events.Delete{Element: events.ByName(ConnectionName(c.Name))},
		&events.Delete{Element: events.ByName(EndpointName(c.Name))},
	}
}

func link(typeName, end1 string, end2 events.ElementRef, p events.Properties) *events.Link {
	return &events.Link{Relationship: events.RelationshipSpec{Type: typeName, End1: events.ByName(end1), End2: end2, Properties: p}}
}

func upsert(typeName, qualifiedName string, values map[string]any) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{
		Type: typeName, QualifiedName: qualifiedName, Properties: given(values),
	}}
}

// given are the properties without empty strings.
func given(values map[string]any) events.Properties {
	for name, v := range values {
		if v == "" {
			delete(values, name)
		}
	}
	return events.Props(values)
}
