package egeria_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/runtime/egeria"
)

// TestPublishedForm reads archives in the form in which content packs are
// published: on one line, with all that Egeria writes of types, proxies and
// audit, with items about elements of another pack, or with nothing at all.
func TestPublishedForm(t *testing.T) {
	t.Parallel()
	everything := func(_ context.Context, guids []string) ([]string, error) { return guids, nil }
	type counts = map[egeria.Kind]egeria.Count
	tests := []struct {
		file, title string
		// there is what is taken where the other pack was imported, alone where not.
		there, alone counts
		steps        int
	}{
		{file: "bare.json", title: "Bare", there: counts{}, alone: counts{}},
		{
			file: "gardentypes.json", title: "GardenTypes", steps: 1,
			there: counts{egeria.KindType: {Found: 4, Taken: 4}}, alone: counts{egeria.KindType: {Found: 4, Taken: 4}},
		},
		{
			file: "garden.json", title: "Garden of the town", steps: 6 + 7 + 7,
			there: counts{
				egeria.KindElement: {Found: 6, Taken: 6}, egeria.KindClassification: {Found: 7, Taken: 7}, egeria.KindRelationship: {Found: 7, Taken: 7},
			},
			alone: counts{
				egeria.KindElement: {Found: 6, Taken: 6}, egeria.KindClassification: {Found: 7, Taken: 6, Refused: 1},
				egeria.KindRelationship: {Found: 7, Taken: 4, Refused: 3},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", test.file))
			if err != nil {
				t.Fatal(err)
			}
			plan := checkWith(t, string(text), egeria.Settings{Elements: everything})
			if diff := cmp.Diff(plan.Report.Counts, test.there); diff != "" {
				t.Errorf("counts (-got +want):\n%s", diff)
			}
			if plan.Report.Header.Name != test.title || plan.Report.Header.Source() != test.title {
				t.Errorf("the header is %+v", plan.Report.Header)
			}
			if n := len(steps(t, plan)); n != test.steps {
				t.Errorf("%d steps, want %d", n, test.steps)
			}
			if diff := cmp.Diff(check(t, string(text)).Report.Counts, test.alone); diff != "" {
				t.Errorf("alone: counts (-got +want):\n%s", diff)
			}
		})
	}
}

// TestMissingElements tells of a missing element what those who refer to it say.
func TestMissingElements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "garden.json"))
	if err != nil {
		t.Fatal(err)
	}
	gardener := egeria.Stub{GUID: "88888888-0000-4000-8000-000000000091", Type: "Person", QualifiedName: "Person:gardener"}
	fisher := egeria.Stub{GUID: "88888888-0000-4000-8000-000000000092", Type: "Person", QualifiedName: "Person:fisher"}
	type missing struct {
		kind    egeria.Kind
		pointer string
		element egeria.Stub
	}
	var got []missing
	plan := check(t, string(text))
	for _, f := range plan.Report.Findings {
		got = append(got, missing{f.Kind, f.Where.Pointer, f.Missing})
	}
	want := []missing{
		{egeria.KindRelationship, "/archiveInstanceStore/relationships/4/entityOneProxy/guid", gardener},
		{egeria.KindRelationship, "/archiveInstanceStore/relationships/5/entityOneProxy/guid", gardener},
		{egeria.KindRelationship, "/archiveInstanceStore/relationships/6/entityOneProxy/guid", fisher},
		{egeria.KindClassification, "/archiveInstanceStore/classifications/1/entityToClassify/guid", gardener},
	}
	if diff := cmp.Diff(got, want, cmp.AllowUnexported(missing{})); diff != "" {
		t.Errorf("missing (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(plan.Report.Header.DependsOn, []string{"66666666-0000-4000-8000-000000000000"}); diff != "" {
		t.Errorf("it depends on (-got +want):\n%s", diff)
	}
}

// TestPublishedTypes reads definitions in that form.
func TestPublishedTypes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "gardentypes.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := steps(t, check(t, string(text)))
	if len(all) != 1 {
		t.Fatalf("%d steps", len(all))
	}
	want := []string{
		"enum Soil  Unknown Heavy_clay Other",
		"element GardenPlot Location soil:Soil paces:int",
		"relationship PlotTerm  notes:map<string,string> GardenPlot-GlossaryTerm many",
		"classification Watered  by:string",
	}
	if diff := cmp.Diff(inWords(defined(all[0])), want); diff != "" {
		t.Errorf("types (-got +want):\n%s", diff)
	}
}
