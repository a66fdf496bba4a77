package egeria_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// store writes an archive whose first item stands on line 3.
func store(section string, items ...string) string {
	return "{\"archiveInstanceStore\":{\n\"" + section + "\":[\n" + strings.Join(items, ",\n") + "\n]}}"
}

// entity writes an entity on four lines: its guid on the second, its properties
// on the third, what else there is on the fourth.
func entity(guid, properties, more string) string {
	return "{\"type\":{\"typeDefName\":\"Library\"},\n\"guid\":\"" + guid + "\",\n\"properties\":{\"instanceProperties\":{" + properties + "}}" + more + "\n}"
}

func text(value string) string {
	return `{"class":"PrimitivePropertyValue","primitiveDefCategory":"OM_PRIMITIVE_TYPE_STRING","primitiveValue":"` + value + `"}`
}

func named(name string) string { return `"qualifiedName":` + text(name) }

func TestRefusedElements(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"instancePropertyCategory":"MAP","mapValues":{"instanceProperties":{"a":`, 101) +
		text("bottom") + strings.Repeat("}}}", 101)
	tests := []struct {
		name    string
		items   []string
		line    int64
		pointer string // below the store
		reason  string
	}{
		{
			"unknown category",
			[]string{entity(library, `"a":{"instancePropertyCategory":"GRAPH"}`, "")},
			5, "/entities/0/properties/instanceProperties/a/instancePropertyCategory", `property value "GRAPH"`,
		}, {
			"unknown class",
			[]string{entity(library, `"a":{"class":"org.example.GraphPropertyValue"}`, "")},
			5, "/entities/0/properties/instanceProperties/a/class", `"org.example.GraphPropertyValue"`,
		}, {
			"class and category differ",
			[]string{entity(library, `"a":{"class":"MapPropertyValue","instancePropertyCategory":"ARRAY"}`, "")},
			5, "/entities/0/properties/instanceProperties/a/instancePropertyCategory", "the class is MapPropertyValue",
		}, {
			"neither class nor category",
			[]string{entity(library, `"a/b":{}`, "")},
			5, "/entities/0/properties/instanceProperties/a~1b", "neither class nor instancePropertyCategory",
		}, {
			"unknown primitive",
			[]string{entity(library, `"a":{"class":"PrimitivePropertyValue","primitiveDefCategory":"OM_PRIMITIVE_TYPE_QUBIT","primitiveValue":1}`, "")},
			5, "/entities/0/properties/instanceProperties/a/primitiveDefCategory", `unknown primitive type "qubit"`,
		}, {
			"gap in an array",
			[]string{entity(library, `"a":{"class":"ArrayPropertyValue","arrayCount":1,"arrayValues":{"instanceProperties":{"1":`+text("x")+`}}}`, "")},
			5, "/entities/0/properties/instanceProperties/a/arrayValues", "none at 0",
		}, {
			"short array",
			[]string{entity(library, `"a":{"class":"ArrayPropertyValue","arrayCount":2000000000,"arrayValues":{"instanceProperties":{"0":`+text("x")+`}}}`, "")},
			5, "/entities/0/properties/instanceProperties/a/arrayCount", "2000000000, but there are 1",
		}, {
			"ordinal of nothing",
			[]string{entity(library, `"a":{"class":"EnumPropertyValue","typeName":"ShelfState","ordinal":7}`, "")},
			5, "/entities/0/properties/instanceProperties/a/ordinal", `the enum "ShelfState"`,
		}, {
			"deep nesting",
			[]string{entity(library, `"a":`+deep, "")},
			5, "/entities/0/properties/instanceProperties/a" + strings.Repeat("/mapValues/instanceProperties/a", 100), "nested deeper than 100 levels",
		}, {
			"invalid date of creation",
			[]string{entity(library, "", `,"createTime":"yesterday"`)},
			5, "/entities/0/createTime", `found "yesterday"`,
		}, {
			"date beyond all calendars",
			[]string{entity(library, "", ",\n\"updateTime\":9223372036854775807")},
			6, "/entities/0/updateTime", "found 9223372036854775807",
		}, {
			"date that is no date",
			[]string{entity(library, "", `,"createTime":{}`)},
			5, "/entities/0/createTime", "found an object",
		}, {
			"it ends before it begins",
			[]string{strings.Replace(entity(library, "", ""), `"properties":{`, `"properties":{"effectiveFromTime":2000,"effectiveToTime":1000,`, 1)},
			5, "/entities/0/properties/effectiveToTime", "is not after effectiveFromTime",
		}, {
			"newer header",
			[]string{entity(library, "", `,"headerVersion":2`)},
			5, "/entities/0/headerVersion", "up to version 1",
		}, {
			"proxy",
			[]string{entity(library, "", `,"class":"EntityProxy"`)},
			5, "/entities/0/class", `this is "EntityProxy": expected EntityDetail`,
		}, {
			"type of another category",
			[]string{`{"type":{"typeDefCategory":"RELATIONSHIP_DEF","typeDefName":"Library"},"guid":"` + library + `"}`},
			3, "/entities/0/type/typeDefCategory", "expected ENTITY_DEF",
		}, {
			"no type", []string{`{"guid":"` + library + `"}`}, 3, "/entities/0/type", "typeDefName is missing",
		}, {
			"no guid", []string{entity("", "", "")}, 4, "/entities/0/guid", "the guid is missing",
		}, {
			"wrong guid", []string{entity("{"+library+"}", "", "")}, 4, "/entities/0/guid", "is not a guid such as",
		}, {
			"qualified name is no string",
			[]string{entity(library, `"qualifiedName":{"class":"MapPropertyValue"}`, "")},
			5, "/entities/0/properties/instanceProperties/qualifiedName", "is no string",
		}, {
			"wrong kind of value",
			[]string{entity(library, "", `,"version":"three"`)},
			5, "/entities/0/version", "expected a whole number, found a string",
		}, {
			"no object", []string{"\n\n17"}, 5, "/entities/0", "expected an object, found a number",
		}, {
			"name given twice", []string{entity(library, "", `,"guid":"`+library+`"`)}, 4, "/entities/0/guid", "the same name occurs twice",
		}, {
			"not UTF-8",
			[]string{entity(library, `"a":`+text("\xff"), "")},
			5, "/entities/0/properties/instanceProperties/a/primitiveValue", "invalid UTF-8",
		}, {
			"guid with other content",
			[]string{entity(library, named("a"), ""), entity(library, named("b"), "")},
			8, "/entities/1/guid", "other content, at line 3,",
		}, {
			"qualified name of another",
			[]string{entity(library, named("a"), ""), entity(north, named("a"), "")},
			9, "/entities/1/properties/instanceProperties/qualifiedName", "same qualified name, at line 3",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plan := check(t, store("entities", test.items...))
			want := egeria.Count{Found: len(test.items), Taken: len(test.items) - 1, Refused: 1}
			if got := plan.Report.Counts[egeria.KindElement]; got != want {
				t.Fatalf("%+v, want %+v: %+v", got, want, plan.Report)
			}
			expect(t, &plan.Report.Findings[0], egeria.KindElement, test.line, test.pointer, test.reason)
			if n := len(steps(t, plan)); n != want.Taken {
				t.Errorf("%d steps, want %d", n, want.Taken)
			}
		})
	}
}

// expect compares a finding that refuses an item.
func expect(t *testing.T, f *egeria.Finding, kind egeria.Kind, line int64, pointer, reason string) {
	t.Helper()
	pointer = "/archiveInstanceStore" + pointer
	got := f.Where.Pointer
	if short, isShort := strings.CutSuffix(got, "…"); isShort {
		got = short
		if strings.HasPrefix(pointer, short) {
			pointer = short
		}
	}
	if f.Outcome != egeria.Refused || f.Kind != kind || f.Where.Line != line || got != pointer || !strings.Contains(f.Reason, reason) {
		t.Errorf("%+v\nwant %s refused on line %d, %s: %s", *f, kind, line, pointer, reason)
	}
}

// An element of the archive that cannot be decoded is not said to be nowhere.
func TestReferencesToWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{
		`{"guid":"` + gone + `","type":{"typeDefName":"Library"},"status":7}`,
		`{"type":{"typeDefName":7},"guid":"` + gone + `"}`,
		entity(gone, `"qualifiedName":{"class":"PrimitivePropertyValue","primitiveDefCategory":"OM_PRIMITIVE_TYPE_STRING","primitiveValue":7}`, ""),
	} {
		plan := check(t, "{\"archiveInstanceStore\":{\n\"entities\":[\n"+entity(library, "", "")+",\n"+broken+
			"\n],\n\"relationships\":[\n"+relationship(branch, library, gone, "")+"\n]}}")
		if len(plan.Report.Findings) != 2 {
			t.Fatalf("the report is %+v", plan.Report)
		}
		f := &plan.Report.Findings[1]
		want := "end 2 is " + gone + ", which the archive has"
		if !strings.HasPrefix(f.Reason, want) || !strings.Contains(f.Reason, "line 7, /archiveInstanceStore/entities/1, ") || f.Missing != (egeria.Stub{}) {
			t.Errorf("%s: got %+v\nwant %s", broken, f, want)
		}
	}
}

func relationship(guid, end1, end2, more string) string {
	return "{\"type\":{\"typeDefName\":\"LibraryBranch\"},\"guid\":\"" + guid + "\",\n\"entityOneProxy\":{\"guid\":\"" + end1 +
		"\"},\n\"entityTwoProxy\":{\"guid\":\"" + end2 + "\"}" + more + "}"
}

func extension(name, guid string) string {
	return "{\"classification\":{\"name\":\"" + name + "\"},\n\"entityToClassify\":{\"guid\":\"" + guid + "\"}}"
}

const branch = "33333333-0000-4000-8000-000000000001"

func TestRefusedLinks(t *testing.T) {
	t.Parallel()
	// The entities take the lines from 3 to 13, what follows begins on line 16.
	both := entity(library, "", "") + ",\n" + entity(north, "", `,"status":"DELETED"`) + ",\n" + entity(south, "", "")
	tests := []struct {
		name, section, items string
		kind                 egeria.Kind
		line                 int64
		pointer, reason      string
	}{
		{
			"end 1 is nothing", "relationships", relationship(branch, gone, south, ""), egeria.KindRelationship,
			18, "/relationships/0/entityOneProxy/guid", "end 1 is " + gone + ", which is neither",
		}, {
			"end 2 is deleted", "relationships", relationship(branch, library, north, ""), egeria.KindRelationship,
			19, "/relationships/0/entityTwoProxy/guid",
			north + ", which the archive has at line 7",
		}, {
			"no end", "relationships", `{"type":{"typeDefName":"X"},"guid":"` + branch + `"}`, egeria.KindRelationship,
			17, "/relationships/0/entityOneProxy", "missing: the element",
		}, {
			"end without guid", "relationships", relationship(branch, library, "", ""), egeria.KindRelationship,
			19, "/relationships/0/entityTwoProxy/guid", "the guid is missing",
		}, {
			"guid of an element", "relationships", relationship(library, library, south, ""), egeria.KindRelationship,
			17, "/relationships/0/guid", "of an element, at line 3,",
		}, {
			"guid with other content", "relationships", relationship(branch, library, south, "") + ",\n" + relationship(branch, south, library, ""),
			egeria.KindRelationship, 20, "/relationships/1/guid", "other content, at line 17,",
		}, {
			"classified element is nothing", "classifications", extension("Listed", gone), egeria.KindClassification,
			18, "/classifications/0/entityToClassify/guid", "the classified element is " + gone,
		}, {
			"no classification", "classifications", `{"entityToClassify":{"guid":"` + library + `"}}`, egeria.KindClassification,
			17, "/classifications/0/classification", "missing: the classification",
		}, {
			"no name", "classifications", extension("", library), egeria.KindClassification,
			17, "/classifications/0/classification/name", "the classification has no name",
		}, {
			"zones are no strings", "classifications", `{"classification":{"name":"ZoneMembership","properties":{"instanceProperties":{"zoneMembership":` +
				text("public") + `}}},"entityToClassify":{"guid":"` + library + `"}}`, egeria.KindClassification,
			17, "/classifications/0/classification/properties/instanceProperties/zoneMembership", "expected an array of strings",
		}, {
			"anchor is nothing", "classifications", `{"classification":{"name":"Anchors",` + "\n" + `"properties":{"instanceProperties":{"anchorGUID":` +
				text(gone) + `}}},"entityToClassify":{"guid":"` + library + `"}}`, egeria.KindClassification,
			18, "/classifications/0/classification/properties/instanceProperties/anchorGUID", "the anchor is " + gone + ", which is neither",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			archived := "{\"archiveInstanceStore\":{\n\"entities\":[\n" + both + "\n],\n\"" + test.section + "\":[\n" + test.items + "\n]}}"
			plan := check(t, archived)
			findings := plan.Report.Findings
			if len(findings) != 2 || plan.Report.Complete() {
				t.Fatalf("the report is %+v", plan.Report)
			}
			expect(t, &findings[1], test.kind, test.line, test.pointer, test.reason)
			if got, want := len(steps(t, plan)), 2+strings.Count(test.items, "},\n{"); got != want && !strings.Contains(test.name, "guid with") {
				t.Errorf("%d steps, want %d", got, want)
			}
		})
	}
}

// TestRefusedClassifications refuses marks of an element that is taken.
func TestRefusedClassifications(t *testing.T) {
	t.Parallel()
	marks := []string{
		`{"name":"Listed","properties":{"instanceProperties":{"grade":` + text("I") + `}}}`,
		`{"name":"Listed","properties":{"instanceProperties":{"grade":` + text("II") + `}}}`,
		`{"name":"Listed","properties":{"instanceProperties":{"grade":` + text("I") + `}}}`,
		`{"name":"Old","status":"DELETED"}`,
		`{"name":"Bad","properties":{"instanceProperties":{"grade":{"class":"X"}}}}`,
		`{"name":"Anchors","properties":{"instanceProperties":{"anchorGUID":` + text("somewhere") + `}}}`,
		`{"name":"Odd","class":"EntityDetail"}`,
		`null`,
		`{"name":"Kept"}`,
	}
	plan := check(t, store("entities", entity(library, "", ",\n\"classifications\":[\n"+strings.Join(marks, ",\n")+"\n]")))
	var got []string
	for _, f := range plan.Report.Findings {
		got = append(got, fmt.Sprintf("%s %s %d %s", f.Outcome, f.Type, f.Where.Line, strings.TrimPrefix(f.Where.Pointer, "/archiveInstanceStore/entities/0/classifications")))
	}
	want := []string{
		"refused Listed 8 /1",
		"skipped Listed 9 /2",
		"skipped Old 10 /3",
		"refused Bad 11 /4/properties/instanceProperties/grade/class",
		"refused Anchors 12 /5/properties/instanceProperties/anchorGUID",
		"refused Odd 13 /6/class",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("findings (-got +want):\n%s", diff)
	}
	if got, want := plan.Report.Counts[egeria.KindClassification], (egeria.Count{Found: 9, Taken: 3, Skipped: 2, Refused: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	parts := steps(t, plan)
	if len(parts) != 3 || parts[1].Type != "Listed" || parts[2].Type != "Kept" {
		t.Errorf("the element has %+v", parts)
	}
}

// What is archived is archived last: after that it takes nothing more.
func TestMementosComeLast(t *testing.T) {
	t.Parallel()
	memento := `{"name":"Memento","properties":{"instanceProperties":{"archiveProcess":` + text("tidy") + `}}}`
	zones := `{"name":"ZoneMembership","properties":{"instanceProperties":{"zoneMembership":{"class":"ArrayPropertyValue","arrayCount":1,` +
		`"arrayValues":{"instanceProperties":{"0":` + text("") + `}}}}}}`
	a := "{\"archiveInstanceStore\":{\"entities\":[" + entity(library, named("a"), `,"classifications":[`+memento+`,{"name":"Kept"},`+zones+`]`) + "," +
		entity(branch, named("b"), "") + "],\"classifications\":[" + extension("Memento", branch) + "," + extension("Listed", branch) + "]}}"
	plan := check(t, a)
	var got []string
	for _, line := range told(t, steps(t, plan)) {
		name, _, _ := strings.Cut(line, " ")
		got = append(got, name)
	}
	want := []string{"element.upsert", "element.classify", "element.upsert", "element.classify", "element.delete", "element.delete"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("commands (-got +want):\n%s", diff)
	}
	if got, want := plan.Report.Counts[egeria.KindClassification], (egeria.Count{Found: 5, Taken: 4, Refused: 1}); got != want {
		t.Errorf("%+v, want %+v: %v", got, want, plan.Report.Findings)
	}
}

func TestTwiceTheSame(t *testing.T) {
	t.Parallel()
	e, r, x := entity(library, named("a"), ""), relationship(branch, library, library, ""), extension("Listed", library)
	plan := check(t, "{\"archiveInstanceStore\":{\"entities\":["+e+","+e+"],\"relationships\":["+r+","+r+"],\"classifications\":["+x+","+x+"]}}")
	for _, kind := range []egeria.Kind{egeria.KindElement, egeria.KindRelationship, egeria.KindClassification} {
		if got, want := plan.Report.Counts[kind], (egeria.Count{Found: 2, Taken: 1, Skipped: 1}); got != want {
			t.Errorf("%s: %+v, want %+v", kind, got, want)
		}
	}
	if n := len(steps(t, plan)); n != 3 {
		t.Errorf("%d steps, want 3", n)
	}
}

// TestTheRepositoryIsAsked looks up what is not in the archive, in portions.
func TestTheRepositoryIsAsked(t *testing.T) {
	t.Parallel()
	const n = 1200
	items := []string{relationship(branch, gone, south, "")}
	for i := range n {
		items = append(items, relationship(fmt.Sprintf("55555555-0000-4000-8000-%012d", i), library, fmt.Sprintf("66666666-0000-4000-8000-%012d", i), ""))
	}
	questions, asked := 0, map[string]int{}
	known := having(library, gone, "66666666-0000-4000-8000-000000000007")
	there := func(ctx context.Context, guids []string) ([]string, error) {
		questions++
		for _, guid := range guids {
			asked[guid]++
		}
		return known(ctx, guids)
	}
	plan := checkWith(t, store("relationships", items...), egeria.Settings{Elements: there})
	if got, want := plan.Report.Counts[egeria.KindRelationship], (egeria.Count{Found: n + 1, Taken: 1, Refused: n}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if questions > 10 || len(asked) != n+3 {
		t.Errorf("%d questions about %d guids", questions, len(asked))
	}
	for guid, times := range asked {
		if times != 1 {
			t.Errorf("%s was asked for %d times", guid, times)
		}
	}
	broken := errors.New("out of reach")
	_, err := open(store("relationships", items...)).Check(t.Context(), egeria.Settings{
		Elements: func(context.Context, []string) ([]string, error) { return nil, broken },
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestTypesAreAsked(t *testing.T) {
	t.Parallel()
	mark := `,"classifications":[{"name":"Listed"},{"name":"Library"}]`
	plan := checkWith(t, store("entities", entity(library, "", mark), strings.Replace(entity(north, "", ""), "Library", "Listed", 1), strings.Replace(entity(south, "", ""), "Library", "Castle", 1)),
		egeria.Settings{TypeDef: knowing(
			events.TypeDef{Kind: events.KindElement, Name: "Library"}, events.TypeDef{Kind: events.KindClassification, Name: "Listed"},
		)})
	f := plan.Report.Findings
	if len(f) != 3 {
		t.Fatalf("findings: %+v", f)
	}
	expect(t, &f[0], egeria.KindClassification, 5, "/entities/0/classifications/1/name", "kind element, not classification")
	expect(t, &f[1], egeria.KindElement, 7, "/entities/1/type/typeDefName", "kind classification, not element")
	expect(t, &f[2], egeria.KindElement, 11, "/entities/2/type/typeDefName", `unknown type "Castle"`)
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 2<<20)
	items := []string{entity(library, `"a":`+text(huge), ""), entity(north, "", "")}
	plan := checkWith(t, store("entities", items...), egeria.Settings{MaxCommand: 1 << 20})
	expect(t, &plan.Report.Findings[0], egeria.KindElement, 3, "/entities/0", "can be sent is 1048576")
	if n := len(steps(t, plan)); n != 1 {
		t.Errorf("%d steps", n)
	}
	plan = checkWith(t, store("entities", items...), egeria.Settings{MaxItem: 1 << 20})
	want := &egeria.Finding{
		Outcome: egeria.Refused, Kind: egeria.KindArchive, Where: egeria.Place{Line: 5, Pointer: "/archiveInstanceStore/entities/0/properties/instanceProperties/a/primitiveValue"},
	}
	broken := plan.Report.Broken
	if diff := cmp.Diff(broken, want, cmpopts.IgnoreFields(egeria.Place{}, "Offset", "Pointer"), cmpopts.IgnoreFields(egeria.Finding{}, "Reason")); diff != "" {
		t.Errorf("broken (-got +want):\n%s", diff)
	}
	if !strings.Contains(broken.Reason, "larger than this reader takes") {
		t.Errorf("broken: %s", broken.Reason)
	}
	// Many small values that are too much together.
	many := entity(library, `"a":`+text("x")+strings.Repeat(`,"b":`+text(strings.Repeat("x", 1000)), 1200), "")
	plan = checkWith(t, store("entities", many, items[1]), egeria.Settings{MaxItem: 1 << 20})
	expect(t, &plan.Report.Findings[0], egeria.KindElement, 3, "/entities/0", "can be sent is 1048576")
	if n := len(steps(t, plan)); n != 1 {
		t.Errorf("%d steps", n)
	}
}

func TestRefusedByTheRepository(t *testing.T) {
	t.Parallel()
	plan := check(t, willow(t))
	for _, s := range steps(t, plan) {
		plan.Report.Refuse(s, "not today")
	}
	want := map[egeria.Kind]egeria.Count{
		egeria.KindType:           {Found: 6, Skipped: 1, Refused: 5},
		egeria.KindPatch:          {Found: 1, Refused: 1},
		egeria.KindElement:        {Found: 4, Skipped: 1, Refused: 3},
		egeria.KindClassification: {Found: 6, Refused: 6},
		egeria.KindRelationship:   {Found: 2, Refused: 2},
	}
	if diff := cmp.Diff(plan.Report.Counts, want); diff != "" {
		t.Errorf("counts (-got +want):\n%s", diff)
	}
	if f := plan.Report.Findings; len(f) != 11 || f[4].QualifiedName != "Library:willow" || f[4].Outcome != egeria.Refused || f[4].Reason != "not today" {
		t.Errorf("findings: %v", f)
	}
}
