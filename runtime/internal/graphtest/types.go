package graphtest

import (
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// must returns v: what the tests bring cannot be wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Types returns the types that Camena ships, with those of [LooseTypes].
func Types() *opentypes.Registry {
	all, _, err := must(opentypes.Builtin()).Apply(LooseTypes()...)
	return must(all, err)
}

// LooseTypes are types that Camena ships with more attributes, so that tests can
// write what they like, and some more types.
func LooseTypes() (defs []events.TypeDef) {
	shipped := must(opentypes.Builtin())
	for name, attributes := range map[string][]string{
		"OpenMetadataRoot": {"a", "b", "n", "name", "secret", "text", "x", "y", "z"},
		"NestedFile":       {"n", "text", "x", "y", "z"}, "FolderHierarchy": {"x"}, "LinkedFile": {"x"},
		"Impact": {"x"}, "Ownership": {"free", "n", "x", "y", "z"}, "Criticality": {"x", "y", "z"},
	} {
		typ, _ := shipped.Type(name)
		def := typ.Def()
		for _, a := range attributes {
			kind := "any"
			switch a {
			case "name", "text":
				kind = "string" // as it is in some of the shipped types
			case "free":
				kind = "map<string,any>"
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
