package egeria_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

const (
	root  = "aaaaaaaa-0000-4000-8000-00000000000a"
	child = "aaaaaaaa-0000-4000-8000-00000000000b"
	deep  = "aaaaaaaa-0000-4000-8000-00000000000c"
	lost  = "aaaaaaaa-0000-4000-8000-00000000000d"
)

// entityOf is an entity of an egeria. It has a display name, or other properties.
func entityOf(guid, display string, classifications ...string) string {
	if !strings.HasPrefix(display, `"`) {
		display = `"displayName":` + text(display)
	}
	return `{"type":{"typeDefName":"GlossaryTerm"},"guid":"` + guid + `","properties":{"instanceProperties":{"qualifiedName":` + text("Term:"+guid) + "," +
		display + `}},"classifications":[` + strings.Join(classifications, ",") + `]}`
}

func anchoredTo(guid string) string {
	return `{"name":"Anchors","properties":{"instanceProperties":{"anchorGUID":` + text(guid) + `}}}`
}

const mementoOf = `{"name":"Memento"}`

// imported imports an archive of entities and relationships. A check before it refuses
// the same, with the same reasons.
func (i *installation) imported(t *testing.T, relationships string, entities ...string) *egeria.Result {
	t.Helper()
	text := `{"archiveProperties":{"archiveName":"Cases"},"archiveInstanceStore":{"entities":[` + strings.Join(entities, ",") +
		`],"relationships":[` + relationships + `]}}`
	checked, one := i.load(t, text, true), i.load(t, text, false)
	compare(t, checked, one)
	return one
}

// compare compares the result of a check with that of the import after it.
func compare(t *testing.T, checked, one *egeria.Result) {
	t.Helper()
	if checked.Err != nil || one.Err != nil {
		t.Fatalf("the check ends with %v, the import with %v", checked.Err, one.Err)
	}
	inOrder := cmpopts.SortSlices(func(a, b egeria.Finding) bool { return a.Where.Offset < b.Where.Offset })
	if diff := cmp.Diff(checked.Report, one.Report, inOrder); diff != "" {
		t.Fatalf("the report of the check (-) and of the import (+):\n%s", diff)
	}
	if diff := cmp.Diff(checked.Done, one.Done); diff != "" {
		t.Fatalf("what the check (-) and the import (+) say is done:\n%s", diff)
	}
}

// refusals are the reasons why items are refused.
func refusals(one *egeria.Result) (reasons []string) {
	for _, f := range one.Findings {
		reasons = append(reasons, f.Type+": "+f.Reason)
	}
	return reasons
}

// mementos are the elements that are archived, and what their Memento says.
func (i *installation) mementos(t *testing.T, guids ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, guid := range guids {
		a, err := events.Ask(t.Context(), i.metadata, &events.Get{ElementRef: events.ByGUID(guid), MinSequence: i.last(t)})
		if err != nil {
			t.Fatal(err)
		}
		if m := a.Element.Classification(events.Memento); m != nil {
			all[guid] = string(m.Properties.Raw())
		}
	}
	return all
}

// TestImportBringsBackWhatWentWithIt changes an archived element to which somebody
// else has anchored another one: that comes back with it, and goes with it again.
func TestImportBringsBackWhatWentWithIt(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)

	under := func(display string) []string {
		return []string{entityOf(deep, "deep", anchoredTo(child)), entityOf(child, "child", anchoredTo(root)), entityOf(root, display, mementoOf)}
	}
	i.imported(t, "", entityOf(root, "root"))
	i.apply(t, "", &events.Upsert{Element: events.ElementSpec{Type: "GlossaryTerm", QualifiedName: "Term:guest", Anchor: events.ByGUID(root)}})
	guest := events.ElementKey(events.ByName("Term:guest")).String()
	for _, display := range []string{"root", "changed"} {
		if one := i.imported(t, "", under(display)...); one.Refused() > 0 {
			t.Fatal(one.Findings)
		}
		m := i.mementos(t, root, child, deep, guest)
		if len(m) != 4 || m[child] != m[root] || m[deep] != m[root] || m[guest] != m[root] {
			t.Errorf("archived are %v, want all of them at once", m)
		}
		before := i.last(t)
		if one := i.imported(t, "", under(display)...); one.Refused() > 0 || i.last(t) != before {
			t.Errorf("the second import of %s leads from %d to %d: %v", display, before, i.last(t), one.Findings)
		}
	}
}

// TestImportRefusesTwiceTheSame refuses again what was refused of archived elements,
// for the same reasons, and changes nothing to find that out.
func TestImportRefusesTwiceTheSame(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)

	colour := `"colour":` + text("red")
	related := `{"type":{"typeDefName":"RelatedTerm"},"guid":"bbbbbbbb-0000-4000-8000-000000000001","entityOneProxy":{"guid":"` + root +
		`"},"entityTwoProxy":{"guid":"` + lost + `"}}`
	entities := []string{
		entityOf(deep, "deep", anchoredTo(lost), mementoOf), entityOf(lost, colour),
		entityOf(root, "root", mementoOf, `{"name":"Criticality","properties":{"instanceProperties":{`+colour+`}}}`),
	}
	first := i.imported(t, related, entities...)
	before := i.last(t)
	second := i.imported(t, related, entities...)
	if len(refusals(first)) != 4 || i.last(t) != before {
		t.Errorf("the second import leads from %d to %d; refused are %v", before, i.last(t), refusals(first))
	}
	if got := i.mementos(t, root, deep); len(got) != 2 {
		t.Errorf("archived are %v", got)
	}
	kinds := func(one *egeria.Result) (all []egeria.Kind) {
		for _, f := range one.Findings {
			all = append(all, f.Kind)
		}
		return all
	}
	if len(kinds(second)) != 4 || second.Refused() != first.Refused() {
		t.Errorf("first %v, then %v", refusals(first), refusals(second))
	}
}

// TestImportOfAnchorsInACircle anchors none of them, and archives all.
func TestImportOfAnchorsInACircle(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)

	a := entityOf(root, "a", anchoredTo(deep), mementoOf)
	b, c := entityOf(child, "b", anchoredTo(root), mementoOf), entityOf(deep, "c", anchoredTo(child), mementoOf)
	hanging := entityOf(lost, "hanging", anchoredTo(root))
	var before uint64
	for n, order := range [][]string{{hanging, a, b, c}, {c, b, a, hanging}, {b, hanging, c, a}} {
		one := i.imported(t, "", order...)
		isCircle := func(refusal string) bool {
			return strings.HasPrefix(refusal, "Anchors: ") && strings.Contains(refusal, "in a circle")
		}
		if refused := refusals(one); len(refused) != 3 || slices.ContainsFunc(refused, func(r string) bool { return !isCircle(r) }) {
			t.Errorf("refused: %q, want 3 anchors in a circle", refused)
		}
		if n > 0 && i.last(t) != before {
			t.Errorf("import %d leads from %d to %d", n+1, before, i.last(t))
		}
		before = i.last(t)
	}
	if got := i.mementos(t, root, child, deep, lost); len(got) != 4 {
		t.Errorf("archived are %v", got)
	}
}

// TestImportRestoresWhatTheArchiveHas brings back what somebody archived, from the
// anchors downwards, wherever those stand in the file.
func TestImportRestoresWhatTheArchiveHas(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)

	entities := []string{entityOf(deep, "deep", anchoredTo(child)), entityOf(child, "child", anchoredTo(root)), entityOf(root, "root")}
	for range 2 {
		one := i.imported(t, "", entities...)
		if got := i.mementos(t, root, child, deep); one.Refused() > 0 || len(got) > 0 {
			t.Errorf("archived are %v, refused %v", got, one.Findings)
		}
		if d := one.Done[egeria.KindElement]; d.Changed != 3 {
			t.Errorf("%d elements are told as changed", d.Changed)
		}
		i.apply(t, "Cases", &events.Delete{Element: events.ByGUID(root), Method: events.DeleteArchive, Cascade: true})
	}
}

// TestCheckOfSamples compares the check of published archives with their import.
func TestCheckOfSamples(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(samples(t))
	if err != nil {
		t.Fatal(err)
	}
	i := newInstallation(t)
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".md") {
			continue
		}
		var results [2]*egeria.Result
		for n, check := range []bool{true, false} {
			results[n] = egeria.NewImporter(i.bus, egeria.Options{Check: check, Sender: "test"}).Import(t.Context(), file.Name(), sample(t, file.Name()))
			if results[n].Err != nil {
				t.Fatal(results[n].Err)
			}
		}
		compare(t, results[0], results[1])
	}
}

// TestCheckOfFilesThatBuildOnEachOther checks an archive that needs the one before it.
func TestCheckOfFilesThatBuildOnEachOther(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	first := store("entities", entityOf(root, "root"))
	second := store("entities", entityOf(child, "child", anchoredTo(root)))
	check := egeria.NewImporter(i.bus, egeria.Options{Check: true, Local: true, Sender: "test"})
	for _, text := range []string{first, second} {
		if r := check.Import(t.Context(), "archive.json", open(text)); r.Err != nil || r.Refused() > 0 {
			t.Errorf("it refuses %v (%v)", r.Findings, r.Err)
		}
	}
}
