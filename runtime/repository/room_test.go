package repository_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
)

func archive(name string) *events.Delete {
	return &events.Delete{Element: events.ByName(name), Method: events.DeleteArchive}
}

func unlink(typ, end1, end2 string) *events.Unlink {
	return &events.Unlink{Type: typ, End1: events.ByName(end1), End2: events.ByName(end2)}
}

func withGUID(l *events.Link, guid string) *events.Link {
	l.Relationship.GUID = guid
	return l
}

// Of several relationships none is picked at random.
func TestOneOfSeveralRelationshipsIsNamedByItsGUID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := func() *events.Link { return link("DataFlow", "a", "b", nil) }
	b.must(t, file("a", 1), file("b", 1), withGUID(flow(), flow2), withGUID(flow(), flow1))
	const says = "several DataFlow lead from a to b, " + flow1 + ", " + flow2 + "; name it by guid"
	b.refused(t, unlink("DataFlow", "a", "b"), events.CodeConflict, "/guid", says)
	b.refused(t, &events.UpdateRelationship{Relationship: events.RelationshipRef{Type: "DataFlow", End1: events.ByName("a"), End2: events.ByName("b")}},
		events.CodeConflict, "/relationship/guid", says)
	b.refused(t, set(t, flow(), unlink("DataFlow", "a", "b")), events.CodeConflict, "/commands/1/data/guid", "several")
	b.must(t, &events.Unlink{GUID: flow1}, unlink("DataFlow", "a", "b"))
	if got := b.related(t, "a"); len(got) != 0 {
		t.Errorf("a is related to %v", got)
	}
}

// A subtype is held to what its super type allows, and the other way round.
func TestCardinalityCountsSubtypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), folder("e"), file("f", 1), link("HoldsTight", "d", "f", nil))
	b.refused(t, link("Holds", "e", "f", nil), events.CodeConflict, "/relationship/end1", "f has a HoldsTight already")
	b.refused(t, link("HoldsTight", "e", "f", nil), events.CodeConflict, "/relationship/end1", "f has a HoldsTight already")
	b.refused(t, link("Holds", "d", "f", nil), events.CodeConflict, "/relationship/type", "related by the HoldsTight")
	b.must(t, unlink("HoldsTight", "d", "f"), link("Holds", "d", "f", nil))
	b.refused(t, link("HoldsTight", "e", "f", nil), events.CodeConflict, "/relationship/end1", "f has a Holds already")
}

// What is archived leaves room, and comes back without what has lost its place.
func TestArchivedElementsLeaveRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("Connection", "c", nil), upsert("Endpoint", "e1", nil), upsert("Endpoint", "e2", nil), upsert("Connection", "d", nil),
		link("ConnectToEndpoint", "c", "e1", nil), archive("e1"))
	b.refused(t, link("ConnectToEndpoint", "d", "e1", nil), events.CodeConflict, "/relationship/end2", "e1 is archived; restore it first")
	b.must(t, link("DataFlow", "c", "e1", nil), link("ConnectToEndpoint", "c", "e2", nil))
	r := b.must(t, &events.Restore{Element: events.ByName("e1")})
	if got := b.related(t, "e1"); !r.Changed || len(got) != 1 || !strings.Contains(got[0], "DataFlow") || !slices.Equal(r.Dropped, []string{"ConnectToEndpoint c → e1"}) {
		t.Errorf("e1 is related to %v, left behind is %q", got, r.Dropped)
	}
	// Whichever command brings it back.
	b.must(t, unlink("ConnectToEndpoint", "c", "e2"), link("ConnectToEndpoint", "c", "e1", nil), archive("e1"), link("ConnectToEndpoint", "c", "e2", nil))
	b.must(t, set(t, upsert("Endpoint", "e1", nil), upsert("Endpoint", "e1", map[string]any{"x": 1})))
	if got := b.related(t, "e1"); len(got) != 1 {
		t.Errorf("e1 is related to %v", got)
	}
}
