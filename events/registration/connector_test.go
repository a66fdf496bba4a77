package registration_test

import (
	"cmp"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
)

// apply applies commands to metadata in which guids are names.
func (m *metadata) apply(commands []events.Command) {
	for _, command := range commands {
		switch c := command.(type) {
		case *events.Upsert:
			m.elements[c.Element.QualifiedName] = &events.Element{Header: events.ElementHeader{
				GUID: c.Element.QualifiedName, Type: events.ElementType{Name: c.Element.Type}, QualifiedName: c.Element.QualifiedName,
			}, Properties: c.Element.Properties}
		case *events.Link:
			r := c.Relationship
			m.relationships[r.Type] = &events.Relationship{
				Header: events.ElementHeader{GUID: r.Type, Type: events.ElementType{Name: r.Type}},
				End1:   events.ElementStub{GUID: r.End1.QualifiedName}, End2: events.ElementStub{GUID: cmp.Or(r.End2.QualifiedName, r.End2.GUID)},
				Properties: r.Properties,
			}
		case *events.Delete:
			delete(m.elements, c.Element.QualifiedName)
		}
	}
}

func connector() *rapid.Generator[registration.Connector] {
	return rapid.Custom(func(t *rapid.T) registration.Connector {
		text := rapid.StringN(1, 5, -1)
		date := rapid.Custom(func(t *rapid.T) time.Time {
			if rapid.Bool().Draw(t, "none") {
				return time.Time{}
			}
			return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), 0).UTC()
		})
		return registration.Connector{
			Name: text.Draw(t, "name"), Group: text.Draw(t, "group"), Kind: text.Draw(t, "kind"),
			Configuration: events.Props(props{"a": text.Draw(t, "value")}),
			Endpoint:      rapid.StringN(0, 5, -1).Draw(t, "endpoint"),
			Refresh:       rapid.SampledFrom([]string{"", "@every 10m0s", "0 0 3 * * *"}).Draw(t, "refresh"),
			TimeZone:      rapid.SampledFrom([]string{"", "Europe/Zurich"}).Draw(t, "zone"),

			UsesBlockingCalls: rapid.Bool().Draw(t, "blocking"), MetadataSource: rapid.StringN(0, 5, -1).Draw(t, "source"),
			Permitted: rapid.SampledFrom([]events.PermittedSynchronization{"", events.SyncTo, events.SyncFrom}).Draw(t, "permitted"),
			User:      rapid.StringN(0, 5, -1).Draw(t, "user"), Start: date.Draw(t, "start"), Stop: date.Draw(t, "stop"),
		}
	})
}

// TestConnectorComesBack writes a connector to metadata, reads the definition
// that a node runs, and removes the connector again.
func TestConnectorComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := connector().Draw(t, "connector")
		m := &metadata{elements: map[string]*events.Element{}, relationships: map[string]*events.Relationship{}}
		m.apply(c.Commands())
		target := events.CatalogTarget{
			ID: registration.CatalogTarget, Element: "asset", Name: rapid.StringN(0, 5, -1).Draw(t, "target"),
			Connection: rapid.StringN(0, 5, -1).Draw(t, "connection"), Configuration: events.Props(props{"a": 1}),
			Templates: map[string]string{"database": "guid"}, MetadataSource: rapid.StringN(0, 5, -1).Draw(t, "source"),
			PermittedSynchronization: events.SyncTo, Delete: events.DeleteSoft,
		}
		m.apply([]events.Command{registration.Target(c.Name, &target)})
		want := []events.Definition{{
			ID: registration.Registered, Element: registration.ConnectorName(c.Name), Name: c.Name,
			Group: registration.GroupName(c.Group), Kind: c.Kind, Configuration: c.Configuration,
			Endpoint: c.Endpoint, Targets: []events.CatalogTarget{target},
			Refresh: c.Refresh, TimeZone: c.TimeZone, UsesBlockingCalls: c.UsesBlockingCalls,
			MetadataSource: c.MetadataSource, PermittedSynchronization: c.Permitted, User: c.User, Start: c.Start, Stop: c.Stop,
		}}
		got, incomplete := m.view().Definitions()
		if diff := gocmp.Diff(want, got); diff != "" || len(incomplete) > 0 {
			t.Fatalf("%v (-want +got):\n%s", incomplete, diff)
		}
		m.apply(c.Removal())
		for name, e := range m.elements {
			if name != registration.GroupName(c.Group) && name != registration.ConnectorTypeName(c.Kind) {
				t.Errorf("%s stays: %v", name, e)
			}
		}
		if got, _ := m.view().Definitions(); len(got) > 0 {
			t.Errorf("it still runs: %+v", got)
		}
	})
}

func TestGroup(t *testing.T) {
	t.Parallel()
	g := registration.Group{Name: "g", Description: "d"}
	m := &metadata{elements: map[string]*events.Element{}}
	m.apply(g.Commands())
	e := m.elements[registration.GroupName("g")]
	if e == nil || !e.Properties.Equal(events.Props(props{"displayName": "g", "description": "d"})) {
		t.Errorf("got %+v", e)
	}
	m.apply(g.Removal())
	if len(m.elements) > 0 {
		t.Errorf("left: %v", m.elements)
	}
}
