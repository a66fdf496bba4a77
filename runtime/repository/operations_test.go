package repository_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// state reads an element back; nil if it is not there.
func (b *bundle) state(tb testing.TB, name string, after events.Result) *events.Element {
	tb.Helper()
	a, err := events.Ask(tb.Context(), b.metadata, &events.Get{ElementRef: events.ByName(name), MinSequence: after.Sequence})
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	return a.Element
}

func anchored(typ, name, anchor string) *events.Upsert {
	u := upsert(typ, name, nil)
	u.Element.Anchor = events.ByName(anchor)
	return u
}

// refused applies a command that has to be refused.
func (b *bundle) refused(tb testing.TB, c events.Command, code events.Code, pointer, says string, extensions ...string) {
	tb.Helper()
	r := b.apply(tb, c, extensions...)
	switch {
	case r.Error == nil:
		tb.Errorf("%s is applied: %+v", c.EventType(), r)
	case r.Error.Code != code || r.Error.Pointer != pointer || !strings.Contains(r.Error.Message, says):
		tb.Errorf("%s: got %s %v, want %s at %s that says %q", c.EventType(), r.Error.Code, r.Error, code, pointer, says)
	}
}

func TestCreateRefusesWhatIsThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	create := &events.Create{Element: upsert("DataFile", "f", map[string]any{"x": 1}).Element}
	if r := b.must(t, create); r.Version != 1 || !r.Changed {
		t.Errorf("got %+v", r)
	}
	b.refused(t, create, events.CodeConflict, "/element/qualifiedName", "exists already")
}

func TestWritesAreCheckedAgainstTheTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1), folder("d"), folder("e"), link("LinkedFile", "d", "f", nil))
	with := func(p map[string]any) events.ElementSpec { return upsert("DataFile", "g", p).Element }
	for _, c := range []struct {
		command       events.Command
		code          events.Code
		pointer, says string
	}{
		{&events.Upsert{Element: with(map[string]any{"displayNam": "x"})}, events.CodeInvalid, "/element/properties/displayNam", "did you mean displayName"},
		{&events.Create{Element: with(map[string]any{"displayName": 7})}, events.CodeInvalid, "/element/properties/displayName", "string"},
		{&events.Upsert{Element: with(map[string]any{"qualifiedName": "g"})}, events.CodeInvalid, "/element/properties/qualifiedName", "qualifiedName"},
		{&events.Upsert{Element: events.ElementSpec{Type: "DataFile"}}, events.CodeInvalid, "/element/qualifiedName", "needs a qualified name"},
		{&events.Update{Element: events.ByName("f"), Properties: events.Props(map[string]any{"additionalProperties": map[string]any{"a": 1}})}, events.CodeInvalid, "/properties/additionalProperties/a", "string"},
		{&events.Classify{Element: events.ByName("f"), Classification: events.Classification{Name: "PrimaryKey"}}, events.CodeInvalid, "/classification/classificationName", "SchemaAttribute"},
		{link("ForeignKey", "d", "e", nil), events.CodeInvalid, "/relationship/end1", "SchemaAttribute"},
		{link("LinkedFile", "d", "f", map[string]any{"no": 1}), events.CodeInvalid, "/relationship/properties/no", "no attribute"},
	} {
		b.refused(t, c.command, c.code, c.pointer, c.says)
	}
	r := b.must(t, &events.Upsert{UnknownProperties: events.KeepUnknown, Element: with(map[string]any{"displayName": "G", "colour": "red", "count": 3})})
	if got := b.state(t, "g", r).Properties.Map(); !same(got, map[string]any{"displayName": "G", "additionalProperties": map[string]any{"colour": "red", "count": "3"}}) {
		t.Errorf("unknown properties became %v", got)
	}
}

func TestCardinality(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("Connection", "c", nil), upsert("Endpoint", "e1", nil), upsert("Endpoint", "e2", nil), link("ConnectToEndpoint", "c", "e1", nil))
	second := link("ConnectToEndpoint", "c", "e2", nil)
	b.refused(t, second, events.CodeConflict, "/relationship/end2", "c has a ConnectToEndpoint already")
	b.must(t, &events.Unlink{Type: "ConnectToEndpoint", End1: events.ByName("c"), End2: events.ByName("e1")})
	// What a connector sees instead, in the scope that it reconciles, takes the
	// place of what it saw before.
	scope := []string{events.ExtScope, "s"}
	for _, end := range []string{"e1", "e2"} {
		if r := b.apply(t, link("ConnectToEndpoint", "c", end, nil), scope...); r.Error != nil {
			t.Fatal(r.Error)
		}
	}
	r := b.apply(t, link("ConnectToEndpoint", "c", "e1", nil), events.ExtScope, "other")
	if r.Error == nil {
		t.Error("another scope takes the place")
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName("c")})
	if err != nil || len(a.Related) != 1 || a.Related[0].Element.Header.QualifiedName != "e2" {
		t.Errorf("c is connected to %+v, %v", a.Related, err)
	}
	again := link("ConnectToEndpoint", "c", "e2", nil)
	again.Relationship.GUID = "aaaaaaaa-0000-4000-8000-000000000000"
	b.refused(t, again, events.CodeConflict, "/relationship/guid", "there can be only one")
}

func TestExpectedVersions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1), file("f", 2), folder("d"), link("NestedFile", "d", "f", map[string]any{"x": 1}))
	saw := func(n int64) events.Expectation { return events.Expectation{ExpectedVersion: n} }
	const conflict = "it has version 2"
	for _, c := range []events.Command{
		&events.Upsert{Element: file("f", 3).Element, Expectation: saw(1)},
		&events.Update{Element: events.ByName("f"), Expectation: saw(1)},
		&events.Delete{Element: events.ByName("f"), Expectation: saw(1)},
		&events.Classify{Element: events.ByName("f"), Classification: events.Classification{Name: "Impact"}, Expectation: saw(1)},
		&events.Declassify{Element: events.ByName("f"), ClassificationName: "Impact", Expectation: saw(1)},
		&events.Retype{Element: events.ByName("f"), Type: "CSVFile", Expectation: saw(1)},
		&events.Rehome{Element: events.ByName("f"), To: "s", Expectation: saw(1)},
	} {
		b.refused(t, c, events.CodeConflict, "/expectedVersion", conflict)
	}
	b.refused(t, &events.Upsert{Element: file("g", 1).Element, Expectation: saw(4)}, events.CodeConflict, "/expectedVersion", "does not exist")
	again := link("NestedFile", "d", "f", map[string]any{"x": 2})
	again.Expectation = saw(7)
	b.refused(t, again, events.CodeConflict, "/expectedVersion", "has version 1")
	b.refused(t, set(t, &events.Update{Element: events.ByName("d"), Properties: events.Props(map[string]any{"x": 1})}, &events.Update{Element: events.ByName("f"), Expectation: saw(9)}),
		events.CodeConflict, "/commands/1/data/expectedVersion", "version 2")
	again.Expectation = saw(1)
	if r := b.must(t, again, &events.Upsert{Element: file("f", 3).Element, Expectation: saw(2)}); r.Version != 3 {
		t.Errorf("got %+v", r)
	}
}

func TestDeletingAnAnchorTakesWhatIsAnchored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("top"), anchored("FileFolder", "mid", "top"), anchored("DataFile", "leaf", "mid"), file("other", 1),
		link("NestedFile", "mid", "leaf", nil), link("LinkedFile", "mid", "other", nil))
	b.refused(t, &events.Delete{Element: events.ByName("top")}, events.CodeConflict, "/cascade", "anchored to top (2,")
	loop := anchored("FileFolder", "top", "leaf")
	b.refused(t, loop, events.CodeConflict, "/element/anchor", "circle")

	gone := b.must(t, &events.Delete{Element: events.ByName("top"), Cascade: true})
	for name, stays := range map[string]bool{"top": false, "mid": false, "leaf": false, "other": true} {
		if e := b.state(t, name, gone); (e != nil) != stays {
			t.Errorf("%s: %+v", name, e)
		}
	}
	// What went together comes back together.
	back := b.must(t, &events.Restore{Element: events.ByName("top")})
	for _, name := range []string{"top", "mid", "leaf"} {
		if e := b.state(t, name, back); e == nil || e.Header.Versions.Version != 2 {
			t.Errorf("%s is not restored: %+v", name, e)
		}
	}
	if mid := b.state(t, "mid", back); mid.Header.AnchorGUID != events.GUIDOf("top") {
		t.Errorf("mid is anchored to %q", mid.Header.AnchorGUID)
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName("mid")})
	if err != nil || len(a.Related) != 2 {
		t.Errorf("mid is related to %+v, %v", a.Related, err)
	}
	if r := b.must(t, &events.Restore{Element: events.ByName("top")}); r.Changed {
		t.Errorf("restored again: %+v", r)
	}
	b.refused(t, &events.Restore{Element: events.ByName("never")}, events.CodeNotFound, "/element", "no deleted element never")
}

func TestWhatIsAnchoredComesBackAfterItsAnchor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("top"), anchored("FileFolder", "mid", "top"), anchored("DataFile", "leaf", "mid"),
		&events.Delete{Element: events.ByName("top"), Cascade: true})
	b.refused(t, &events.Restore{Element: events.ByName("leaf")}, events.CodeConflict, "/element", "anchor, mid, is deleted")
	b.refused(t, &events.Restore{Element: events.ByName("mid")}, events.CodeConflict, "/element", "anchor, top, is deleted")
	back := b.must(t, &events.Restore{Element: events.ByName("top")})
	if leaf := b.state(t, "leaf", back); leaf == nil || leaf.Header.AnchorGUID != events.GUIDOf("mid") {
		t.Errorf("with its anchor came %+v", leaf)
	}
	// An anchor that cannot be brought back is not waited for.
	b.must(t, &events.Delete{Element: events.ByName("leaf")}, &events.Delete{Element: events.ByName("mid"), Method: events.DeletePurge})
	back = b.must(t, &events.Restore{Element: events.ByName("leaf")})
	if leaf := b.state(t, "leaf", back); leaf == nil || leaf.Header.AnchorGUID != "" {
		t.Errorf("without its anchor came %+v", leaf)
	}
	if want := []string{"anchor " + events.GUIDOf("mid")}; !slices.Equal(back.Dropped, want) {
		t.Errorf("it is told that %q was dropped, want %q", back.Dropped, want)
	}
}

func TestRestoringWhereTheNameIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imported := file("f", 1)
	imported.Element.GUID = "aaaaaaaa-0000-4000-8000-000000000000"
	b.must(t, imported, &events.Delete{Element: events.ByName("f")}, file("f", 2))
	b.refused(t, &events.Restore{Element: events.ByGUID(imported.Element.GUID)}, events.CodeConflict, "/element", "now the name of another")
}

func TestArchivingKeepsTheElement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), anchored("DataFile", "f", "d"), link("NestedFile", "d", "f", nil))
	gone := b.must(t, &events.Delete{Element: events.ByName("d"), Method: events.DeleteArchive, Cascade: true, ArchiveProcess: "cleaning"})
	for _, name := range []string{"d", "f"} {
		e := b.state(t, name, gone)
		if e == nil || !e.Archived() || e.Classification(events.Memento).Properties.String("archiveProcess") != "cleaning" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if r := b.must(t, &events.Delete{Element: events.ByName("d"), Method: events.DeleteArchive, Cascade: true}); r.Changed {
		t.Errorf("archived again: %+v", r)
	}
	back := b.must(t, &events.Restore{Element: events.ByName("d")})
	for _, name := range []string{"d", "f"} {
		if e := b.state(t, name, back); e.Archived() {
			t.Errorf("%s is still archived", name)
		}
	}
	// What is seen again is there again.
	b.must(t, &events.Delete{Element: events.ByName("f"), Method: events.DeleteArchive})
	r := b.must(t, upsert("DataFile", "f", nil))
	if e := b.state(t, "f", r); e.Archived() || e.Header.AnchorGUID == "" {
		t.Errorf("got %+v", e)
	}
}

func TestPurgingLeavesNoTrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), upsert("DataFile", "f", map[string]any{"text": "a secret"}), upsert("DataFile", "f", map[string]any{"text": "another secret"}),
		link("NestedFile", "d", "f", map[string]any{"text": "a secret too"}))
	b.must(t, &events.Delete{Element: events.ByName("f"), Method: events.DeletePurge}, file("last", 1))
	runtimetest.Eventually(t, "the history is purged", func() bool {
		return !slices.ContainsFunc(b.out(t, 1), func(e events.Event) bool { return strings.Contains(string(e.Data), "secret") })
	})
	b.refused(t, &events.Restore{Element: events.ByName("f")}, events.CodeNotFound, "/element", "purged at")
}

func TestRetyping(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), upsert("DataFile", "f", map[string]any{"displayName": "F", "fileName": "f.csv"}), link("NestedFile", "d", "f", nil))
	r := b.must(t, &events.Retype{Element: events.ByName("f"), Type: "CSVFile", Properties: events.Props(map[string]any{"delimiterCharacter": ";"})})
	e := b.state(t, "f", r)
	if e.Header.Type.Name != "CSVFile" || e.Header.Versions.Version != 2 || !same(e.Properties.Map(), map[string]any{"displayName": "F", "fileName": "f.csv", "delimiterCharacter": ";"}) {
		t.Errorf("got %+v", e)
	}
	b.refused(t, &events.Retype{Element: events.ByName("f"), Type: "Endpoint"}, events.CodeConflict, "/type", "NestedFile")
	b.refused(t, &events.Retype{Element: events.ByName("f"), Type: "NestedFile"}, events.CodeUnknownType, "/type", "NestedFile")
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName("d")})
	if err != nil || len(a.Related) != 1 || a.Related[0].Element.Header.Type.Name != "CSVFile" {
		t.Errorf("d is related to %+v, %v", a.Related, err)
	}
	h, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName("f")})
	if err != nil || len(h.Changes) != 3 || h.Changes[1].Type != events.TypeElementMoved || h.Changes[2].Type != events.TypeElementRetyped {
		t.Errorf("history %+v, %v", h.Changes, err)
	}
	// Back again, under a subject that had ended.
	r = b.must(t, &events.Retype{Element: events.ByName("f"), Type: "DataFile"})
	if e := b.state(t, "f", r); e.Header.Type.Name != "DataFile" || e.Properties.String("delimiterCharacter") != "" {
		t.Errorf("got %+v", e)
	}
}

func TestRehoming(t *testing.T) {
	t.Parallel()
	b := setup(t)
	theirs := []string{events.ExtMetadataSource, "theirs"}
	b.apply(t, file("f", 1), theirs...)
	b.refused(t, file("f", 2), events.CodeRefused, events.ExtMetadataSource, "theirs")
	b.refused(t, &events.Rehome{Element: events.ByName("f"), From: "others", To: "ours"}, events.CodeConflict, "/from", `is "theirs", not "others"`)
	r := b.must(t, &events.Rehome{Element: events.ByName("f"), From: "theirs"})
	if e := b.state(t, "f", r); e.Header.Origin.Category != events.OriginLocal || e.Header.Origin.Source != "" {
		t.Errorf("got %+v", e.Header.Origin)
	}
	b.must(t, file("f", 2), &events.Rehome{Element: events.ByName("f"), To: "theirs"})
	b.refused(t, file("f", 3), events.CodeRefused, events.ExtMetadataSource, "theirs")
	if r := b.apply(t, file("f", 3), theirs...); r.Error != nil {
		t.Error(r.Error)
	}
}

func TestExternalIdentifiers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("InventoryCatalog", "erp", nil), file("f", 1), file("g", 1))
	id := func(name string) events.ExternalID {
		return events.ExternalID{Element: events.ByName(name), Scope: events.ByName("erp"), Identifier: "4711"}
	}
	link := &events.LinkExternalID{
		ExternalID: id("f"), Properties: events.Props(map[string]any{"keyPattern": "STABLE_KEY"}),
		Link: events.Props(map[string]any{"permittedSynchronization": "FROM_THIRD_PARTY"}),
	}
	r := b.must(t, link)
	if r := b.must(t, link); r.Changed {
		t.Errorf("linked again: %+v", r)
	}
	const name = "ExternalId::erp::4711"
	if e := b.state(t, name, r); e == nil || e.Properties.String("identifier") != "4711" || e.Properties.String("keyPattern") != "STABLE_KEY" {
		t.Fatalf("got %+v", e)
	}
	moment := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	b.must(t, &events.LinkExternalID{ExternalID: id("g")}, &events.ConfirmSynchronization{ExternalID: id("f"), Time: moment})
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName("f"), Relationship: "ExternalIdLink"})
	if err != nil || len(a.Related) != 1 || a.Related[0].Relationship.Properties.String("lastSynchronized") != moment.Format(time.RFC3339) {
		t.Errorf("got %+v, %v", a.Related, err)
	}
	bad := *link
	bad.Properties = events.Props(map[string]any{"keyPattern": "NONE"})
	b.refused(t, &bad, events.CodeInvalid, "/properties/keyPattern", "NONE")
	b.refused(t, &events.ConfirmSynchronization{ExternalID: events.ExternalID{Element: events.ByName("f"), Scope: events.ByName("erp"), Identifier: "no"}},
		events.CodeNotFound, "/identifier", "no identifier")
	r = b.must(t, &events.UnlinkExternalID{ExternalID: id("f")})
	if b.state(t, name, r) == nil {
		t.Error("the identifier is gone, though g has it")
	}
	if r = b.must(t, &events.UnlinkExternalID{ExternalID: id("g")}); b.state(t, name, r) != nil {
		t.Error("the identifier is there, though nobody has it")
	}
}

func TestEffectivity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("CET", 3600))
	u := file("f", 1)
	u.Element.Effectivity = &events.Effectivity{From: from}
	r := b.must(t, u)
	if e := b.state(t, "f", r); !e.Header.From.Equal(from) || e.Header.At(from.Add(-1)) || !e.Header.At(from) {
		t.Errorf("got %+v", e.Header.Effectivity)
	}
	if r := b.must(t, u); r.Changed {
		t.Errorf("the same again: %+v", r)
	}
	r = b.must(t, &events.Update{Element: events.ByName("f"), Effectivity: &events.Effectivity{}})
	if e := b.state(t, "f", r); !e.Header.From.IsZero() {
		t.Errorf("got %+v", e.Header.Effectivity)
	}
}

// Relationships are found by their type and ends, whatever guid they have.
func TestRelationshipsWithGUIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), file("f", 1))
	own := link("NestedFile", "d", "f", nil)
	own.Relationship.GUID = "aaaaaaaa-0000-4000-8000-000000000000"
	b.must(t, own)
	if r := b.must(t, link("NestedFile", "d", "f", nil)); r.Changed || r.GUID != own.Relationship.GUID {
		t.Errorf("linked again: %+v", r)
	}
	if r := b.must(t, unlink("NestedFile", "d", "f")); !r.Changed || r.GUID != own.Relationship.GUID {
		t.Errorf("unlinked: %+v", r)
	}
	// Of a type that allows several, each is one.
	ids := []string{flow1, flow2, events.RelationshipGUIDOf("DataFlow", events.GUIDOf("d"), events.GUIDOf("f"))}
	for _, id := range ids {
		b.must(t, withGUID(link("DataFlow", "d", "f", nil), id))
	}
	for _, id := range ids[:2] {
		b.refused(t, unlink("DataFlow", "d", "f"), events.CodeConflict, "/guid", "several")
		if r := b.must(t, &events.Unlink{GUID: id}); r.GUID != id || !r.Changed {
			t.Errorf("unlinked: %+v", r)
		}
	}
	if r := b.must(t, unlink("DataFlow", "d", "f")); r.GUID != ids[2] || !r.Changed {
		t.Errorf("unlinked: %+v", r)
	}
}
