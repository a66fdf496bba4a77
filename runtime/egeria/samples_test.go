package egeria_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// samples returns the folder of published archives. Without one the test is
// skipped, or fails if CAMENA_REQUIRE_SAMPLES is 1.
func samples(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("CAMENA_ARCHIVE_SAMPLES")
	if folder == "" && os.Getenv("CAMENA_REQUIRE_SAMPLES") == "1" {
		t.Fatal("CAMENA_REQUIRE_SAMPLES is 1, but CAMENA_ARCHIVE_SAMPLES names no folder")
	}
	if folder == "" {
		t.Skip("CAMENA_ARCHIVE_SAMPLES does not name a folder with the content packs of odpi/egeria-samples; TestPublishedForm has archives of that form")
	}
	return folder
}

func TestSamples(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, title string
		// there is what the repository has of what the archive refers to.
		there map[egeria.Kind]egeria.Count
		// alone is what can be taken if it has nothing.
		alone map[egeria.Kind]egeria.Count
		steps int
	}{
		{
			name: "CocoClinicalTrialsTemplatesArchive.omarchive.gz", title: "Coco Pharmaceuticals Clinical Trials Templates", steps: 53 + 21 + 71,
			there: map[egeria.Kind]egeria.Count{
				egeria.KindElement:        {Found: 53, Taken: 53},
				egeria.KindClassification: {Found: 76, Taken: 76},
				egeria.KindRelationship:   {Found: 71, Taken: 71},
			},
		},
		{
			name: "CocoTypesArchive.json", title: "CocoTypes", steps: 1,
			there: map[egeria.Kind]egeria.Count{egeria.KindType: {Found: 4, Taken: 4}},
		},
		{
			name: "DemoAssetType.omarchive", title: "DemoAssetArchive", steps: 1,
			there: map[egeria.Kind]egeria.Count{egeria.KindType: {Found: 1, Taken: 1}},
		},
		{
			name: "CocoSustainabilityArchive.json", title: "Coco Pharmaceuticals Sustainability Project", steps: 90 + 35 + 143,
			there: map[egeria.Kind]egeria.Count{
				egeria.KindElement:        {Found: 90, Taken: 90},
				egeria.KindClassification: {Found: 35, Taken: 35},
				egeria.KindRelationship:   {Found: 143, Taken: 143},
			},
			alone: map[egeria.Kind]egeria.Count{
				egeria.KindElement:        {Found: 90, Taken: 90},
				egeria.KindClassification: {Found: 35, Taken: 35},
				egeria.KindRelationship:   {Found: 143, Taken: 97, Refused: 46},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := sample(t, test.name)
			everything := func(_ context.Context, guids []string) ([]string, error) { return guids, nil }
			for elements, want := range map[string]map[egeria.Kind]egeria.Count{"there": test.there, "alone": test.alone} {
				if want == nil && elements == "alone" {
					continue
				}
				settings := egeria.Settings{}
				if elements == "there" {
					settings.Elements = everything
				}
				plan, err := a.Check(t.Context(), settings)
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = map[egeria.Kind]egeria.Count{}
				}
				if diff := cmp.Diff(plan.Report.Counts, want); diff != "" {
					t.Errorf("%s: counts (-got +want):\n%s", elements, diff)
				}
				if plan.Report.Header.Name != test.title {
					t.Errorf("the header is %+v", plan.Report.Header)
				}
				if n := len(steps(t, plan)); elements == "there" && n != test.steps {
					t.Errorf("%d steps, want %d", n, test.steps)
				}
			}
		})
	}
}

func sample(t *testing.T, name string) *egeria.Archive {
	t.Helper()
	a, err := egeria.Open(filepath.Join(samples(t), name))
	if os.IsNotExist(err) && os.Getenv("CAMENA_REQUIRE_SAMPLES") != "1" {
		t.Skipf("no sample of a published archive: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func TestSampleTypes(t *testing.T) {
	t.Parallel()
	plan, err := sample(t, "CocoTypesArchive.json").Check(t.Context(), egeria.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"enum BiopsyScope  Unclassified Excisional Incisional Other",
		"element BiopsyReport Document biopsyScope:BiopsyScope biopsyTechniqueType:string",
		"relationship BiopsySupportingEvidence  notes:map<string,string> BiopsyReport-Referenceable many",
		"classification ReviewedByClinicalTrials  reviewer:string reviewerTypeName:string reviewerPropertyName:string notes:map<string,string>",
	}
	if diff := cmp.Diff(inWords(defined(steps(t, plan)[0])), want); diff != "" {
		t.Errorf("types (-got +want):\n%s", diff)
	}
}

// inWords says of each type what it is, in a line.
func inWords(types []events.TypeDef) []string {
	var lines []string
	for _, def := range types {
		words := []string{string(def.Kind), def.Name, def.SuperType}
		for _, a := range def.Attributes {
			words = append(words, a.Name+":"+a.Type)
		}
		for _, v := range def.Values {
			words = append(words, v.Name)
		}
		if def.End1 != nil {
			words = append(words, def.End1.Type+"-"+def.End2.Type, string(def.End1.Cardinality))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}
