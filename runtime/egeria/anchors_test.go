package egeria_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/runtime/egeria"
)

func anchoring(guid string) string {
	return `{"name":"Anchors","properties":{"instanceProperties":{"anchorGUID":` + text(guid) + `}}}`
}

// chain is a guid for each of so many elements, the first of which stands by itself
// and each other one is anchored to the one before.
func chain(n int) []string {
	guids := make([]string, n)
	for i := range guids {
		guids[i] = fmt.Sprintf("dddddddd-0000-4000-8000-%012d", i)
	}
	return guids
}

// chained are the entities of a chain that are archived all.
func chained(guids []string) []string {
	var items []string
	for i, guid := range guids {
		more := `{"name":"Memento"}`
		if i > 0 {
			more += "," + anchoring(guids[i-1])
		}
		items = append(items, entity(guid, named("Library:"+guid), `,"classifications":[`+more+`]`))
	}
	return items
}

// TestMementosBeginWithWhatIsAnchored archives each element before what it is
// anchored to, wherever they stand in the file, so that each is archived as the
// archive says; and anchors each to what is there already.
func TestMementosBeginWithWhatIsAnchored(t *testing.T) {
	t.Parallel()
	guids := chain(6)
	want := slices.Clone(guids)
	slices.Reverse(want)
	items := chained(guids)
	for range 50 {
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		plan := check(t, store("entities", items...))
		if !plan.Report.Complete() || !plan.MindsArchived() {
			t.Fatalf("it refuses %v", plan.Report.Findings)
		}
		var archived []string
		there, anchored := map[string]bool{}, map[string]string{}
		for _, s := range steps(t, plan) {
			subject := s.GUID
			if s.Archives() {
				archived = append(archived, subject)
				continue
			}
			there[subject] = true
			if anchor := s.Anchor; anchor != "" {
				anchored[subject] = anchor
				if !there[anchor] {
					t.Errorf("%s is anchored to %s, which comes later", subject, anchor)
				}
			}
		}
		if diff := cmp.Diff(archived, want); diff != "" || len(anchored) != len(guids)-1 {
			t.Errorf("anchored %v, archived (-got +want):\n%s", anchored, diff)
		}
	}
}

// TestAnchorsInACircle refuses all anchors that lead back to their elements, whichever
// comes first, and no others.
func TestAnchorsInACircle(t *testing.T) {
	t.Parallel()
	guids := chain(5)
	items := []string{
		entity(guids[0], named("0"), `,"classifications":[`+anchoring(guids[2])+`]`),
		entity(guids[1], named("1"), `,"classifications":[`+anchoring(guids[0])+`]`),
		entity(guids[2], named("2"), `,"classifications":[`+anchoring(guids[1])+`]`),
		entity(guids[3], named("3"), `,"classifications":[`+anchoring(guids[2])+`]`),
		entity(guids[4], named("4"), `,"classifications":[`+anchoring(guids[4])+`]`), // itself: it stands by itself
	}
	for range 20 {
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		plan := check(t, store("entities", items...))
		var refused []string
		for _, f := range plan.Report.Findings {
			if !strings.HasSuffix(f.Where.Pointer, "/classifications/0/properties/instanceProperties/anchorGUID") || !strings.Contains(f.Reason, "round in a circle") {
				t.Errorf("found %s", f)
			}
			refused = append(refused, f.GUID)
		}
		slices.Sort(refused)
		if diff := cmp.Diff(refused, guids[:3]); diff != "" {
			t.Errorf("refused (-got +want):\n%s", diff)
		}
		if c := plan.Report.Counts[egeria.KindClassification]; c != (egeria.Count{Found: 5, Taken: 2, Refused: 3}) {
			t.Errorf("%+v", c)
		}
		for _, s := range steps(t, plan) {
			if s.Anchor != "" && s.GUID != guids[3] {
				t.Errorf("%s is anchored to %s", s.GUID, s.Anchor)
			}
		}
	}
}

// TestAnchorsApartInACircle refuses the anchor that would close a circle.
func TestAnchorsApartInACircle(t *testing.T) {
	t.Parallel()
	beside := func(of, anchor string) string {
		return `{"classification":` + anchoring(anchor) + `,"entityToClassify":{"guid":"` + of + `","type":{"typeDefName":"Library"}}}`
	}
	a := `{"archiveInstanceStore":{"entities":[` + entity(library, named("a"), "") + "," +
		entity(branch, named("b"), `,"classifications":[`+anchoring(library)+`]`) + `],"classifications":[` + beside(library, branch) + `]}}`
	plan := check(t, a)
	if len(plan.Report.Findings) != 1 || !strings.Contains(plan.Report.Findings[0].Reason, "round in a circle") {
		t.Errorf("found %v", plan.Report.Findings)
	}
}
