package registration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
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

func (m *metadata) view() *registration.View {
	v := &registration.View{}
	for _, e := range m.elements {
		v.Element(e)
	}
	for _, r := range m.relationships {
		v.Relationship(r)
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
		{"an interval", props{"refreshSchedule": " 10m "}, func(d *events.Definition) { d.Refresh = "@every 10m0s" }},
		{"five fields", props{"refreshSchedule": "*/5 * * * *"}, func(d *events.Definition) { d.Refresh = "0 */5 * * * *" }},
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
			got, incomplete := complete(test.registered).view().Definitions()
			if len(incomplete) > 0 || len(got) != 1 || !got[0].Equal(&want) {
				t.Errorf("got %+v, %+v, want %+v", got, incomplete, want)
			}
		})
	}
}

// A catalog target that cannot be read does not keep the connector from the others.
func TestATargetThatCannotBeRead(t *testing.T) {
	t.Parallel()
	m := complete(nil)
	m.relate("target-1", "CatalogTarget", "connector", "a", props{"permittedSynchronization": "SIDEWAYS"})
	m.relate("target-2", "CatalogTarget", "connector", "b", props{"permittedSynchronization": "TO_THIRD_PARTY"})
	m.relate("target-3", "CatalogTarget", "another", "b", nil)
	got, incomplete := m.view().Definitions()
	if len(got) != 1 || len(incomplete) > 0 || len(got[0].Targets) != 2 {
		t.Fatalf("got %+v, %+v", got, incomplete)
	}
	bad, good := got[0].Targets[0], got[0].Targets[1]
	if bad.ID != "target-1" || !strings.HasPrefix(bad.Problem, "/permittedSynchronization") {
		t.Errorf("got %+v", bad)
	}
	if want := (events.CatalogTarget{ID: "target-2", Element: "b", PermittedSynchronization: events.SyncTo}); !good.Equal(&want) {
		t.Errorf("got %+v", good)
	}
}

func TestViewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	without := func(names ...string) *metadata {
		m := complete(nil)
		for _, name := range names {
			delete(m.elements, name)
			delete(m.relationships, name)
		}
		return m
	}
	untyped := complete(nil)
	untyped.element("type", "ConnectorType", nil)
	tests := []struct {
		name     string
		metadata *metadata
		want     string // a pointer or a key phrase
	}{
		{"group", without("group"), "integration group"},
		{"connector", without("connector"), "integration connector is missing"},
		{"connection", without("connection"), "AssetConnection"},
		{"link to connection", without("asset"), "AssetConnection"},
		{"connector type", without("type"), "ConnectionConnectorType"},
		{"kind", untyped, "connectorProviderClassName"},
		{"number", complete(props{"refreshTimeInterval": "ten"}), "/refreshTimeInterval: "},
		{"number of minutes", complete(props{"refreshTimeInterval": 153_722_868}), "/refreshTimeInterval: "},
		{"cron", complete(props{"refreshSchedule": ", * * * * *"}), "/refreshSchedule: "},
		{"once", complete(props{"refreshSchedule": "@at 2026-01-01T00:00:00Z"}), "/refreshSchedule: "},
		{"interval", complete(props{"refreshSchedule": "@every 10ms"}), "/refreshSchedule: "},
		{"zone", complete(props{"refreshSchedule": "@daily", "timeZone": "Mars/Olympus"}), "/timeZone: "},
		{"direction", complete(props{"permittedSynchronization": "UP"}), "/permittedSynchronization: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			definitions, incomplete := test.metadata.view().Definitions()
			if len(definitions) != 0 || len(incomplete) != 1 || incomplete[0].ID != "id" ||
				!strings.Contains(incomplete[0].Err.Error(), test.want) {
				t.Errorf("got %+v, %+v, want %s", definitions, incomplete, test.want)
			}
		})
	}
}

// TestViewFollowsEveryElement: Egeria sees changes of the connection and of
// the connector type only in its next poll, half an hour later (gap 2).
func TestViewFollowsEveryElement(t *testing.T) {
	t.Parallel()
	m := complete(nil)
	view := m.view()
	view.Definitions()
	apply := func(name string) { view.Element(m.elements[name]) }
	m.element("connection", "Connection", props{"configurationProperties": props{"path": "/other"}})
	apply("connection")
	m.element("type", "ConnectorType", props{"connectorProviderClassName": "postgres"})
	apply("type")
	m.element("connector", "IntegrationConnector", props{"displayName": "renamed"})
	apply("connector")
	desired, _ := view.Definitions()
	want := events.Definition{
		ID: "id", Element: "connector", Name: "renamed", Group: "IntegrationGroup::group", Kind: "postgres",
		Configuration: events.Props(props{"path": "/other"}),
	}
	if len(desired) != 1 || !desired[0].Equal(&want) {
		t.Errorf("got %+v, want %+v", desired, want)
	}
	view.DeleteRelationship(m.relationships["id"])
	if desired, incomplete := view.Definitions(); len(desired)+len(incomplete) > 0 {
		t.Errorf("unregistered, but there is %v %v", desired, incomplete)
	}
}

func TestViewIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	first, _ := complete(nil).view().Definitions()
	for range 50 { // the order of a map's elements
		again, _ := complete(nil).view().Definitions()
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}
