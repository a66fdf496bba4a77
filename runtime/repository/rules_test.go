package repository_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
)

// as is the envelope of a command on behalf of a metadata source.
func as(source string) []string { return []string{events.ExtMetadataSource, source} }

// by applies commands on behalf of a metadata source that are not refused.
func (b *bundle) by(tb testing.TB, source string, commands ...events.Command) (last events.Result) {
	tb.Helper()
	for i, c := range commands {
		if last = b.apply(tb, c, as(source)...); last.Error != nil {
			tb.Fatalf("command %d by %s: %v", i, source, last.Error)
		}
	}
	return last
}

func TestOnlyTrueIsADryRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for value, changed := range map[string]bool{"": true, "false": true, "true": false} {
		name := "with " + value
		r := b.apply(t, file(name, 1), events.ExtDryRun, value)
		if r.Error != nil || (b.state(t, name, r) != nil) != changed || (len(r.Preview) > 0) == changed {
			t.Errorf("dryrun %q: %+v", value, r)
		}
	}
	for _, value := range []string{"yes", "TRUE", "1", "no"} {
		b.refused(t, file("x", 1), events.CodeInvalid, events.ExtDryRun, `"true"`, events.ExtDryRun, value)
	}
}

func TestOriginCategories(t *testing.T) {
	t.Parallel()
	b := setup(t)
	with := func(source string, category events.OriginCategory) []string {
		return append(as(source), events.ExtOriginCategory, string(category))
	}
	for category, source := range map[events.OriginCategory]string{
		events.OriginExternal: "s", events.OriginContentPack: "s", events.OriginExportArchive: "s", events.OriginLocal: "", "": "s",
	} {
		name := "of " + string(category)
		r := b.apply(t, file(name, 1), with(source, category)...)
		if r.Error != nil {
			t.Errorf("%s: %v", name, r.Error)
			continue
		}
		want := category
		if want == "" {
			want = events.OriginExternal
		}
		if got := b.state(t, name, r).Header.Origin; got != (events.Origin{Category: want, Source: source}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	const at = events.ExtOriginCategory
	b.refused(t, file("x", 1), events.CodeInvalid, at, "LOCAL_COHORT", with("s", events.OriginLocal)...)
	b.refused(t, file("x", 1), events.CodeInvalid, at, "metadatasource", with("", events.OriginContentPack)...)
	b.refused(t, file("x", 1), events.CodeInvalid, at, "CONTENT_PACK", with("s", "CONFIGURATION")...)
	r := b.apply(t, file("x", 1), with("s", events.OriginCategory(strings.Repeat("X", 9000)))...)
	if r.Error == nil || r.Error.Pointer != at || len(r.Error.Message) > 1000 {
		t.Errorf("a long one: %+v", r)
	}
}

func TestOnlyTheHomeOrAStewardRehomes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	move := func(from, to string) *events.Rehome {
		return &events.Rehome{Element: events.ByName("f"), From: from, To: to}
	}
	pack := append(as("pack"), events.ExtOriginCategory, string(events.OriginContentPack))
	if r := b.apply(t, file("f", 1), pack...); r.Error != nil {
		t.Fatal(r.Error)
	}
	b.refused(t, move("pack", "thief"), events.CodeRefused, events.ExtMetadataSource, "metadata source pack", as("thief")...)
	b.refused(t, move("pack", "pack"), events.CodeRefused, events.ExtMetadataSource, "metadata source pack", as("thief")...)
	b.refused(t, move("", "mine"), events.CodeConflict, "/from", `is "pack", not ""`)
	r := b.must(t, move("pack", "pack 2"))
	if got := b.state(t, "f", r).Header.Origin; got != (events.Origin{Category: events.OriginContentPack, Source: "pack 2"}) {
		t.Errorf("a steward gave it to pack 2: %+v", got)
	}
	r = b.by(t, "pack 2", move("pack 2", ""))
	if got := b.state(t, "f", r).Header.Origin; got != (events.Origin{Category: events.OriginLocal}) {
		t.Errorf("pack 2 gave it away: %+v", got)
	}
	r = b.by(t, "s", move("", "s"))
	if got := b.state(t, "f", r).Header.Origin; got != (events.Origin{Category: events.OriginExternal, Source: "s"}) {
		t.Errorf("s took what is nobody's: %+v", got)
	}
}

func TestRehomingARelationship(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), file("f", 1))
	linked := b.by(t, "gone", link("NestedFile", "d", "f", nil))
	ref := events.RelationshipRef{Type: "NestedFile", End1: events.ByName("d"), End2: events.ByName("f")}
	steal := &events.Rehome{Relationship: ref, From: "gone", To: "thief"}
	b.refused(t, steal, events.CodeRefused, events.ExtMetadataSource, "gone", as("thief")...)
	b.refused(t, &events.Rehome{Relationship: ref, To: "s"}, events.CodeConflict, "/from", `is "gone", not ""`)
	b.refused(t, &events.Rehome{Relationship: ref, From: "gone", Expectation: events.Expectation{ExpectedVersion: 7}}, events.CodeConflict, "/expectedVersion", "has version 1")
	b.refused(t, &events.Rehome{Relationship: events.RelationshipRef{GUID: events.GUIDOf("no")}}, events.CodeNotFound, "/relationship", "no such relationship")
	r := b.must(t, &events.Rehome{Relationship: events.RelationshipRef{GUID: linked.GUID}, From: "gone", To: "s"})
	if r.GUID != linked.GUID || r.Version != 2 || !r.Changed {
		t.Errorf("got %+v", r)
	}
	if again := b.must(t, &events.Rehome{Relationship: ref, From: "s", To: "s"}); again.Changed {
		t.Errorf("again: %+v", again)
	}
	last := b.out(t, r.Sequence)[0]
	c, err := events.Unmarshal[events.RelationshipChange](last.Data)
	if err != nil || last.Type != events.TypeRelationshipRehomed || c.Previous.Header.Origin.Source != "gone" ||
		c.Relationship.Header.Origin != (events.Origin{Category: events.OriginExternal, Source: "s"}) {
		t.Errorf("%s says %+v, %v", last.Type, c, err)
	}
	b.refused(t, &events.Unlink{GUID: linked.GUID}, events.CodeRefused, events.ExtMetadataSource, "s")
	b.must(t, &events.Rehome{Relationship: ref, From: "s"}, &events.Unlink{GUID: linked.GUID})
}

// Whoever anchors an element to another one gives its life away.
func TestWhatOthersAnchoredGoesToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, method := range []events.DeleteMethod{events.DeleteArchive, events.DeleteSoft, events.DeletePurge} {
		b.by(t, "s1", folder("root"))
		b.by(t, "s2", anchored("DataFile", "leaf", "root"), link("NestedFile", "root", "leaf", nil))
		remove := &events.Delete{Element: events.ByName("root"), Cascade: true, Method: method}
		b.refused(t, remove, events.CodeRefused, events.ExtMetadataSource, "s1", as("s2")...)
		gone := b.apply(t, remove, append(as("s1"), events.ExtScope, "scope")...)
		if gone.Error != nil {
			t.Fatalf("%s: %v", method, gone.Error)
		}
		if e := b.state(t, "leaf", gone); e != nil && (!e.Archived() || e.Header.Origin.Scope != "") {
			t.Errorf("%s: left is %+v", method, e)
		}
		if method == events.DeletePurge {
			break
		}
		back := b.by(t, "s1", &events.Restore{Element: events.ByName("root")})
		if e := b.state(t, "leaf", back); e == nil || e.Archived() || e.Header.Origin.Source != "s2" {
			t.Errorf("%s: restored is %+v", method, e)
		}
		b.by(t, "s1", remove)
	}
}

func TestWhatIsArchivedIsNotChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := events.ByName("f")
	b.must(t, folder("d"), anchored("DataFile", "f", "d"), &events.Classify{Element: ref, Classification: events.Classification{Name: "Impact"}},
		&events.Delete{Element: ref, Method: events.DeleteArchive})
	for _, c := range []events.Command{
		&events.Update{Element: ref, Properties: events.Props(map[string]any{"x": 1})}, &events.Update{Element: ref},
		&events.Classify{Element: ref, Classification: events.Classification{Name: "Ownership"}},
		&events.Declassify{Element: ref, ClassificationName: "Impact"}, &events.Publish{Element: ref}, &events.Withdraw{Element: ref},
		&events.Retype{Element: ref, Type: "CSVFile"}, &events.Retype{Element: ref, Type: "DataFile"},
	} {
		b.refused(t, c, events.CodeConflict, "/element", "f is archived; restore it first")
	}
	if r := b.must(t, upsert("DataFile", "f", nil)); b.state(t, "f", r).Archived() {
		t.Error("what is seen again is archived still")
	}
	// What is archived already does not keep its anchor from being archived.
	b.must(t, &events.Delete{Element: ref, Method: events.DeleteArchive})
	if r := b.must(t, &events.Delete{Element: events.ByName("d"), Method: events.DeleteArchive}); !b.state(t, "d", r).Archived() {
		t.Error("d is not archived")
	}
	if r := b.must(t, &events.Delete{Element: events.ByName("d")}); b.state(t, "d", r) != nil || b.state(t, "f", r) != nil {
		t.Error("d or f is there")
	}
}

func TestADisallowedClassificationStopsRetyping(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("TabularColumn", "c", nil), &events.Classify{Element: events.ByName("c"), Classification: events.Classification{Name: "PrimaryKey"}})
	b.refused(t, &events.Retype{Element: events.ByName("c"), Type: "DataFile"}, events.CodeConflict, "/type", "PrimaryKey")
}

func TestAGUIDIsNoName(t *testing.T) {
	t.Parallel()
	const id = "aaaaaaaa-0000-4000-8000-00000000000a"
	for _, guid := range []string{id, strings.ToUpper(id), ""} {
		own := file(id, 1)
		own.Element.GUID = guid
		for _, c := range []events.Command{own, &events.Create{Element: own.Element}} {
			if err := c.Validate(); !looksLikeGUID(err, "/element/qualifiedName") {
				t.Errorf("%s: got %v", c.EventType(), err)
			}
		}
	}
	c := &events.FromTemplate{Template: events.ByName("t"), GUID: id, QualifiedName: id}
	if err := c.Validate(); !looksLikeGUID(err, "/qualifiedName") {
		t.Errorf("got %v", err)
	}
}

func looksLikeGUID(err error, pointer string) bool {
	e, isError := errors.AsType[*events.Error](err)
	return isError && e.Code == events.CodeInvalid && e.Pointer == pointer && strings.Contains(e.Message, "looks like a guid")
}

func TestZonesAreASet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	zoned := file("f", 1)
	zoned.Element.Zones = []string{"b", "a", "b", "c", "a"}
	want := []string{"b", "a", "c"}
	r := b.must(t, zoned)
	if got := b.state(t, "f", r).Header.Zones; !slices.Equal(got, want) {
		t.Errorf("created in %v", got)
	}
	r = b.must(t, &events.Update{Element: events.ByName("f"), Zones: []string{"x", "x"}})
	if got := b.state(t, "f", r).Header.Zones; !slices.Equal(got, []string{"x"}) {
		t.Errorf("updated to %v", got)
	}
	if r = b.must(t, zoned); !slices.Equal(b.state(t, "f", r).Header.Zones, want) {
		t.Errorf("upserted to %v", b.state(t, "f", r).Header.Zones)
	}
}

func TestExpectingAVersionOfWhatIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	saw := events.Expectation{ExpectedVersion: 1}
	b.must(t, file("f", 1), &events.Delete{Element: events.ByName("f"), Expectation: saw})
	b.refused(t, &events.Delete{Element: events.ByName("f"), Expectation: saw}, events.CodeConflict, "/expectedVersion", "it does not exist")
	b.refused(t, &events.Delete{Element: events.ByGUID(events.GUIDOf("f")), Expectation: saw}, events.CodeConflict, "/expectedVersion", "does not exist")
	if r := b.must(t, &events.Delete{Element: events.ByName("f")}); r.Changed {
		t.Errorf("deleted again: %+v", r)
	}
	unlink := events.Unlink{Type: "NestedFile", End1: events.ByName("d"), End2: events.ByName("f"), Expectation: saw}
	b.refused(t, &unlink, events.CodeConflict, "/expectedVersion", "the relationship was expected")
	unlink.Expectation = events.Expectation{}
	b.must(t, &unlink)
	// A life begins with version 1, unless it goes on where it ended.
	if r := b.must(t, file("f", 1), file("f", 2), &events.Delete{Element: events.ByName("f")}, &events.Restore{Element: events.ByName("f")}); r.Version != 3 {
		t.Errorf("restored: %+v", r)
	}
	if r := b.must(t, &events.Delete{Element: events.ByName("f")}, file("f", 1)); r.Version != 1 {
		t.Errorf("created anew: %+v", r)
	}
}
