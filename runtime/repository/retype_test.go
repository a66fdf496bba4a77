package repository_test

import (
	"fmt"
	"testing"

	"github.com/camena-io/camena/events"
)

// A relationship tells the types of its ends as they are.
func TestRelationshipsTellTheNewType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), file("f", 1), link("DataFlow", "f", "f", nil))
	b.apply(t, link("NestedFile", "d", "f", nil), events.ExtMetadataSource, "theirs")
	r := b.must(t, &events.Retype{Element: events.ByName("f"), Type: "CSVFile"})
	if r.Relationships != 2 || r.Version != 2 || r.GUID != events.GUIDOf("f") {
		t.Errorf("got %+v", r)
	}
	a, err := b.metadata.Related(t.Context(), events.Related{ElementRef: events.ByName("f")})
	if err != nil || len(a.Related) != 2 {
		t.Fatalf("got %+v, %v", a.Related, err)
	}
	for _, rel := range a.Related {
		if rel.Relationship.End2.Type != "CSVFile" || rel.Relationship.Header.Versions.Version != 2 {
			t.Errorf("got %+v", rel.Relationship)
		}
	}
	if r := b.must(t, &events.Retype{Element: events.ByName("f"), Type: "CSVFile"}); r.Changed {
		t.Errorf("retyped again: %+v", r)
	}
}

// What does not fit into one batch is sent in several, the element whole in the last.
func TestRetypingWhatHasManyRelationships(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const many = 999 // with the end under the old type, a batch is full
	b.must(t, folder("d"))
	var files, links []events.Command
	for i := range many {
		name := fmt.Sprintf("f%d", i)
		files, links = append(files, file(name, 1)), append(links, link("LinkedFile", "d", name, nil))
	}
	b.must(t, set(t, files...), set(t, links...))
	r := b.must(t, &events.Retype{Element: events.ByName("d"), Type: "DataFolder"})
	if r.Relationships != many || r.Elements != 1 {
		t.Errorf("got %+v", r)
	}
	last := b.out(t, r.Sequence-1)
	if len(last) != 2 || last[0].Type != events.TypeElementMoved || last[0].Extension(events.ExtInSequence) != last[1].Extension(events.ExtInSequence) {
		t.Errorf("got %+v", last)
	}
}
