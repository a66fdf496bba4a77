package repository_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

func folder(name string) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: "FileFolder", QualifiedName: name}}
}

func link(typ, end1, end2 string, properties map[string]any) *events.Link {
	return &events.Link{Relationship: events.RelationshipSpec{
		Type: typ, End1: events.ByName(end1), End2: events.ByName(end2), Properties: events.Props(properties),
	}}
}

func set(t *testing.T, commands ...events.Command) *events.ChangeSet {
	t.Helper()
	s, err := events.NewChangeSet(commands...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// must applies commands that are not refused.
func (b *bundle) must(t *testing.T, commands ...events.Command) (last events.Result) {
	t.Helper()
	for i, c := range commands {
		if last = b.apply(t, c); last.Error != nil {
			t.Fatalf("command %d: %v", i, last.Error)
		}
	}
	return last
}

func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := uuid.NewString()
	b.must(t, file("f", 1), folder("d"), folder("e"),
		&events.Upsert{Element: events.ElementSpec{Type: "DataFile", GUID: own, QualifiedName: "imported"}},
		&events.Upsert{Element: events.ElementSpec{Type: "DataFile", GUID: events.GUIDOf("squatted"), QualifiedName: "squatter"}})
	nested := b.must(t, link("NestedFile", "d", "f", nil)).GUID
	external := []string{events.ExtMetadataSource, "theirs"}
	if r := b.apply(t, file("x", 1), external...); r.Error != nil {
		t.Fatal(r.Error)
	}
	if r := b.apply(t, link("NestedFile", "e", "f", nil), external...); r.Error != nil {
		t.Fatal(r.Error)
	}
	const nobody = "11111111-2222-3333-4444-555555555555"
	spec := func(s events.ElementSpec) *events.Upsert { return &events.Upsert{Element: s} }
	before := b.repo.Sequence()
	for _, c := range []struct {
		name       string
		command    events.Command
		code       events.Code
		pointer    string
		extensions []string
	}{
		{"upsert: unknown type", spec(events.ElementSpec{Type: "Nothing", QualifiedName: "n"}), events.CodeUnknownType, "/element/type", nil},
		{"upsert: type of a relationship", spec(events.ElementSpec{Type: "NestedFile", QualifiedName: "n"}), events.CodeUnknownType, "/element/type", nil},
		{"upsert: another type", folder("f"), events.CodeConflict, "/element/type", nil},
		{"upsert: a subtype", spec(events.ElementSpec{Type: "CSVFile", QualifiedName: "f"}), events.CodeConflict, "/element/type", nil},
		{"upsert: name of another", spec(events.ElementSpec{Type: "DataFile", GUID: nobody, QualifiedName: "f"}), events.CodeConflict, "/element/qualifiedName", nil},
		{"upsert: another name", spec(events.ElementSpec{Type: "DataFile", GUID: own, QualifiedName: "renamed"}), events.CodeConflict, "/element/guid", nil},
		{"upsert: guid of a relationship", spec(events.ElementSpec{Type: "DataFile", GUID: nested}), events.CodeConflict, "/element/type", nil},
		{"upsert: its guid is another's", file("squatted", 1), events.CodeConflict, "/element/qualifiedName", nil},
		{"upsert: unknown classification", spec(events.ElementSpec{Type: "DataFile", QualifiedName: "n", Classifications: []events.Classification{{Name: "Nope"}}}), events.CodeUnknownType, "/element/classifications/0/classificationName", nil},
		{"upsert: of theirs", file("x", 2), events.CodeRefused, events.ExtMetadataSource, nil},
		{"upsert: of theirs, unchanged", file("x", 1), events.CodeRefused, events.ExtMetadataSource, nil},
		{"upsert: by a third", file("x", 2), events.CodeRefused, events.ExtMetadataSource, []string{events.ExtMetadataSource, "third"}},
		{"upsert: too large", spec(events.ElementSpec{Type: "DataFile", QualifiedName: "n", Properties: events.Props(map[string]any{"x": strings.Repeat("x", 1<<20)})}), events.CodeTooLarge, "", nil},
		{"update: nothing", &events.Update{Element: events.ByName("no")}, events.CodeNotFound, "/element/qualifiedName", nil},
		{"update: no such guid", &events.Update{Element: events.ByGUID(nobody)}, events.CodeNotFound, "/element/guid", nil},
		{"update: a relationship", &events.Update{Element: events.ByGUID(nested)}, events.CodeInvalid, "/element/guid", nil},
		{"update: of theirs", &events.Update{Element: events.ByName("x"), Zones: []string{"z"}}, events.CodeRefused, events.ExtMetadataSource, nil},
		{"update: too large", &events.Update{Element: events.ByName("f"), Properties: events.Props(map[string]any{"x": strings.Repeat("x", 1<<20)})}, events.CodeTooLarge, "", nil},
		{"delete: of theirs", &events.Delete{Element: events.ByName("x")}, events.CodeRefused, events.ExtMetadataSource, nil},
		{"classify: unknown", &events.Classify{Element: events.ByName("f"), Classification: events.Classification{Name: "Nope"}}, events.CodeUnknownType, "/classification/classificationName", nil},
		{"classify: nothing", &events.Classify{Element: events.ByName("no"), Classification: events.Classification{Name: "Ownership"}}, events.CodeNotFound, "/element/qualifiedName", nil},
		{"classify: of theirs", &events.Classify{Element: events.ByName("x"), Classification: events.Classification{Name: "Ownership"}}, events.CodeRefused, events.ExtMetadataSource, nil},
		{"declassify: nothing", &events.Declassify{Element: events.ByName("no"), ClassificationName: "Ownership"}, events.CodeNotFound, "/element/qualifiedName", nil},
		{"declassify: unknown type", &events.Declassify{Element: events.ByName("d"), ClassificationName: "Nope"}, events.CodeUnknownType, "/classificationName", nil},
		{"delete: a relationship", &events.Delete{Element: events.ByGUID(nested)}, events.CodeInvalid, "/element/guid", nil},
		{"unlink: unknown type", &events.Unlink{Type: "Nope", End1: events.ByName("d"), End2: events.ByName("f")}, events.CodeUnknownType, "/type", nil},
		{"link: unknown type", link("Nope", "d", "f", nil), events.CodeUnknownType, "/relationship/type", nil},
		{"link: from nothing", link("NestedFile", "no", "f", nil), events.CodeNotFound, "/relationship/end1/qualifiedName", nil},
		{"link: to nothing", link("NestedFile", "d", "no", nil), events.CodeNotFound, "/relationship/end2/qualifiedName", nil},
		{"link: wrong end 1", link("NestedFile", "f", "f", nil), events.CodeInvalid, "/relationship/end1", nil},
		{"link: wrong end 2", link("NestedFile", "d", "e", nil), events.CodeInvalid, "/relationship/end2", nil},
		{"link: guid of an element", &events.Link{Relationship: events.RelationshipSpec{Type: "NestedFile", GUID: own, End1: events.ByName("d"), End2: events.ByName("f")}}, events.CodeConflict, "/relationship/guid", nil},
		{"link: guid of another", &events.Link{Relationship: events.RelationshipSpec{Type: "FolderHierarchy", GUID: nested, End1: events.ByName("d"), End2: events.ByName("e")}}, events.CodeConflict, "/relationship/guid", nil},
		{"link: of theirs", link("NestedFile", "e", "f", map[string]any{"x": 1}), events.CodeRefused, events.ExtMetadataSource, nil},
		{"link: too large", link("NestedFile", "d", "f", map[string]any{"x": strings.Repeat("x", 1<<20)}), events.CodeTooLarge, "", nil},
		{"unlink: of theirs", &events.Unlink{Type: "NestedFile", End1: events.ByName("e"), End2: events.ByName("f")}, events.CodeRefused, events.ExtMetadataSource, nil},
		{"unlink: an element", &events.Unlink{GUID: own}, events.CodeInvalid, "/guid", nil},
		{"set: a step is refused", set(t, file("n1", 1), file("n2", 1), folder("n1")), events.CodeConflict, "/commands/2/data/element/type", nil},
		{"set: of theirs", set(t, file("n1", 1), file("x", 5)), events.CodeRefused, "/commands/1/data", nil},
	} {
		r := b.apply(t, c.command, c.extensions...)
		if r.Error == nil {
			t.Errorf("%s: it is applied: %+v", c.name, r)
			continue
		}
		if r.Error.Code != c.code || r.Error.Pointer != c.pointer || r.Error.Message == "" || r.Changed {
			t.Errorf("%s: got %s at %q (%s), want %s at %q", c.name, r.Error.Code, r.Error.Pointer, r.Error.Message, c.code, c.pointer)
		}
	}
	if now := b.repo.Sequence(); now != before {
		t.Errorf("%d events of refused commands", now-before)
	}
	for _, name := range []string{"n", "n1", "n2", "squatted"} {
		if _, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName(name)}); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

func TestCommandsThatChangeNothingPublishNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mark := func(name string, properties map[string]any) events.Classification {
		return events.Classification{Name: name, Properties: events.Props(properties)}
	}
	whole := &events.Upsert{Element: events.ElementSpec{
		Type: "DataFile", QualifiedName: "f", Properties: events.Props(map[string]any{"a": 1, "b": "x"}), Zones: []string{"z", "y"},
		Classifications: []events.Classification{mark("Ownership", map[string]any{"owner": "anna"}), mark("Impact", nil)},
	}}
	b.must(t, whole, folder("d"), link("NestedFile", "d", "f", map[string]any{"n": 1}))
	bare := upsert("Like", "", nil)
	bare.Element.GUID = uuid.NewString()
	b.must(t, bare, &events.Fence{Connector: "c", Generation: 3})
	before := b.repo.Sequence()

	reordered := *whole
	reordered.Element.Zones = []string{"y", "z", "y"}
	reordered.Element.Classifications = slices.Clone(whole.Element.Classifications)
	slices.Reverse(reordered.Element.Classifications)
	sparse := *whole
	sparse.Element.Zones, sparse.Element.Classifications = nil, nil
	sparse.Element.Properties = events.Props(map[string]any{"b": "x", "a": 1, "n": nil})
	for name, c := range map[string]events.Command{
		"the same upsert":                  whole,
		"zones and marks in another order": &reordered,
		"nothing but the properties":       &sparse,
		"merge of a part":                  &events.Upsert{Merge: true, Element: events.ElementSpec{Type: "DataFile", QualifiedName: "f", Properties: events.Props(map[string]any{"a": 1})}},
		"merge of nothing":                 &events.Upsert{Merge: true, Element: events.ElementSpec{Type: "DataFile", QualifiedName: "f"}},
		"by guid":                          bare,
		"update with the same":             &events.Update{Element: events.ByName("f"), Properties: events.Props(map[string]any{"a": 1})},
		"update with nothing":              &events.Update{Element: events.ByName("f")},
		"update that clears what is not":   &events.Update{Element: events.ByName("f"), Properties: events.Props(map[string]any{"n": nil})},
		"replace with the same":            &events.Update{Element: events.ByName("f"), Replace: true, Properties: events.Props(map[string]any{"b": "x", "a": 1, "n": nil})},
		"the same zones":                   &events.Update{Element: events.ByName("f"), Zones: []string{"y", "z"}},
		"the same link":                    link("NestedFile", "d", "f", map[string]any{"n": 1, "x": nil}),
		"the same mark":                    &events.Classify{Element: events.ByName("f"), Classification: mark("Ownership", map[string]any{"owner": "anna"})},
		"declassify what is not there":     &events.Declassify{Element: events.ByName("f"), ClassificationName: "Criticality"},
		"delete what is not there":         &events.Delete{Element: events.ByName("no")},
		"delete a guid that is not there":  &events.Delete{Element: events.ByGUID(uuid.NewString())},
		"unlink what is not there":         &events.Unlink{Type: "NestedFile", End1: events.ByName("d"), End2: events.ByName("no")},
		"unlink a guid that is not there":  &events.Unlink{GUID: uuid.NewString()},
		"unlink the other way":             &events.Unlink{Type: "NestedFile", End1: events.ByName("f"), End2: events.ByName("d")},
		"the same fence":                   &events.Fence{Connector: "c", Generation: 3},
		"a set of nothings":                set(t, &events.Delete{Element: events.ByName("no")}, whole),
	} {
		r := b.apply(t, c)
		if r.Error != nil || r.Changed || r.Sequence != before {
			t.Errorf("%s: got %+v, sequence before is %d", name, r, before)
		}
	}
	if now := b.repo.Sequence(); now != before {
		t.Errorf("%d events of commands that change nothing", now-before)
	}
}

func TestAnOlderGenerationIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	as := func(generation string) []string {
		return []string{events.ExtConnector, "c", events.ExtGeneration, generation}
	}
	b.must(t, &events.Fence{Connector: "c", Generation: 2})
	for generation, code := range map[string]events.Code{"1": events.CodeStale, "2": "", "3": "", "": ""} {
		r := b.apply(t, file("by "+generation, 1), as(generation)...)
		if events.CodeOf(errOf(r)) != code {
			t.Errorf("generation %s: got %+v, want %q", generation, r, code)
		}
	}
	if r := b.apply(t, &events.Fence{Connector: "c", Generation: 1}); events.CodeOf(errOf(r)) != events.CodeStale || r.Error.Pointer != "/generation" {
		t.Errorf("a fence backwards: %+v", r)
	}
	if r := b.apply(t, file("other", 1), events.ExtConnector, "d", events.ExtGeneration, "1"); r.Error != nil {
		t.Errorf("another connector: %+v", r)
	}
}

func errOf(r events.Result) error {
	if r.Error == nil {
		return nil
	}
	return r.Error
}

func TestTheSourceItselfMayChangeWhatIsIts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	as := []string{events.ExtMetadataSource, "theirs", events.ExtScope, "s"}
	for i, c := range []events.Command{
		file("x", 1), file("x", 2), folder("d"), link("NestedFile", "d", "x", nil), link("NestedFile", "d", "x", map[string]any{"n": 1}),
		&events.Classify{Element: events.ByName("x"), Classification: events.Classification{Name: "Impact"}},
		&events.Unlink{Type: "NestedFile", End1: events.ByName("d"), End2: events.ByName("x")}, &events.Delete{Element: events.ByName("x")},
	} {
		if r := b.apply(t, c, as...); r.Error != nil || !r.Changed {
			t.Errorf("command %d: %+v", i, r)
		}
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("d")})
	if err != nil || a.Element.Header.Origin != (events.Origin{Category: events.OriginExternal, Source: "theirs", Scope: "s"}) {
		t.Errorf("got %+v, %v", a.Element.Header.Origin, err)
	}
}

func TestAChangeSetLeadsToAThousandChangesAtMost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	steps := func(n int) (list []events.Command) {
		for i := range n {
			list = append(list, file(fmt.Sprintf("%d of %d", i, n), 1))
		}
		return list
	}
	b.must(t, folder("d"), file("f", 1), link("NestedFile", "d", "f", nil))
	if r := b.apply(t, set(t, append(steps(999), &events.Delete{Element: events.ByName("f")})...)); r.Error == nil || r.Error.Code != events.CodeTooLarge || r.Error.Pointer != "/commands" {
		t.Errorf("1,001 changes: %+v", r.Error)
	}
	r := b.must(t, set(t, steps(1000)...))
	if r.Sequence != 1003 || len(r.Steps) != 1000 || r.Steps[0].GUID != events.GUIDOf("0 of 1000") || r.Steps[0].Sequence != 1003 || !r.Steps[999].Changed {
		t.Errorf("1,000 changes: sequence %d, %d steps, %+v", r.Sequence, len(r.Steps), r.Steps[0])
	}
	// What leads to nothing does not count.
	if r := b.must(t, set(t, append(steps(1000)[1:], &events.Delete{Element: events.ByName("f")})...)); r.Sequence != 1005 || r.Steps[0].Sequence != 1005 {
		t.Errorf("999 commands that do nothing, and one: %+v", r.Steps[0])
	}
	if r := b.must(t, set(t, steps(1000)...)); r.Changed || r.Sequence != 1005 || r.Steps[999].Sequence != 1005 {
		t.Errorf("1000 commands that do nothing: %+v", r.Steps[999])
	}
}
