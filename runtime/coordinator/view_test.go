package coordinator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/coordinator"
)

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

// registration is a connector that is complete.
func registration(registered props) *metadata {
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

func (m *metadata) changes() []connectors.Change {
	var list []connectors.Change
	for _, e := range m.elements {
		list = append(list, connectors.Change{Type: events.TypeElementCreated, Element: &events.ElementChange{Element: e}})
	}
	for _, r := range m.relationships {
		list = append(list, connectors.Change{Type: events.TypeRelationshipCreated, Relationship: &events.RelationshipChange{Relationship: r}})
	}
	return list
}

func (m *metadata) view() *coordinator.View {
	v := &coordinator.View{}
	for _, c := range m.changes() {
		v.Apply(&c)
	}
	return v
}

func TestViewGathersDefinitions(t *testing.T) {
	t.Parallel()
	base := events.Definition{
		ID: "id", Element: "connector", Name: "folder", Group: "IntegrationGroup::group", Kind: "files",
		Configuration: events.Props(props{"path": "/data"}), UsesBlockingCalls: true,
	}
	tests := []struct {
		name       string
		registered props
		change     func(*events.Definition)
	}{
		{"as it is", nil, func(*events.Definition) {}},
		{"minutes", props{"refreshTimeInterval": 10}, func(d *events.Definition) { d.Refresh = "@every 10m0s" }},
		{"part of a minute", props{"refreshTimeInterval": 0.5}, func(d *events.Definition) { d.Refresh = "@every 30s" }},
		{"zero minutes are no schedule", props{"refreshTimeInterval": 0}, func(*events.Definition) {}},
		{
			"a schedule wins over minutes",
			props{"refreshTimeInterval": 10, "refreshSchedule": "0 0 3 * * *", "timeZone": "Europe/Rome"},
			func(d *events.Definition) { d.Refresh, d.TimeZone = "0 0 3 * * *", "Europe/Rome" },
		},
		{"who and what", props{
			"connectorName": "other", "connectorUserId": "erin", "metadataSourceQualifiedName": "source",
			"permittedSynchronization": "TO_THIRD_PARTY", "startDate": "2026-01-02T03:04:05+01:00", "stopDate": "2027-01-01T00:00:00Z",
		}, func(d *events.Definition) {
			d.Name, d.User, d.MetadataSource, d.PermittedSynchronization = "other", "erin", "source", events.SyncTo
			d.Start = time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)
			d.Stop = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := base
			test.change(&want)
			got, incomplete := registration(test.registered).view().Desired()
			if len(incomplete) > 0 || len(got) != 1 || !got[0].Equal(&want) {
				t.Errorf("got %+v, %+v, want %+v", got, incomplete, want)
			}
		})
	}
}

func TestViewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	without := func(names ...string) *metadata {
		m := registration(nil)
		for _, name := range names {
			delete(m.elements, name)
			delete(m.relationships, name)
		}
		return m
	}
	untyped := registration(nil)
	untyped.element("type", "ConnectorType", nil)
	tests := []struct {
		name     string
		metadata *metadata
		want     string
	}{
		{"group", without("group"), "its integration group is not there"},
		{"connector", without("connector"), "its integration connector is not there"},
		{"connection", without("connection"), "the integration connector has no connection; relate one to it by AssetConnection"},
		{"link to connection", without("asset"), "the integration connector has no connection; relate one to it by AssetConnection"},
		{"connector type", without("type"), "the connection has no connector type; relate one to it by ConnectionConnectorType"},
		{"kind", untyped, "the connector type has no connectorProviderClassName; name the kind of connector, such as files"},
		{"number", registration(props{"refreshTimeInterval": "ten"}), "/refreshTimeInterval: expected a number, found a string"},
		{
			"cron", registration(props{"refreshSchedule": "* * * * *"}),
			`refreshSchedule: "* * * * *" is neither @every and an interval nor a cron expression of six fields`,
		},
		{
			"interval", registration(props{"refreshSchedule": "@every 10ms"}),
			`refreshSchedule: "@every 10ms" is not an interval of a second or more, such as @every 10m`,
		},
		{
			"direction", registration(props{"permittedSynchronization": "UP"}),
			`permittedSynchronization: "UP" is none of BOTH_DIRECTIONS, FROM_THIRD_PARTY, TO_THIRD_PARTY`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			desired, incomplete := test.metadata.view().Desired()
			if len(desired) != 0 || len(incomplete) != 1 || incomplete[0].Reason != test.want || incomplete[0].ID != "id" {
				t.Errorf("got %+v, %+v, want %s", desired, incomplete, test.want)
			}
		})
	}
}

// TestViewFollowsEveryElement: Egeria sees changes of the connection and of
// the connector type only in its next poll, half an hour later (gap 2).
func TestViewFollowsEveryElement(t *testing.T) {
	t.Parallel()
	m := registration(nil)
	view := m.view()
	view.Desired()
	apply := func(name string) {
		c := connectors.Change{Type: events.TypeElementUpdated, Element: &events.ElementChange{Element: m.elements[name]}}
		view.Apply(&c)
	}
	m.element("connection", "Connection", props{"configurationProperties": props{"path": "/other"}})
	apply("connection")
	m.element("type", "ConnectorType", props{"connectorProviderClassName": "postgres"})
	apply("type")
	m.element("connector", "IntegrationConnector", props{"displayName": "renamed"})
	apply("connector")
	desired, _ := view.Desired()
	want := events.Definition{
		ID: "id", Element: "connector", Name: "renamed", Group: "IntegrationGroup::group", Kind: "postgres",
		Configuration: events.Props(props{"path": "/other"}),
	}
	if len(desired) != 1 || !desired[0].Equal(&want) {
		t.Errorf("got %+v, want %+v", desired, want)
	}
	gone := connectors.Change{Type: events.TypeRelationshipDeleted, Relationship: &events.RelationshipChange{Previous: m.relationships["id"]}}
	view.Apply(&gone)
	if desired, incomplete := view.Desired(); len(desired)+len(incomplete) > 0 {
		t.Errorf("unregistered, but there is %v %v", desired, incomplete)
	}
}

func TestViewIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	first, _ := registration(nil).view().Desired()
	for range 50 { // the order of a map's elements
		again, _ := registration(nil).view().Desired()
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}
