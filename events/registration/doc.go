// Package registration maps connectors to open metadata and back.
//
// A connector is three elements and a registration: an IntegrationConnector,
// its Connection, the ConnectorType of the connection, and the
// RegisteredIntegrationConnector relationship from an IntegrationGroup
// (Egeria: type models 0201 and 0464). [Connector] and [Group] give the
// commands that create them; [View] reads what is registered and gives the
// definitions that nodes run. [Schedule] is the one syntax of refresh
// schedules.
package registration
