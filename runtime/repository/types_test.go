package repository_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// looseTypes are the shipped ones, with attributes of any kind for tests to
// which it does not matter.
func looseTypes(tb testing.TB) *opentypes.Registry {
	tb.Helper()
	shipped, err := opentypes.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	loose, _, err := shipped.Apply(loosened(tb, shipped)...)
	if err != nil {
		tb.Fatal(err)
	}
	return loose
}

// loosened are the definitions of the types that have more attributes.
func loosened(tb testing.TB, shipped *opentypes.Registry) (defs []events.TypeDef) {
	tb.Helper()
	for name, attributes := range map[string][]string{
		"OpenMetadataRoot": {"a", "b", "n", "name", "secret", "text", "x", "y", "z"},
		"NestedFile":       {"n", "text", "x", "y", "z"}, "FolderHierarchy": {"x"}, "LinkedFile": {"x"},
		"Impact": {"x"}, "Ownership": {"n", "x", "y", "z"}, "Criticality": {"x", "y", "z"},
	} {
		typ, ok := shipped.Type(name)
		if !ok {
			tb.Fatalf("there is no type %s", name)
		}
		def := typ.Def()
		for _, a := range attributes {
			kind := "any"
			if a == "name" || a == "text" {
				kind = "string" // as it is in some of the shipped types
			}
			def.Attributes = append(def.Attributes, events.AttributeDef{Name: a, Type: kind, Description: "For tests."})
		}
		if name == "NestedFile" || name == "FolderHierarchy" {
			def.End1.Cardinality = events.CardinalityMany
		}
		defs = append(defs, def)
	}
	one, many := events.CardinalityOne, events.CardinalityMany
	return append(defs, events.TypeDef{
		Kind: events.KindRelationship, Name: "Holds", Description: "For tests: a file is held by one folder.",
		End1: &events.EndDef{Type: "FileFolder", Name: "holder", Cardinality: one}, End2: &events.EndDef{Type: "DataFile", Name: "held", Cardinality: many},
	}, events.TypeDef{Kind: events.KindRelationship, Name: "HoldsTight", SuperType: "Holds", Description: "For tests: it is held for good."})
}
