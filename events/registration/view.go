package registration

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
)

// The reasons why a registration cannot be run. Egeria ignores such
// registrations silently; here they are shown.
var (
	errNoGroup         = errors.New("its integration group is missing")
	errNoConnector     = errors.New("its integration connector is missing")
	errNoConnection    = errors.New("the integration connector has no connection; relate one to it by AssetConnection")
	errNoConnectorType = errors.New("the connection has no connector type; relate one to it by ConnectionConnectorType")
	errNoKind          = errors.New("the connector type has no connectorProviderClassName; name the kind of connector, such as files")
)

// View is the part of the metadata that says which connectors run. It reads
// properties when they change, so that Definitions is cheap. The zero View is
// empty.
type View struct {
	elements map[string]element // by guid
	links    map[string]map[string]relationship
	// changed says that definitions and incomplete are out of date.
	changed     bool
	definitions []events.Definition
	incomplete  []Incomplete
}

// Incomplete is a registration that cannot be run, and why.
type Incomplete struct {
	ID   string
	Name string
	Err  error
}

// element is what a definition needs of an element. Which of the fields are
// set depends on its type.
type element struct {
	qualifiedName string
	name          string            // of a connector
	blocking      bool              // of a connector
	configuration events.Properties // of a connection
	kind          string            // of a connector type
	address       string            // of an endpoint
	err           error
}

// relationship is a relationship, and what it says if it is a registration or a
// catalog target.
type relationship struct {
	end1, end2   string
	registration *events.Definition
	target       *events.CatalogTarget
	err          error
}

// Element takes over the present state of an element.
func (v *View) Element(e *events.Element) {
	if v.elements == nil {
		v.elements = map[string]element{}
	}
	v.changed = true
	v.elements[e.Header.GUID] = readElement(e)
}

// DeleteElement takes over that an element was deleted.
func (v *View) DeleteElement(guid string) {
	v.changed = true
	delete(v.elements, guid)
}

// Relationship takes over the present state of a relationship.
func (v *View) Relationship(r *events.Relationship) {
	name := r.Header.Type.Name
	if v.links == nil {
		v.links = map[string]map[string]relationship{}
	}
	if v.links[name] == nil {
		v.links[name] = map[string]relationship{}
	}
	l := relationship{end1: r.End1.GUID, end2: r.End2.GUID}
	switch name {
	case Registered:
		l.registration, l.err = readRegistration(r)
	case CatalogTarget:
		l.target = readTarget(r)
	}
	v.changed = true
	v.links[name][r.Header.GUID] = l
}

// DeleteRelationship takes over that a relationship was deleted.
func (v *View) DeleteRelationship(r *events.Relationship) {
	v.changed = true
	delete(v.links[r.Header.Type.Name], r.Header.GUID)
}

// Definitions returns the definitions of all complete registrations and the
// others with the reason, both ordered by id.
func (v *View) Definitions() ([]events.Definition, []Incomplete) {
	if !v.changed {
		return v.definitions, v.incomplete
	}
	registered := v.links[Registered]
	v.changed, v.definitions, v.incomplete = false, make([]events.Definition, 0, len(registered)), nil
	connection, kind, endpoint := v.ends(AssetConnection), v.ends(ConnectionConnector), v.ends(ConnectToEndpoint)
	targets := v.targets()
	for _, id := range slices.Sorted(maps.Keys(registered)) {
		r := registered[id]
		reached := connection[r.end2].element
		d, err := v.definition(r, reached, kind[reached].element)
		d.Endpoint = v.elements[endpoint[reached].element].address
		d.Targets = targets[r.end2]
		if err != nil {
			v.incomplete = append(v.incomplete, Incomplete{ID: id, Name: cmp.Or(d.Name, id), Err: err})
			continue
		}
		v.definitions = append(v.definitions, d)
	}
	return v.definitions, v.incomplete
}

// end is the other end of a relationship.
type end struct{ relationship, element string }

// ends maps end 1 to end 2 of the relationships of a type. Of several the
// first by guid counts, so that the result is stable.
func (v *View) ends(typeName string) map[string]end {
	ends := make(map[string]end, len(v.links[typeName]))
	for guid, l := range v.links[typeName] {
		if first, ok := ends[l.end1]; !ok || guid < first.relationship {
			ends[l.end1] = end{relationship: guid, element: l.end2}
		}
	}
	return ends
}

// targets are the catalog targets of each connector, in the order of their guids.
func (v *View) targets() map[string][]events.CatalogTarget {
	targets := map[string][]events.CatalogTarget{}
	all := v.links[CatalogTarget]
	for _, guid := range slices.Sorted(maps.Keys(all)) {
		connector := all[guid].end1
		targets[connector] = append(targets[connector], *all[guid].target)
	}
	return targets
}

// definition gathers a definition. It returns the name, if there is one, also
// with an error.
func (v *View) definition(registered relationship, connectionGUID, typeGUID string) (events.Definition, error) {
	d := *registered.registration
	group, grouped := v.elements[registered.end1]
	connector, connected := v.elements[registered.end2]
	connection, reachable := v.elements[connectionGUID]
	connectorType, typed := v.elements[typeGUID]
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

// fail keeps an error of a property.
func (r *reader) fail(name string, err error) {
	if e, ok := errors.AsType[*events.Error](err); ok {
		r.err = cmp.Or[error](r.err, events.Errorf(e.Code, "/"+name, "%s", e.Message))
	}
}

func readElement(e *events.Element) element {
	r := reader{properties: e.Properties}
	found := element{qualifiedName: e.Header.QualifiedName}
	switch e.Header.Type.Name {
	case typeConnector:
		found.name = cmp.Or(read[string](&r, "displayName"), found.qualifiedName)
		found.blocking = read[bool](&r, "usesBlockingCalls")
	case typeConnection:
		found.configuration = read[events.Properties](&r, "configurationProperties")
	case typeConnectorType:
		found.kind = read[string](&r, "connectorProviderClassName")
	case typeEndpoint:
		found.address = read[string](&r, "networkAddress")
	}
	found.err = r.err
	return found
}

// readRegistration reads what the registration itself says.
func readRegistration(registered *events.Relationship) (*events.Definition, error) {
	r := reader{properties: registered.Properties}
	d := &events.Definition{
		ID: registered.Header.GUID, Element: registered.End2.GUID,
		Name: read[string](&r, "connectorName"), User: read[string](&r, "connectorUserId"),
		MetadataSource: read[string](&r, "metadataSourceQualifiedName"),
		Start:          read[time.Time](&r, "startDate").UTC(), Stop: read[time.Time](&r, "stopDate").UTC(),
		TimeZone: read[string](&r, "timeZone"),

		PermittedSynchronization: r.permitted(),
	}
	d.Refresh = r.schedule(d.TimeZone).String()
	return d, r.err
}

// readTarget reads what a catalog target says. One that cannot be read does not
// keep the connector from the others.
func readTarget(target *events.Relationship) *events.CatalogTarget {
	r := reader{properties: target.Properties}
	t := &events.CatalogTarget{
		ID: target.Header.GUID, Element: target.End2.GUID, Name: read[string](&r, "catalogTargetName"),
		Connection: read[string](&r, "connectionName"), Configuration: read[events.Properties](&r, "configurationProperties"),
		Templates: read[map[string]string](&r, "templates"), MetadataSource: read[string](&r, "metadataSourceQualifiedName"),
		PermittedSynchronization: r.permitted(), Delete: events.DeleteMethod(read[string](&r, "deleteMethod")),
	}
	if r.err != nil {
		t.Problem = r.err.Error()
	}
	return t
}

func (r *reader) permitted() events.PermittedSynchronization {
	p := events.PermittedSynchronization(read[string](r, "permittedSynchronization"))
	switch p {
	case "", events.SyncBoth, events.SyncFrom, events.SyncTo:
	default:
		r.fail("permittedSynchronization", events.Errorf(events.CodeInvalid, "", "%q is none of %s, %s, %s",
			p, events.SyncBoth, events.SyncFrom, events.SyncTo))
	}
	return p
}

// schedule reads the schedule of refreshes; minutes count where no schedule
// is given.
func (r *reader) schedule(zone string) Schedule {
	_, err := ReadZone(zone)
	r.fail("timeZone", err)
	pattern, minutes := read[string](r, "refreshSchedule"), read[float64](r, "refreshTimeInterval")
	if r.err != nil {
		return Schedule{}
	}
	s, err := ReadSchedule(pattern, zone)
	r.fail("refreshSchedule", err)
	if s.pattern == "" {
		s, err = ReadMinutes(minutes)
		r.fail("refreshTimeInterval", err)
	}
	return s
}
