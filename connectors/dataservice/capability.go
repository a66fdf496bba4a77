package dataservice

import (
	"context"
	"iter"
)

// Each capability of a connector is an interface of its own. A connector has those
// that it implements; [CapabilitiesOf] finds them. Its methods are called after
// Start and before Disconnect, several at the same time.

// Former is implemented by connectors that need another form for their connection
// than their configuration declares, such as an address at which a person permits
// it (Scribe: PreConnect).
type Former interface {
	Form(ctx context.Context) (Form, error)
}

// Tester is implemented by connectors that can tell whether their connection works
// (Scribe: Connect).
type Tester interface {
	// Test reaches the third party with what the connector is configured with. Its
	// error says what is wrong, without secrets.
	Test(ctx context.Context) error
}

// Describer is implemented by connectors with objects (Scribe: metadata provider).
type Describer interface {
	Actions(ctx context.Context) ([]ActionDefinition, error)
	// Objects lists all objects, without properties and relationships.
	Objects(ctx context.Context) ([]ObjectDefinition, error)
	// Object describes one object whole; nil if there is none of the name.
	Object(ctx context.Context, name string) (*ObjectDefinition, error)
}

// Operator is implemented by connectors that change entities (Scribe:
// ExecuteOperation; Google: actions and entities).
type Operator interface {
	// Execute performs an action. The input is checked against the definitions. An
	// error is about the request as a whole; what is wrong with one entity is in
	// its row.
	Execute(ctx context.Context, in OperationInput) (OperationResult, error)
}

// Querier is implemented by connectors that can be queried (Scribe: ExecuteQuery).
type Querier interface {
	// Query yields entities as they come. It ends after the first error, and when
	// ctx is done.
	Query(ctx context.Context, q Query) iter.Seq2[DataEntity, error]
}

// Servicer is implemented by connectors with services (i2: connector).
type Servicer interface {
	Services(ctx context.Context) ([]ServiceDefinition, error)
	// Acquire asks a service. The input is checked against the form and the
	// constraints of seeds. Entities come as they are found, links after their ends.
	Acquire(ctx context.Context, in ServiceInput) iter.Seq2[DataEntity, error]
}

// Capabilities are what a connector can be asked for; nil is what it cannot.
type Capabilities struct {
	Former    Former
	Tester    Tester
	Describer Describer
	Operator  Operator
	Querier   Querier
	Servicer  Servicer
}

// CapabilitiesOf returns the capabilities of a connector.
func CapabilitiesOf(connector any) (c Capabilities) {
	c.Former, _ = connector.(Former)
	c.Tester, _ = connector.(Tester)
	c.Describer, _ = connector.(Describer)
	c.Operator, _ = connector.(Operator)
	c.Querier, _ = connector.(Querier)
	c.Servicer, _ = connector.(Servicer)
	return c
}

// Any reports whether there is at least one.
func (c Capabilities) Any() bool { return c != Capabilities{} }
