package egeria_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// willow is an archive with a little of everything.
func willow(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "willow.json"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// told returns what the commands of steps are, a line each.
func told(t *testing.T, all []*egeria.Step) []string {
	t.Helper()
	var lines []string
	for _, s := range all {
		if s.Command == nil {
			continue
		}
		data, err := events.Marshal(s.Command)
		if err != nil {
			t.Fatal(err)
		}
		verb := strings.TrimSuffix(strings.TrimPrefix(s.Command.EventType(), "io.camena."), ".v1")
		lines = append(lines, verb+" "+string(data))
	}
	return lines
}

const (
	library = "22222222-0000-4000-8000-000000000001"
	north   = "22222222-0000-4000-8000-000000000002"
	south   = "22222222-0000-4000-8000-000000000003"
	gone    = "22222222-0000-4000-8000-000000000004"
)

// willowCommands are those of everything but the types.
func willowCommands() []string {
	return []string{
		`element.upsert {"element":{"guid":"` + north + `","type":"Branch","qualifiedName":"Branch:north","properties":{"shelves":12}}}`,
		`element.upsert {"element":{"guid":"` + library + `","type":"Library","qualifiedName":"Library:willow",` +
			`"properties":{"address":{"number":7,"street":"Willow Street"},"names":["Willow Street Library","The Willows"],` +
			`"opened":"1900-01-01T00:00:00Z","shelves":400,"state":"In_use","tags":{"colour":"green"}},"zones":["public","town"],` +
			`"effectivity":{"effectiveFrom":"2020-09-13T12:26:40Z","effectiveTo":"2030-03-17T17:46:40Z"}}}`,
		`element.classify {"element":{"guid":"` + library + `"},"classification":{"classificationName":"Listed","properties":{"grade":"II"}}}`,
		`element.upsert {"element":{"guid":"` + south + `","type":"Branch","qualifiedName":"Branch:south","properties":{"state":"Closed"},"anchor":{"guid":"` + library + `"}}}`,
		`element.upsert {"element":{"guid":"` + north + `","type":"Branch","qualifiedName":"Branch:north","anchor":{"guid":"` + library + `"}},"merge":true}`,
		`element.classify {"element":{"guid":"` + north + `"},"classification":{"classificationName":"Listed","properties":{"grade":"I"}}}`,
		`relationship.link {"relationship":{"guid":"33333333-0000-4000-8000-000000000001","type":"LibraryBranch",` +
			`"end1":{"guid":"` + library + `"},"end2":{"guid":"` + north + `"},"properties":{"since":"1970-01-01T00:00:00Z"}}}`,
		`relationship.link {"relationship":{"guid":"33333333-0000-4000-8000-000000000002","type":"LibraryBranch",` +
			`"end1":{"guid":"` + library + `"},"end2":{"guid":"` + south + `"}}}`,
	}
}

// willowTypes are those that the archive builds on.
func willowTypes() []events.TypeDef {
	return []events.TypeDef{
		{Kind: events.KindElement, Name: "Referenceable"},
		{Kind: events.KindClassification, Name: "Anchors"},
		{Kind: events.KindClassification, Name: "ZoneMembership"},
	}
}

func TestTheWholeArchive(t *testing.T) {
	t.Parallel()
	plan := checkWith(t, willow(t), egeria.Settings{TypeDef: knowing(willowTypes()...)})
	want := egeria.Report{
		Header: egeria.Header{
			GUID: "11111111-0000-4000-8000-000000000000", Name: "Willow libraries", Description: "A town and its libraries.",
			Type: "CONTENT_PACK", Version: "1.2", Originator: "Camena", License: "Apache-2.0",
			Created: time.UnixMilli(1700000000000).UTC(), DependsOn: []string{"44444444-0000-4000-8000-000000000000"},
		},
		Counts: map[egeria.Kind]egeria.Count{
			egeria.KindType:           {Found: 6, Taken: 5, Skipped: 1},
			egeria.KindPatch:          {Found: 1, Taken: 1},
			egeria.KindElement:        {Found: 4, Taken: 3, Skipped: 1},
			egeria.KindClassification: {Found: 6, Taken: 6},
			egeria.KindRelationship:   {Found: 2, Taken: 2},
		},
		Lost: map[egeria.Loss]int{egeria.LostVersions: 11, egeria.LostMaintainers: 1},
		Findings: []egeria.Finding{
			{
				Outcome: egeria.Skipped, Kind: egeria.KindType, Type: "string",
				Where: egeria.Place{Line: 20, Offset: 730, Pointer: "/archiveTypeStore/attributeTypeDefs/0"},
			}, {
				Outcome: egeria.Skipped, Kind: egeria.KindElement, GUID: gone, QualifiedName: "Branch:gone", Type: "Branch",
				Where: egeria.Place{Pointer: "/archiveInstanceStore/entities/3"},
			},
		},
	}
	ignored := cmp.Options{cmpopts.IgnoreFields(egeria.Place{}, "Line", "Offset"), cmpopts.IgnoreFields(egeria.Finding{}, "Reason")}
	if diff := cmp.Diff(plan.Report, want, ignored); diff != "" {
		t.Fatalf("report (-got +want):\n%s", diff)
	}
	for i, says := range []string{"built in", "is deleted"} {
		if f := plan.Report.Findings[i]; !strings.Contains(f.Reason, says) {
			t.Errorf("finding %d: %s, want %q", i, f.Reason, says)
		}
	}
	if !plan.Report.Complete() {
		t.Error("the report is not complete")
	}
	all := steps(t, plan)
	if diff := cmp.Diff(told(t, all[1:]), willowCommands()); diff != "" {
		t.Errorf("commands (-got +want):\n%s", diff)
	}
	checkWillowTypes(t, defined(all[0]))
	checkWillowLibrary(t, all[2:4])
}

func checkWillowTypes(t *testing.T, got []events.TypeDef) {
	t.Helper()
	want := []events.TypeDef{
		{
			Kind: events.KindEnum, Name: "ShelfState", Description: "How a shelf is used.",
			Values: []events.EnumValue{{Name: "Unknown"}, {Ordinal: 1, Name: "In_use", Description: "Books stand in it."}, {Ordinal: 2, Name: "Closed"}},
		}, {
			Kind: events.KindElement, Name: "Library", SuperType: "Referenceable", Description: "A house of many books.",
			Attributes: []events.AttributeDef{
				{Name: "opened", Type: "date"},
				{Name: "shelves", Type: "int", Required: true},
				{Name: "state", Type: "ShelfState"},
				{Name: "tags", Type: "map<string,string>"},
				{Name: "names", Type: "array<string>"},
				{Name: "anything", Type: "any", Deprecated: true},
				{Name: "floors", Type: "short"},
			},
		}, {
			Kind: events.KindElement, Name: "Branch", SuperType: "Library", Description: "A smaller house.",
		}, {
			Kind: events.KindRelationship, Name: "LibraryBranch", Deprecated: true, MultiLink: true,
			End1:       &events.EndDef{Type: "Library", Name: "house", Cardinality: events.CardinalityOne},
			End2:       &events.EndDef{Type: "Branch", Name: "branches", Cardinality: events.CardinalityMany},
			Attributes: []events.AttributeDef{{Name: "since", Type: "date"}},
		}, {
			Kind: events.KindClassification, Name: "Listed", ValidFor: []string{"Library"},
			Attributes: []events.AttributeDef{{Name: "grade", Type: "string"}},
		},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("types (-got +want):\n%s", diff)
	}
}

func checkWillowLibrary(t *testing.T, got []*egeria.Step) {
	t.Helper()
	where := egeria.Place{Pointer: "/archiveInstanceStore/entities/1"}
	item := egeria.Finding{Outcome: egeria.Taken, Kind: egeria.KindElement, GUID: library, QualifiedName: "Library:willow", Type: "Library", Where: where}
	listed := item
	listed.Kind, listed.Type = egeria.KindClassification, "Listed"
	listed.Where.Pointer += "/classifications/0"
	type counts = map[egeria.Kind]int
	want := []*egeria.Step{
		{Finding: item, Counts: counts{egeria.KindElement: 1, egeria.KindClassification: 2}},
		{Finding: listed, Counts: counts{egeria.KindClassification: 1}},
	}
	ignored := cmp.Options{cmpopts.IgnoreFields(egeria.Place{}, "Line", "Offset"), cmpopts.IgnoreFields(egeria.Step{}, "Command"), cmpopts.IgnoreUnexported(egeria.Step{})}
	if diff := cmp.Diff(got, want, ignored); diff != "" {
		t.Errorf("element (-got +want):\n%s", diff)
	}
}

// TestTheSameInOtherForms reads the same archive written otherwise.
func TestTheSameInOtherForms(t *testing.T) {
	t.Parallel()
	text := willow(t)
	forms := map[string]string{
		"compressed":  zipped(t, text),
		"marked":      "\ufeff" + text,
		"on one line": compact(t, text),
		"back to front": reordered(t, text, func(names []string) {
			slices.Reverse(names)
		}),
		"shuffled": reordered(t, text, func(names []string) { slices.Sort(names) }),
		"with full class names": strings.NewReplacer(
			`"class": "PrimitivePropertyValue"`, `"class": "org.example.instances.PrimitivePropertyValue"`,
			`"class": "OpenMetadataArchive"`, `"class": "org.example.OpenMetadataArchive"`,
			`"class": "EntityDetail"`, `"class": "org.example.EntityDetail"`,
			`"class": "EntityDef"`, `"class": "org.example.EntityDef"`,
		).Replace(text),
		"without classes":    withoutClasses(text),
		"without categories": strings.NewReplacer(`"instancePropertyCategory": "PRIMITIVE",`, "", `"primitiveDefCategory": "OM_PRIMITIVE_TYPE_STRING",`, "").Replace(text),
		"with older names":   strings.NewReplacer(`"ZoneMembership"`, `"AssetZoneMembership"`, `"typeDefName": "Library",`+"\n    \"applyTo", `"typeName": "Library",`+"\n    \"applyTo", `"propertyDefinitions"`, `"typeDefAttributes"`).Replace(text),
		"with what is not known": strings.NewReplacer(`"archiveTypeStore": {`, `"later": [{"a": [1, {"b": null}]}], "archiveTypeStore": {"later": {"x": []},`,
			`"headerVersion": 1,`, `"headerVersion": 1, "later": {"deep": [[]]},`).Replace(text),
	}
	types := append(willowTypes(), events.TypeDef{Kind: events.KindClassification, Name: "AssetZoneMembership"})
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := checkWith(t, form, egeria.Settings{TypeDef: knowing(types...)})
			if !plan.Report.Complete() {
				t.Fatalf("the report is %+v", plan.Report)
			}
			got, want := told(t, steps(t, plan)[1:]), willowCommands()
			if name == "back to front" || name == "shuffled" {
				// Within their kind, items stay in their order: only sections move.
				slices.Sort(got)
				slices.Sort(want)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("commands (-got +want):\n%s", diff)
			}
		})
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// reordered writes the sections and stores in another order.
func reordered(t *testing.T, text string, order func([]string)) string {
	t.Helper()
	var write func(raw json.RawMessage, depth int) string
	write = func(raw json.RawMessage, depth int) string {
		var object map[string]json.RawMessage
		if depth == 0 || json.Unmarshal(raw, &object) != nil {
			return string(raw)
		}
		var names []string
		for _, name := range []string{
			"class", "archiveProperties", "archiveTypeStore", "archiveInstanceStore",
			"attributeTypeDefs", "newTypeDefs", "typeDefPatches", "entities", "relationships", "classifications",
		} {
			if _, ok := object[name]; ok {
				names = append(names, name)
			}
		}
		if len(names) < 2 || object["archiveGUID"] != nil {
			return string(raw)
		}
		order(names)
		var parts []string
		for _, name := range names {
			parts = append(parts, `"`+name+`":`+write(object[name], depth-1))
		}
		return "{" + strings.Join(parts, ",\n") + "}"
	}
	return write(json.RawMessage(text), 2)
}

func withoutClasses(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		isDefinition := strings.Contains(line, `Def"`)
		if !strings.Contains(line, `"class": "`) || isDefinition {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestStepsStopWhenAsked(t *testing.T) {
	t.Parallel()
	plan := check(t, willow(t))
	for n := 1; n <= 8; n++ {
		seen := 0
		for _, err := range plan.Steps(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			seen++
			if seen == n {
				break
			}
		}
		if seen != n {
			t.Errorf("%d steps, want %d", seen, n)
		}
	}
}
