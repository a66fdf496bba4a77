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

// builder gathers definitions from the graph.
type builder struct {
	elements   map[string]element
	connection map[string]string // connector: its connection
	kind       map[string]string // connection: its connector type
}

// definition gathers one. It returns the name, where there is one, also with
// an error.
func (b *builder) definition(id string, registered link) (events.Definition, error) {
	d := events.Definition{ID: id, Element: registered.end2}
	fields := reader{properties: registered.properties}
	connector, there := b.elements[registered.end2]
	d.Name = cmp.Or(registered.properties.String("connectorName"),
		connector.properties.String("displayName"), connector.qualifiedName)
	group, grouped := b.elements[registered.end1]
	d.Group = group.qualifiedName
	switch {
	case !there:
		return d, errNoConnector
	case !grouped:
		return d, errNoGroup
	}
	fields.registration(&d)
	if err := b.implementation(&d); err != nil {
		return d, err
	}
	return d, fields.err
}

// implementation reads what the connector's element, its connection and their
// connector type say.
func (b *builder) implementation(d *events.Definition) error {
	fields := reader{properties: b.elements[d.Element].properties}
	d.UsesBlockingCalls = read[bool](&fields, "usesBlockingCalls")
	guid := b.connection[d.Element]
	connection, there := b.elements[guid]
	if !there {
		return errNoConnection
	}
	connectorType, there := b.elements[b.kind[guid]]
	if !there {
		return errNoConnectorType
	}
	fields.properties = connection.properties
	d.Configuration = read[events.Properties](&fields, "configurationProperties")
	fields.properties = connectorType.properties
	d.Kind = read[string](&fields, "connectorProviderClassName")
	if d.Kind == "" && fields.err == nil {
		return errNoKind
	}
	return fields.err
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

// registration reads the properties of the registration.
func (r *reader) registration(d *events.Definition) {
	d.User = read[string](r, "connectorUserId")
	d.MetadataSource = read[string](r, "metadataSourceQualifiedName")
	d.Start = read[time.Time](r, "startDate").UTC()
	d.Stop = read[time.Time](r, "stopDate").UTC()
	d.Refresh = cmp.Or(read[string](r, "refreshSchedule"), r.interval())
	d.TimeZone = read[string](r, "timeZone")
	r.err = cmp.Or(r.err, checkSchedule(d.Refresh))
	d.PermittedSynchronization = events.PermittedSynchronization(read[string](r, "permittedSynchronization"))
	switch d.PermittedSynchronization {
	case "", events.SyncBoth, events.SyncFrom, events.SyncTo:
	default:
		r.err = cmp.Or(r.err, fmt.Errorf("permittedSynchronization: %q is none of %s, %s, %s",
			d.PermittedSynchronization, events.SyncBoth, events.SyncFrom, events.SyncTo))
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
