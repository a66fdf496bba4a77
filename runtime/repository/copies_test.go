package repository_test

import (
	"slices"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func copyOf(host string) *events.FromTemplate {
	return &events.FromTemplate{
		Template: events.ByName("FileFolder::~{host}~::/data"), Placeholders: map[string]string{"host": host, "disk": "d", "owner": "o"},
	}
}

func TestPointersIntoTemplates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	template(t, b)
	b.must(t, file("FileFolder::h::/data/readme", 1))
	b.refused(t, copyOf("h"), events.CodeConflict, "/template", "FileFolder::h::/data/readme exists already")
	b.must(t, folder("FileFolder::i::/data"))
	b.refused(t, copyOf("i"), events.CodeConflict, "/qualifiedName", "exists already")
	misspelt := copyOf("k")
	misspelt.Placeholders["hots"] = "k"
	b.refused(t, misspelt, events.CodeInvalid, "/placeholders/hots", `no placeholder "hots"`)
	root := upsert("FileFolder", "T", map[string]any{"additionalProperties": map[string]any{"~{a}~": "1", "~{b}~": "2"}})
	root.Element.Classifications = []events.Classification{{Name: events.Template}}
	b.must(t, root)
	twice := &events.FromTemplate{Template: events.ByName("T"), QualifiedName: "new", Placeholders: map[string]string{"a": "x", "b": "x"}}
	b.refused(t, twice, events.CodeInvalid, "/placeholders", `keys of a map would be "x"`)
}

// What others say of a template they do not say of its copies.
func TestCopiesAreNotWhatTheTemplateIsToOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	template(t, b)
	const root = "FileFolder::~{host}~::/data"
	b.must(t, folder("parent"), upsert("Collection", "set", nil), upsert("InventoryCatalog", "crm", nil), link("FolderHierarchy", "parent", root, nil),
		link("CollectionMembership", "set", root, nil), &events.LinkExternalID{ExternalID: externalID(root, "crm", "1")})
	b.must(t, copyOf("h"))
	got := b.related(t, "FileFolder::h::/data")
	slices.Sort(got)
	want := []string{"LinkedFile shared ", "NestedFile FileFolder::h::/data/readme ", "SourcedFrom " + root + " "}
	if !slices.Equal(got, want) {
		t.Errorf("the copy is related to %q, want %q", got, want)
	}
}

func TestRetrievingOnlyWhatMayBeACopy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	template(t, b)
	b.must(t, file("FileFolder::h::/data", 1), folder("FileFolder::i::/data"), archive("FileFolder::i::/data"))
	for host, says := range map[string]string{"h": "is a DataFile, not a FileFolder", "i": "is archived"} {
		c := copyOf(host)
		c.Retrieve = true
		b.refused(t, c, events.CodeConflict, "/qualifiedName", says)
	}
}

func TestCopiesAreInTheZonesOfNewElements(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	b.connect(t)
	repo, err := repository.New(repository.Settings{
		Node: "n1", Bus: b.bus, Logger: runtimetest.Logger(), Types: looseTypes(t), PublishZones: []string{"sales"}, DefaultZones: []string{"draft"},
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, repo.Serve)
	template(t, b)
	b.must(t, &events.Publish{Element: events.ByName("FileFolder::~{host}~::/data")})
	given, none := copyOf("i"), copyOf("j")
	given.Zones, none.Zones = []string{"z"}, []string{}
	for _, c := range []struct {
		command *events.FromTemplate
		zones   []string
	}{{copyOf("h"), []string{"draft"}}, {given, []string{"z"}}, {none, nil}} {
		r := b.must(t, c.command)
		name := "FileFolder::" + c.command.Placeholders["host"] + "::/data"
		for _, name := range []string{name, name + "/readme"} {
			if got := b.state(t, name, r).Header.Zones; !slices.Equal(got, c.zones) {
				t.Errorf("%s is in %q, want %q", name, got, c.zones)
			}
		}
	}
}
