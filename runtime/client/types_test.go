package client_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// zooTypes are types of which one is defined by a command, and two are subtypes of
// it, one of them indirectly.
func zooTypes() []events.KnownType {
	attribute := func(name string) events.AttributeDef {
		return events.AttributeDef{Name: name, Type: events.ValueString}
	}
	shipped := func(d events.TypeDef) events.KnownType { return events.KnownType{TypeDef: d} }
	return []events.KnownType{
		{Defined: true, TypeDef: events.TypeDef{
			Kind: events.KindElement, Name: "Animal", SuperType: "Referenceable", Attributes: []events.AttributeDef{attribute("legs")},
		}},
		shipped(events.TypeDef{Kind: events.KindElement, Name: "Bird", SuperType: "Animal", Attributes: []events.AttributeDef{attribute("wings")}}),
		shipped(events.TypeDef{Kind: events.KindClassification, Name: "Caged", ValidFor: []string{"Animal"}}),
		shipped(events.TypeDef{
			Kind: events.KindRelationship, Name: "Eats", MultiLink: true,
			End1: &events.EndDef{Type: "Animal", Name: "eater", Cardinality: events.CardinalityMany},
			End2: &events.EndDef{Type: "Animal", Name: "eaten", Cardinality: events.CardinalityOne},
		}),
		shipped(events.TypeDef{Kind: events.KindRelationship, Name: "Hunts", SuperType: "Eats"}),
		shipped(events.TypeDef{Kind: events.KindElement, Name: "OpenMetadataRoot"}),
		shipped(events.TypeDef{Kind: events.KindElement, Name: "Owl", SuperType: "Bird"}),
		shipped(events.TypeDef{Kind: events.KindElement, Name: "Referenceable", SuperType: "OpenMetadataRoot", Attributes: []events.AttributeDef{attribute("displayName")}}),
	}
}

// zoo returns the client of a repository that has the types of the zoo, and answers
// with pages of three.
func zoo(t *testing.T) *client.Client {
	t.Helper()
	b, known := setup(t), zooTypes()
	answers(t, b, "types", bus.Answer(b, func(q events.Types) (a events.TypesAnswer, err error) {
		for _, k := range known {
			switch {
			case k.Name <= q.After && q.After != "" || q.Defined && !k.Defined:
			case len(a.Types) == 3:
				a.Next = a.Types[2].Name
				return a, nil
			default:
				a.Types = append(a.Types, k)
			}
		}
		return a, nil
	}))
	return client.New(b, "")
}

func TestTypesArePaged(t *testing.T) {
	t.Parallel()
	c := zoo(t)
	for defined, want := range map[bool]int{false: len(zooTypes()), true: 1} {
		if all, err := c.Types(t.Context(), events.Types{Defined: defined}); err != nil || len(all) != want {
			t.Errorf("defined %t: got %d types, %v, want %d", defined, len(all), err, want)
		}
	}
	types, err := c.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if owl, err := types.Element("Owl", ""); err != nil || !owl.Header().Is("Animal") {
		t.Errorf("the registry has %v, %v", owl, err)
	}
}

func TestATypeHasWhatItInherits(t *testing.T) {
	t.Parallel()
	c := zoo(t)
	bird, err := c.Type(t.Context(), "Bird")
	if err != nil {
		t.Fatal(err)
	}
	var from []string
	for _, a := range bird.AllAttributes {
		from = append(from, a.From+"."+a.Name)
	}
	got := [][]string{bird.SuperTypes, bird.Subtypes, from}
	want := [][]string{{"Animal", "Referenceable", "OpenMetadataRoot"}, {"Owl"}, {"Referenceable.displayName", "Animal.legs", "Bird.wings"}}
	if diff := cmp.Diff(want, got); diff != "" || bird.Defined {
		t.Errorf("Bird, defined %t (-want +got):\n%s", bird.Defined, diff)
	}
	if animal, err := c.Type(t.Context(), "Animal"); err != nil || !animal.Defined || !cmp.Equal(animal.Subtypes, []string{"Bird"}) {
		t.Errorf("Animal: %+v, %v", animal, err)
	}
	if hunts, err := c.Type(t.Context(), "Hunts"); err != nil || hunts.End1.Name != "eater" || hunts.End2.Cardinality != events.CardinalityOne || !hunts.MultiLink {
		t.Errorf("Hunts: %+v, %v", hunts, err)
	}
	if caged, err := c.Type(t.Context(), "Caged"); err != nil || !cmp.Equal(caged.ValidFor, []string{"Animal"}) {
		t.Errorf("Caged: %+v, %v", caged, err)
	}
	if _, err := c.Type(t.Context(), "Brid"); err == nil || !strings.Contains(err.Error(), "did you mean Bird?") {
		t.Errorf("a misspelt name: %v", err)
	}
}
