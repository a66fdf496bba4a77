package connectors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// changesByName are changes of all kinds that a filter tells apart.
func changesByName() map[string]*connectors.Change {
	table := func(edit func(*events.Element)) *events.Element {
		e := &events.Element{Header: events.ElementHeader{
			Type:   events.ElementType{Name: "RelationalTable", SuperTypes: []string{"SchemaElement", "Referenceable"}},
			Origin: events.Origin{Category: events.OriginExternal, Source: "db"}, Zones: []string{"inner"},
		}}
		if edit != nil {
			edit(e)
		}
		return e
	}
	secret := func(e *events.Element) { e.Classifications = []events.Classification{{Name: "Secret"}} }
	element := func(change string, e, previous *events.Element, classification string) *connectors.Change {
		return &connectors.Change{Type: change, Element: &events.ElementChange{Element: e, Previous: previous, Classification: classification}}
	}
	column := &events.Relationship{Header: events.ElementHeader{
		Type: events.ElementType{Name: "AttributeForSchema", SuperTypes: []string{"Link"}},
	}}
	link := func(change string, r, previous *events.Relationship) *connectors.Change {
		return &connectors.Change{Type: change, Relationship: &events.RelationshipChange{Relationship: r, Previous: previous}}
	}
	return map[string]*connectors.Change{
		"created":      element(events.TypeElementCreated, table(nil), nil, ""),
		"updated":      element(events.TypeElementUpdated, table(secret), table(secret), ""),
		"deleted":      element(events.TypeElementDeleted, nil, table(nil), ""),
		"classified":   element(events.TypeElementClassified, table(secret), table(nil), "Secret"),
		"declassified": element(events.TypeElementDeclassified, table(nil), table(secret), "Secret"),
		"published":    element(events.TypeElementUpdated, table(func(e *events.Element) { e.Header.Zones = []string{"outer"} }), table(nil), ""),
		"withdrawn":    element(events.TypeElementUpdated, table(nil), table(func(e *events.Element) { e.Header.Zones = []string{"outer"} }), ""),
		"without-zone": element(events.TypeElementCreated, table(func(e *events.Element) { e.Header.Zones = nil }), nil, ""),
		"retyped":      element(events.TypeElementRetyped, table(func(e *events.Element) { e.Header.Type = events.ElementType{Name: "View"} }), table(nil), ""),
		"rehomed":      element(events.TypeElementRehomed, table(func(e *events.Element) { e.Header.Origin.Source = "lake" }), table(nil), ""),
		"moved":        element(events.TypeElementMoved, nil, table(nil), ""),
		"linked":       link(events.TypeRelationshipCreated, column, nil),
		"relinked":     link(events.TypeRelationshipUpdated, column, column),
		"unlinked":     link(events.TypeRelationshipDeleted, nil, column),
		"defined":      {Type: events.TypeTypeDefined, OpenType: &events.TypeChange{Type: &events.TypeDef{Name: "View"}}},
		"nothing":      {},
		"no element":   {Element: &events.ElementChange{}},
		"no link":      {Relationship: &events.RelationshipChange{}},
	}
}

func TestFiltersSelect(t *testing.T) {
	t.Parallel()
	changes := changesByName()
	const (
		elements = " classified created declassified deleted published rehomed retyped updated withdrawn without-zone"
		links    = " linked relinked unlinked"
	)
	for name, c := range map[string]struct {
		filter        connectors.Filter
		want, present string
	}{
		"all":                   {connectors.Filter{}, elements + links, " classified created declassified linked published rehomed relinked retyped updated withdrawn without-zone"},
		"a type":                {connectors.Filter{Types: []string{"RelationalTable"}}, elements, " classified created declassified published rehomed updated withdrawn without-zone"},
		"super types":           {connectors.Filter{Types: []string{"Other", "Referenceable", "Link"}}, elements + links, " classified created declassified linked published rehomed relinked updated withdrawn without-zone"},
		"a new type":            {connectors.Filter{Types: []string{"View"}}, " retyped", " retyped"},
		"a type of links":       {connectors.Filter{Types: []string{"AttributeForSchema"}}, links, " linked relinked"},
		"an unknown type":       {connectors.Filter{Types: []string{"Other"}}, "", ""},
		"relationships":         {connectors.Filter{Relationships: []string{"AttributeForSchema"}}, links, " linked relinked"},
		"subtypes of them":      {connectors.Filter{Relationships: []string{"Link"}}, links, " linked relinked"},
		"both, subtypes":        {connectors.Filter{Relationships: []string{"Link"}, Types: []string{"View"}}, " linked relinked retyped unlinked", " linked relinked retyped"},
		"no elements of them":   {connectors.Filter{Relationships: []string{"RelationalTable", "Referenceable"}}, "", ""},
		"both":                  {connectors.Filter{Relationships: []string{"AttributeForSchema"}, Types: []string{"View"}}, " linked relinked retyped unlinked", " linked relinked retyped"},
		"a classification":      {connectors.Filter{Classifications: []string{"Secret"}}, " classified declassified updated", " classified updated"},
		"another one":           {connectors.Filter{Classifications: []string{"Public"}}, "", ""},
		"a source":              {connectors.Filter{Sources: []string{"lake"}}, " rehomed", " rehomed"},
		"the one left":          {connectors.Filter{Sources: []string{"db"}, Changes: []string{events.TypeElementRehomed}}, " rehomed", " classified created declassified published retyped updated withdrawn without-zone"},
		"no source":             {connectors.Filter{Sources: []string{""}}, links, " linked relinked"},
		"type and source":       {connectors.Filter{Types: []string{"AttributeForSchema"}, Sources: []string{"db"}}, "", ""},
		"a zone":                {connectors.Filter{Zones: []string{"outer"}, Types: []string{"RelationalTable"}}, " published withdrawn without-zone", " published without-zone"},
		"a zone, links":         {connectors.Filter{Zones: []string{"outer"}, Changes: []string{connectors.AnyRelationshipChange}}, links, " linked relinked"},
		"a change":              {connectors.Filter{Changes: []string{events.TypeElementDeleted}}, " deleted", " classified created declassified published rehomed retyped updated withdrawn without-zone"},
		"changes of elements":   {connectors.Filter{Changes: []string{connectors.AnyElementChange}}, elements, " classified created declassified published rehomed retyped updated withdrawn without-zone"},
		"changes of links":      {connectors.Filter{Changes: []string{connectors.AnyRelationshipChange}}, links, " linked relinked"},
		"types":                 {connectors.Filter{Changes: []string{connectors.AnyTypeChange}}, " defined", " defined"},
		"a type's definition":   {connectors.Filter{Changes: []string{events.TypeTypeDefined}, Types: []string{"View"}}, " defined", " defined"},
		"another definition":    {connectors.Filter{Changes: []string{events.TypeTypeDefined}, Types: []string{"Table"}}, "", ""},
		"classification's type": {connectors.Filter{Classifications: []string{"Secret"}, Types: []string{"View"}}, "", ""},
	} {
		if err := c.filter.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, question := range []struct {
			name    string
			matches func(*connectors.Change) bool
			want    string
		}{{"changes", c.filter.Matches, c.want}, {"present", c.filter.MatchesPresent, c.present}} {
			var got []string
			for name, change := range changes {
				if question.matches(change) {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			want := strings.Fields(question.want)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s: got %q, want %q", name, question.name, got, want)
			}
		}
	}
}

func TestFiltersThatSelectNothing(t *testing.T) {
	t.Parallel()
	for want, filter := range map[string]connectors.Filter{
		"are no names":              {Types: []string{"Asset", ""}},
		"to select everything":      {Relationships: []string{"*"}},
		"leave the names out":       {Classifications: []string{""}},
		`"io.camena.cycle.due.v1"`:  {Changes: []string{events.TypeElementCreated, events.TypeCycleDue}},
		"it selects nothing":        {Classifications: []string{"Secret"}, Relationships: []string{"Link"}},
		"have no classifications":   {Classifications: []string{"Secret"}, Changes: []string{connectors.AnyRelationshipChange}},
		"choose one":                {Now: true, Present: true},
		"of From, Present and Now":  {Now: true, From: 1},
		"excludes one or the other": {Relationships: []string{"Link"}, Changes: []string{events.TypeElementCreated}},
	} {
		c := connectors.NewContext(connectors.Settings{})
		err := c.Listen(filter, takes)
		if err == nil || !connectors.IsPermanent(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		closeContext(t, c)
	}
}
