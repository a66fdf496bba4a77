package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
)

// The reasons why a registration cannot be run (Egeria ignores such ones
// silently; here they are shown).
var (
	errNoGroup         = errors.New("its integration group is not there")
	errNoConnector     = errors.New("its integration connector is not there")
	errNoConnection    = errors.New("the integration connector has no connection; relate one to it by AssetConnection")
	errNoConnectorType = errors.New("the connection has no connector type; relate one to it by ConnectionConnectorType")
	errNoKind          = errors.New("the connector type has no connectorProviderClassName; name the kind of connector, such as files")
)

// element is what matters of an element. Which of the fields mean something
// depends on its type.
type element struct {
	qualifiedName string
	name          string            // of a connector
	blocking      bool              // of a connector
	configuration events.Properties // of a connection
	kind          string            // of a connector type
	err           error
}

func elementOf(e *events.Element) element {
	fields := reader{properties: e.Properties}
	found := element{qualifiedName: e.Header.QualifiedName}
	switch e.Header.Type.Name {
	case typeConnector:
		found.name = cmp.Or(read[string](&fields, "displayName"), found.qualifiedName)
		found.blocking = read[bool](&fields, "usesBlockingCalls")
	case typeConnection:
		found.configuration = read[events.Properties](&fields, "configurationProperties")
	case typeConnectorType:
		found.kind = read[string](&fields, "connectorProviderClassName")
	}
	found.err = fields.err
	return found
}

// link is a relationship, and if it is a registration, what that says.
type link struct {
	end1, end2   string
	registration *events.Definition
	err          error
}

// builder gathers definitions from the graph.
type builder struct {
	elements   map[string]element
	connection map[string]end // connector: its connection
	kind       map[string]end // connection: its connector type
}

// definition gathers one. It returns the name, where there is one, also with
// an error.
func (b *builder) definition(registered link) (events.Definition, error) {
	d := *registered.registration
	group, grouped := b.elements[registered.end1]
	connector, connected := b.elements[registered.end2]
	connectionGUID := b.connection[registered.end2].element
	connection, reachable := b.elements[connectionGUID]
	connectorType, typed := b.elements[b.kind[connectionGUID].element]
	d.Group = group.qualifiedName
	d.Name = cmp.Or(d.Name, connector.name)
	d.UsesBlockingCalls = connector.blocking
	d.Configuration = connection.configuration
	d.Kind = connectorType.kind
	switch {
	case !connected:
		return d, errNoConnector
	case !grouped:
		return d, errNoGroup
	case !reachable:
		return d, errNoConnection
	case !typed:
		return d, errNoConnectorType
	case connectorType.err == nil && d.Kind == "":
		return d, errNoKind
	}
	return d, cmp.Or(registered.err, connector.err, connection.err, connectorType.err)
}

// reader reads properties and keeps the first error.
type reader struct {
	properties events.Properties
	err        error
}

func read[T any](r *reader, name string) T {
	v, err := events.Property[T](r.properties, name)
	r.err = cmp.Or(r.err, err)
	return v
}

// registrationOf reads what a registration says by itself.
func registrationOf(registered *events.Relationship) (*events.Definition, error) {
	r := reader{properties: registered.Properties}
	d := &events.Definition{
		ID: registered.Header.GUID, Element: registered.End2.GUID,
		Name: read[string](&r, "connectorName"), User: read[string](&r, "connectorUserId"),
		MetadataSource: read[string](&r, "metadataSourceQualifiedName"),
		Start:          read[time.Time](&r, "startDate").UTC(), Stop: read[time.Time](&r, "stopDate").UTC(),
		Refresh:  cmp.Or(read[string](&r, "refreshSchedule"), r.interval()),
		TimeZone: read[string](&r, "timeZone"),

		PermittedSynchronization: events.PermittedSynchronization(read[string](&r, "permittedSynchronization")),
	}
	return d, cmp.Or(r.err, checkSchedule(d.Refresh), checkDirection(d.PermittedSynchronization))
}

func checkDirection(p events.PermittedSynchronization) error {
	switch p {
	case "", events.SyncBoth, events.SyncFrom, events.SyncTo:
		return nil
	default:
		return fmt.Errorf("permittedSynchronization: %q is none of %s, %s, %s", p, events.SyncBoth, events.SyncFrom, events.SyncTo)
	}
}

// interval returns the schedule that refreshTimeInterval asks for; 0 minutes
// mean at start and on request only.
func (r *reader) interval() string {
	minutes := read[float64](r, "refreshTimeInterval")
	if minutes <= 0 {
		return ""
	}
	every := time.Duration(minutes * float64(time.Minute)).Round(time.Second)
	return everyPrefix + max(every, time.Second).String()
}

const everyPrefix = "@every "

// checkSchedule finds what the bus would refuse (NATS ADR-51), as far as can
// be said without asking it.
func checkSchedule(pattern string) error {
	const cronFields = 6
	if text, ok := strings.CutPrefix(pattern, everyPrefix); ok {
		if every, err := time.ParseDuration(text); err != nil || every < time.Second {
			return fmt.Errorf("refreshSchedule: %q is not an interval of a second or more, such as @every 10m", pattern)
		}
		return nil
	}
	if pattern == "" || strings.HasPrefix(pattern, "@") && !strings.HasPrefix(pattern, "@at") ||
		len(strings.Fields(pattern)) == cronFields {
		return nil
	}
	return fmt.Errorf("refreshSchedule: %q is neither @every and an interval nor a cron expression of six fields", pattern)
}
