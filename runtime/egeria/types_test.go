package egeria_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// typeStore writes an archive of definitions; the first stands on line 3.
func typeStore(definitions, patches string) string {
	return "{\"archiveTypeStore\":{\n\"newTypeDefs\":[\n" + definitions + "\n],\n\"typeDefPatches\":[\n" + patches + "\n]}}"
}

func house(name, super, more string) string {
	return `{"class":"EntityDef","name":"` + name + `","superType":{"name":"` + super + `"}` + more + `}`
}

func TestRefusedTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, definitions, patches string
		want                       []string // outcome, kind, type, line, pointer, start of the reason
		types                      []string
	}{
		{
			name: "unknown super type", definitions: strings.Join([]string{
				house("Castle", "Fortress", ""), house("Keep", "Castle", ""),
				`{"class":"RelationshipDef","name":"Siege","endDef1":{"entityType":{"name":"Referenceable"}},"endDef2":{"entityType":{"name":"Keep"}}}`,
				`{"class":"ClassificationDef","name":"Besieged","validEntityDefs":[{"name":"Siege"}]}`, house("Cottage", "Referenceable", ""),
			}, ",\n"),
			want: []string{
				`refused type Castle 3 /newTypeDefs/0/superType/name unknown type "Fortress"`,
				`refused type Keep 4 /newTypeDefs/1/superType/name unknown type "Castle"`,
				`refused type Siege 5 /newTypeDefs/2/endDef2/entityType/name unknown type "Keep"`,
				`refused type Besieged 6 /newTypeDefs/3/validEntityDefs/0/name unknown type "Siege"`,
			},
			types: []string{"Cottage"},
		}, {
			name: "super types in a circle", definitions: house("Hen", "Egg", "") + ",\n" + house("Egg", "Hen", "") + ",\n" + house("Chick", "Egg", ""),
			want: []string{
				"refused type Hen 3 /newTypeDefs/0 its super types lead in a circle",
				`refused type Egg 4 /newTypeDefs/1/superType/name unknown type "Hen"`,
				`refused type Chick 5 /newTypeDefs/2/superType/name unknown type "Egg"`,
			},
		}, {
			name: "wrong definitions", definitions: strings.Join([]string{
				`{"class":"PlanDef","name":"Castle"}`, `{"name":"Castle"}`, house("castle", "Referenceable", ""), `[]`,
				house("Castle", "Referenceable", `,"headerVersion":9`),
				house("Castle", "Referenceable", `,"propertiesDefinition":[{"attributeName":"a","attributeType":{"class":"PlanDef"}}]`),
				house("Castle", "Referenceable", `,"propertiesDefinition":[{"attributeName":"a"}]`),
				`{"class":"RelationshipDef","name":"Siege","endDef1":{},"endDef2":{}}`,
				`{"class":"EnumDef","name":"Colour","elementDefs":[null]}`,
				`{"class":"EnumDef","name":"Colour"}`,
			}, ",\n"),
			want: []string{
				`refused type Castle 3 /newTypeDefs/0/class unknown class`,
				"refused type Castle 4 /newTypeDefs/1 the definition has neither class nor category",
				`refused type castle 5 /newTypeDefs/2 as a definition of Camena, /name: `,
				"refused type  6 /newTypeDefs/3 expected an object, found an array",
				"refused type Castle 7 /newTypeDefs/4/headerVersion the header is of version 9",
				`refused type Castle 8 /newTypeDefs/5/propertiesDefinition/0/attributeType/class unknown class`,
				"refused type Castle 9 /newTypeDefs/6/propertiesDefinition/0/attributeType missing: the type of the attribute",
				"refused type Siege 10 /newTypeDefs/7/endDef1/entityType missing: the type of the elements at this end",
				"refused type Colour 11 /newTypeDefs/8/elementDefs/0 expected an object, found null",
				"refused type Colour 12 /newTypeDefs/9 as a definition of Camena, /values: missing: an enum has values",
			},
		}, {
			name: "twice", definitions: house("Cottage", "Referenceable", "") + ",\n" + house("Cottage", "Referenceable", `,"version":1`) + ",\n" + house("Cottage", "Asset", ""),
			want: []string{
				"skipped type Cottage 4 /newTypeDefs/1 the same occurs before: at line 3, byte 38, /archiveTypeStore/newTypeDefs/0",
				"refused type Cottage 5 /newTypeDefs/2/name a type of that name is defined before, with other content, at line 3, byte 38, /archiveTypeStore/newTypeDefs/0",
			},
			types: []string{"Cottage"},
		}, {
			name: "wrong patches", definitions: house("Cottage", "Referenceable", `,"version":3`),
			patches: strings.Join([]string{
				`{"typeDefName":"Fortress"}`, `{}`, `{"typeDefName":"Cottage","applyToVersion":1}`, `{"typeDefName":7}`,
				`{"typeDefName":"Cottage","applyToVersion":3,"updateToVersion":4,"propertyDefinitions":[{"attributeName":"a","attributeType":{"class":"PlanDef"}}]}`,
				`{"typeDefName":"Cottage","propertyDefinitions":[{"attributeName":"1a","attributeType":{"category":"PRIMITIVE","name":"string"}}]}`,
				`{"typeDefName":"Cottage","superType":{"name":"Fortress"},"headerVersion":2}`,
			}, ",\n"),
			want: []string{
				"refused patch  7 /typeDefPatches/1/typeDefName the patch does not name the type that it changes",
				"refused patch  9 /typeDefPatches/3/typeDefName expected a string, found a number",
				"refused patch Cottage 12 /typeDefPatches/6/headerVersion the header is of version 2",
				`refused patch Fortress 6 /typeDefPatches/0/typeDefName the patch changes`,
				"refused patch Cottage 8 /typeDefPatches/2/applyToVersion the patch is for version 1 of Cottage, which is of version 3",
				`refused patch Cottage 10 /typeDefPatches/4/propertyDefinitions/0/attributeType/class unknown class`,
				`refused patch Cottage 11 /typeDefPatches/5 as a definition of Camena, /attributes/0/name: `,
			},
			types: []string{"Cottage"},
		}, {
			name: "patch to an unknown type", definitions: house("Cottage", "Referenceable", ""), patches: `{"typeDefName":"Cottage","superType":{"name":"Fortress"}}`,
			want: []string{
				`refused type Cottage 6 /typeDefPatches/0/superType/name unknown type "Fortress"`,
				`refused patch Cottage 6 /typeDefPatches/0/superType/name unknown type "Fortress"`,
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			known := knowing(events.TypeDef{Kind: events.KindElement, Name: "Referenceable"}, events.TypeDef{Kind: events.KindElement, Name: "Asset"})
			plan := checkWith(t, typeStore(test.definitions, test.patches), egeria.Settings{TypeDef: known})
			var got []string
			for _, f := range plan.Report.Findings {
				got = append(got, fmt.Sprintf("%s %s %s %d %s %s", f.Outcome, f.Kind, f.Type, f.Where.Line, strings.TrimPrefix(f.Where.Pointer, "/archiveTypeStore"), f.Reason))
			}
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("findings (-got +want):\n%s", cmp.Diff(got, test.want))
			}
			var types []string
			for _, s := range steps(t, plan) {
				for _, def := range defined(s) {
					types = append(types, def.Name)
				}
			}
			if diff := cmp.Diff(types, test.types); diff != "" {
				t.Errorf("types (-got +want):\n%s", diff)
			}
		})
	}
}

// TestPatchesOfTheRepository changes types that the archive does not define.
func TestPatchesOfTheRepository(t *testing.T) {
	t.Parallel()
	asset := events.TypeDef{
		Kind: events.KindElement, Name: "Asset", SuperType: "Referenceable", Description: "Old.",
		Attributes: []events.AttributeDef{{Name: "owner", Type: "string"}, {Name: "size", Type: "int"}},
	}
	known := knowing(asset, events.TypeDef{Kind: events.KindElement, Name: "Referenceable"}, events.TypeDef{Kind: events.KindElement, Name: "Thing"})
	colour := `{"class":"EnumDef","name":"Colour","elementDefs":[{"ordinal":3,"value":"Deep red"}]}`
	plan := checkWith(t, typeStore("", `{"typeDefName":"Asset","applyToVersion":4,"updateToVersion":5,"typeDefStatus":"DEPRECATED_TYPEDEF",`+
		`"propertyDefinitions":[{"attributeName":"size","attributeType":{"class":"CollectionDef","name":"array<int>"},"valuesMinCount":1},`+
		`{"attributeName":"colour","attributeType":`+colour+`}]},`+
		`{"typeDefName":"Asset","applyToVersion":5,"updateToVersion":6,"description":"New.","superType":{"name":"Thing"}}`), egeria.Settings{TypeDef: known})
	all := steps(t, plan)
	if len(all) != 1 {
		t.Fatalf("%d steps: %+v", len(all), plan.Report)
	}
	want := []events.TypeDef{
		{Kind: events.KindEnum, Name: "Colour", Values: []events.EnumValue{{Ordinal: 3, Name: "Deep_red"}}},
		{
			Kind: events.KindElement, Name: "Asset", SuperType: "Thing", Description: "New.", Deprecated: true,
			Attributes: []events.AttributeDef{
				{Name: "owner", Type: "string"}, {Name: "size", Type: "array<int>", Required: true}, {Name: "colour", Type: "Colour"},
			},
		},
	}
	if diff := cmp.Diff(defined(all[0]), want); diff != "" {
		t.Errorf("types (-got +want):\n%s", diff)
	}
	if got, want := plan.Report.Counts[egeria.KindPatch], (egeria.Count{Found: 2, Taken: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if asset.Attributes[1].Type != "int" {
		t.Error("the definition of the repository was changed in place")
	}
}

// TestManyTypes defines more types than fit into one command.
func TestManyTypes(t *testing.T) {
	t.Parallel()
	var definitions []string
	for i := range 100 {
		super := fmt.Sprintf("Type%d", i+1)
		if i == 99 {
			super = "Referenceable"
		}
		definitions = append(definitions, house(fmt.Sprintf("Type%d", i), super, `,"description":"`+strings.Repeat("x", 1000)+`"`))
	}
	plan := checkWith(t, typeStore(strings.Join(definitions, ","), ""), egeria.Settings{MaxCommand: 20_000})
	known := map[string]bool{"Referenceable": true}
	all := steps(t, plan)
	for _, s := range all {
		for _, def := range defined(s) {
			if !known[def.SuperType] {
				t.Fatalf("%s comes before %s", def.Name, def.SuperType)
			}
			known[def.Name] = true
		}
	}
	if len(known) != 101 || len(all) < 5 || len(all) > 10 {
		t.Errorf("%d types in %d steps", len(known), len(all))
	}
}

// TestNamesOfEnums takes the names by which the repository knows values.
func TestNamesOfEnums(t *testing.T) {
	t.Parallel()
	known := knowing(
		events.TypeDef{Kind: events.KindEnum, Name: "Colour", Values: []events.EnumValue{{Name: "RED"}, {Ordinal: 2, Name: "BLUE"}}},
		events.TypeDef{Kind: events.KindElement, Name: "Library"},
	)
	colour := `{"class":"EnumPropertyValue","typeName":"Colour","ordinal":2,"symbolicName":"Light blue"}`
	plan := checkWith(t, `{"archiveTypeStore":{"attributeTypeDefs":[{"class":"EnumDef","name":"Colour","elementDefs":[`+
		`{"ordinal":0,"value":"Red"},{"ordinal":2,"value":"Light blue"},{"ordinal":3,"value":"Green"}]}]},`+
		strings.TrimPrefix(store("entities", entity(library, `"a":`+colour, "")), "{"), egeria.Settings{TypeDef: known})
	all := steps(t, plan)
	if len(all) != 2 {
		t.Fatalf("%d steps: %+v", len(all), plan.Report)
	}
	if diff := cmp.Diff(defined(all[0])[0].Values, []events.EnumValue{{Name: "RED"}, {Ordinal: 2, Name: "BLUE"}, {Ordinal: 3, Name: "Green"}}); diff != "" {
		t.Errorf("values (-got +want):\n%s", diff)
	}
	if got := upserted(t, all[1]).Properties.String("a"); got != "BLUE" {
		t.Errorf("the value is %s", got)
	}
}
