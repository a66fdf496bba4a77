package connectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// Connector is implemented by every connector; the package comment gives the order of
// calls.
type Connector interface {
	// Start prepares the connector: it checks that the third party can be reached, and
	// registers listeners. It must do nothing that takes longer.
	Start(ctx context.Context, c *Context) error
	// Disconnect releases all resources of the connector.
	Disconnect(ctx context.Context) error
}

// Refresher is implemented by connectors that compare the third party with the
// metadata as a whole, at start, on a schedule, and on request (Egeria:
// integration connector, refresh).
//
//nolint:iface // the runtime looks for it
type Refresher interface {
	Refresh(ctx context.Context) error
}

// Engager is implemented by connectors that wait for the third party in a
// blocking call. Engage returns after each such call; the host calls it again
// after a pause (Egeria: integration connector, engage).
//
//nolint:iface // the runtime looks for it
type Engager interface {
	Engage(ctx context.Context) error
}

// Listener is implemented by connectors that react to changes of metadata from
// their start on.
//
//nolint:iface // the runtime looks for it
type Listener interface {
	// Interest selects the changes that Changed is called for.
	Interest() Filter
	// Changed handles one change. After an error the change is delivered again, with
	// back-off, until it becomes a dead letter (see the package comment).
	Changed(ctx context.Context, change Change) error
}

// Change is a change event as a listener sees it. One of Element, Relationship and
// OpenType is set, OpenType only if the filter has [AnyTypeChange]. The values are those
// of the event, not necessarily the present ones.
type Change struct {
	// Type is the CloudEvents type, such as [events.TypeElementUpdated].
	Type         string
	Sequence     uint64
	Time         time.Time
	Actor        string
	Element      *events.ElementChange
	Relationship *events.RelationshipChange
	OpenType     *events.TypeChange
}

// Factory makes connectors of one kind. It is a static description, comparable
// to Egeria's connector provider.
type Factory struct {
	// Kind names the connector in configuration (Egeria:
	// connectorProviderClassName).
	Kind string
	// Description is one sentence for people.
	Description string
	// Fields declare the configuration; [Configured] makes them.
	Fields []dataservice.Field
	// New makes a connector from its configuration, which it must decode
	// strictly ([DecodeConfig]). It does no I/O.
	New func(configuration events.Properties) (Connector, error)
	_   struct{}
}

// Set has the connectors that a binary offers.
type Set struct {
	byKind map[string]Factory
}

// NewSet returns the set of the given factories. Two of the same kind, or one
// without kind or New, are an error.
func NewSet(factories ...Factory) (Set, error) {
	s := Set{byKind: map[string]Factory{}}
	for _, f := range factories {
		if f.Kind == "" || f.New == nil {
			return Set{}, fmt.Errorf("connector %q: a factory needs Kind and New", f.Kind)
		}
		if _, taken := s.byKind[f.Kind]; taken {
			return Set{}, fmt.Errorf("connector %q is listed twice", f.Kind)
		}
		s.byKind[f.Kind] = f
	}
	return s, nil
}

// Kinds returns the kinds in the set, sorted.
func (s Set) Kinds() []string { return slices.Sorted(maps.Keys(s.byKind)) }

// Factory returns the factory of a kind.
func (s Set) Factory(kind string) (Factory, bool) {
	f, ok := s.byKind[kind]
	return f, ok
}

// DecodeConfig decodes a configuration strictly into a T: an unknown name or a
// wrong type is a permanent error that names it.
func DecodeConfig[T any](configuration events.Properties) (T, error) {
	var v T
	_, err := configuration.MarshalJSON() // it may carry an error
	if err == nil {
		configuration, err = complete(configuration, fieldsOf(reflect.TypeFor[T]()))
	}
	if err == nil {
		v, err = events.Unmarshal[T](configuration.Raw())
	}
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" {
		return v, Permanent(fmt.Errorf("configuration%w", err))
	}
	if err != nil {
		return v, Permanent(fmt.Errorf("configuration: %w", err))
	}
	return v, nil
}
