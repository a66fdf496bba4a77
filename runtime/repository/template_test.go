package repository_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// template makes a folder template with a file that is anchored to it, and one
// that is not.
func template(t *testing.T, b *bundle) {
	t.Helper()
	root := upsert("FileFolder", "FileFolder::~{host}~::/data", map[string]any{
		"displayName": "Data of ~{host}~", "additionalProperties": map[string]any{"on ~{host}~": "~{disk}~, \"quoted\""},
	})
	root.Element.Classifications = []events.Classification{
		{Name: events.Template}, {Name: "Ownership", Properties: events.Props(map[string]any{"owner": "~{owner}~"})},
	}
	leaf := upsert("DataFile", "FileFolder::~{host}~::/data/readme", map[string]any{"displayName": "~{not closed"})
	leaf.Element.Anchor = events.ByName(root.Element.QualifiedName)
	b.must(t, root, leaf, file("shared", 1), link("NestedFile", root.Element.QualifiedName, leaf.Element.QualifiedName, map[string]any{"text": "~{host}~"}),
		link("LinkedFile", root.Element.QualifiedName, "shared", nil))
}

func TestCreatingFromATemplate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	template(t, b)
	c := &events.FromTemplate{
		Template:     events.ByName("FileFolder::~{host}~::/data"),
		Placeholders: map[string]string{"host": "h<1>", "disk": "ssd \\ fast", "owner": "anna"},
		Properties:   events.Props(map[string]any{"description": "new"}),
	}
	r := b.must(t, c)
	e := b.state(t, "FileFolder::h<1>::/data", r)
	if e == nil || e.Header.GUID != r.GUID || e.Classification(events.Template) != nil || e.Classification("Ownership").Properties.String("owner") != "anna" {
		t.Fatalf("got %+v", e)
	}
	want := map[string]any{
		"displayName": "Data of h<1>", "description": "new",
		"additionalProperties": map[string]any{"on h<1>": "ssd \\ fast, \"quoted\""},
	}
	if !same(e.Properties.Map(), want) {
		t.Errorf("properties %v, want %v", e.Properties.Map(), want)
	}
	leaf := b.state(t, "FileFolder::h<1>::/data/readme", r)
	if leaf == nil || leaf.Header.AnchorGUID != r.GUID || leaf.Properties.String("displayName") != "~{not closed" {
		t.Errorf("the copy of the anchored file: %+v", leaf)
	}
	found := map[string]string{}
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByGUID(r.GUID)})
	if err != nil {
		t.Fatal(err)
	}
	for _, rel := range a.Related {
		found[rel.Relationship.Header.Type.Name] = rel.Element.Header.QualifiedName
		if rel.Relationship.Header.Type.Name == "SourcedFrom" && string(rel.Relationship.Properties.Raw()) != `{"sourceVersionNumber":1}` {
			t.Errorf("sourced from %s", rel.Relationship.Properties.Raw())
		}
	}
	if len(found) != 3 || found["SourcedFrom"] != "FileFolder::~{host}~::/data" || found["NestedFile"] != "FileFolder::h<1>::/data/readme" || found["LinkedFile"] != "shared" {
		t.Errorf("it is related to %v", found)
	}

	b.refused(t, c, events.CodeConflict, "/qualifiedName", "exists already")
	c.Retrieve = true
	if again := b.must(t, c); again.Changed || again.GUID != r.GUID {
		t.Errorf("retrieved %+v", again)
	}
}

func TestTemplatesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	template(t, b)
	b.must(t, file("plain", 1), anchored("DataFile", "fixed", "FileFolder::~{host}~::/data"))
	all := map[string]string{"host": "h", "disk": "d", "owner": "o"}
	b.refused(t, &events.FromTemplate{Template: events.ByName("plain")}, events.CodeInvalid, "/template", "is no template")
	b.refused(t, &events.FromTemplate{Template: events.ByName("nothing")}, events.CodeNotFound, "/template/qualifiedName", "no element")
	name := events.ByName("FileFolder::~{host}~::/data")
	b.refused(t, &events.FromTemplate{Template: name, Placeholders: map[string]string{"host": "h", "disk": "d"}}, events.CodeInvalid, "/placeholders", `"owner"`)
	before := b.repo.Sequence()
	b.refused(t, &events.FromTemplate{Template: name, Placeholders: all}, events.CodeConflict, "/template", "fixed")
	b.must(t, &events.Delete{Element: events.ByName("fixed")})
	b.refused(t, &events.FromTemplate{Template: name, Placeholders: all, Properties: events.Props(map[string]any{"no": 1})}, events.CodeInvalid, "/properties/no", "no attribute")
	if now := b.repo.Sequence(); now != before+1 {
		t.Errorf("%d events of what is refused", now-before-1)
	}
}

func TestDryRunsTellAndChangeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), file("f", 1), link("NestedFile", "d", "f", nil))
	before := b.repo.Sequence()
	r := b.apply(t, &events.Delete{Element: events.ByName("d")}, events.ExtDryRun, "true")
	if r.Error != nil || !r.Changed || len(r.Preview) != 2 || r.Preview[0].Relationship.Previous.End2.QualifiedName != "f" || r.Preview[1].Element.Previous.Header.QualifiedName != "d" {
		t.Errorf("got %+v", r)
	}
	r = b.apply(t, set(t, file("g", 1), file("f", 2)), events.ExtDryRun, "true")
	if r.Error != nil || len(r.Preview) != 2 || r.Preview[0].Type != events.TypeElementCreated || r.Preview[1].Element.Element.Header.Versions.Version != 2 || len(r.Steps) != 2 {
		t.Errorf("got %+v", r)
	}
	if r = b.apply(t, folder("f"), events.ExtDryRun, "true"); r.Error == nil || r.Error.Code != events.CodeConflict {
		t.Errorf("what would be refused: %+v", r)
	}
	if now := b.repo.Sequence(); now != before {
		t.Errorf("%d events of dry runs", now-before)
	}
	if letters := b.letters(t); len(letters) != 0 {
		t.Errorf("%d dead letters of dry runs", len(letters))
	}
	if r := b.must(t, file("f", 2)); r.Version != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestPublishingAndWithdrawing(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	b.connect(t)
	repo, err := repository.New(repository.Settings{
		Node: "n1", Bus: b.bus, Logger: runtimetest.Logger(), PublishZones: []string{"sales", "research"}, DefaultZones: []string{"draft"},
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, repo.Serve)
	zones := func(r events.Result) []string { return b.state(t, "f", r).Header.Zones }
	expect := func(r events.Result, want ...string) {
		t.Helper()
		if got := zones(r); !same(map[string]any{"zones": got}, map[string]any{"zones": want}) {
			t.Errorf("zones %v, want %v", got, want)
		}
	}
	expect(b.must(t, upsert("DataFile", "f", nil)), "draft")
	expect(b.must(t, &events.Publish{Element: events.ByName("f")}), "sales", "research")
	expect(b.must(t, upsert("DataFile", "f", map[string]any{"displayName": "F"})), "sales", "research")
	stale := events.Expectation{ExpectedVersion: 2}
	b.refused(t, &events.Withdraw{Element: events.ByName("f"), Expectation: stale}, events.CodeConflict, "/expectedVersion", "version 3")
	b.refused(t, &events.Publish{Element: events.ByName("f"), Expectation: stale}, events.CodeConflict, "/expectedVersion", "version 3")
	expect(b.must(t, &events.Withdraw{Element: events.ByName("f")}), "draft")
	if r := b.must(t, &events.Withdraw{Element: events.ByName("f")}); r.Changed {
		t.Errorf("withdrawn again: %+v", r)
	}
}

// Without zones in the settings, all are meant: that is none in the header.
func TestWithdrawingWhereNoZonesAreSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := file("f", 1)
	c.Element.Zones = []string{"sales"}
	r := b.must(t, c, &events.Withdraw{Element: events.ByName("f")})
	if e := b.state(t, "f", r); !r.Changed || len(e.Header.Zones) != 0 {
		t.Errorf("%+v: it is in %v", r, e.Header.Zones)
	}
}
