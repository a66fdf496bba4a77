package repository_test

import (
	"fmt"
	"testing"
	"time"

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
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName("f")})
	if err != nil || len(a.Related) != 2 {
		t.Fatalf("got %+v, %v", a.Related, err)
	}
	for _, rel := range a.Related {
		if rel.Relationship.End2.Type != "CSVFile" || rel.Relationship.Header.Versions.Version != 1 {
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

// To retype an end is no change of the relationship: what its owner expects of it
// holds, and as of a time before that it tells the type of then.
func TestARelationshipOutlivesTheRetypingOfAnEndAsItWas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("d", 1), file("f", 1))
	linked := b.apply(t, link("DataFlow", "d", "f", nil), events.ExtMetadataSource, "theirs")
	r := b.apply(t, &events.Retype{Element: events.ByName("f"), Type: "CSVFile"}, events.ExtActor, "steward")
	h, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByGUID(linked.GUID), MinSequence: r.Sequence})
	if err != nil || len(h.Changes) != 2 {
		t.Fatalf("got %+v, %v", h, err)
	}
	first, second := h.Changes[0], h.Changes[1]
	if was, is := first.Relationship.Relationship.Header, second.Relationship.Relationship.Header; was.Versions != is.Versions || second.Actor != "steward" {
		t.Errorf("%s changed %+v to %+v", second.Actor, was.Versions, is.Versions)
	}
	for at, want := range map[time.Time]string{first.Time: "DataFile", second.Time.Add(-1): "DataFile", second.Time: "CSVFile", second.Time.Add(time.Nanosecond): "CSVFile"} {
		a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByGUID(linked.GUID), AsOf: at})
		if err != nil || a.Relationship.End2.Type != want {
			t.Errorf("at %s: got %+v, %v", at, a.Relationship, err)
		}
	}
	update := &events.UpdateRelationship{
		Relationship: events.RelationshipRef{GUID: linked.GUID}, Properties: events.Props(map[string]any{"label": "x"}),
		Expectation: events.Expectation{ExpectedVersion: linked.Version},
	}
	if r := b.apply(t, update, events.ExtMetadataSource, "theirs"); r.Error != nil || r.Version != 2 {
		t.Errorf("got %+v", r)
	}
}
