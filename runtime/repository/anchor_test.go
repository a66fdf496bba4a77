package repository_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

const ownGUID = "aaaaaaaa-0000-4000-8000-000000000001"

// owned is a folder with a guid that does not follow from its name.
func owned(name string) *events.Upsert {
	u := folder(name)
	u.Element.GUID = ownGUID
	return u
}

func remove(name string) *events.Delete {
	return &events.Delete{Element: events.ByName(name), Cascade: true}
}

func restore(name string) *events.Restore { return &events.Restore{Element: events.ByName(name)} }

// standsAlone restores a leaf, and checks that it lost its anchor and says so.
func (b *bundle) standsAlone(t *testing.T, name, anchor string, extensions ...string) {
	t.Helper()
	r := b.apply(t, restore(name), extensions...)
	if r.Error != nil {
		t.Fatal(r.Error)
	}
	if e := b.state(t, name, r); e == nil || e.Header.AnchorGUID != "" || !slices.Equal(r.Dropped, []string{"anchor " + anchor}) {
		t.Errorf("restored is %+v, dropped %q", e, r.Dropped)
	}
}

func TestAnAnchorWhoseNameIsTakenIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, owned("p"), anchored("DataFile", "c", "p"), remove("c"), remove("p"))
	b.refused(t, restore("c"), events.CodeConflict, "/element", "anchor, p, is deleted")
	b.must(t, folder("p"))
	b.refused(t, &events.Restore{Element: events.ByGUID(ownGUID)}, events.CodeConflict, "/element", `"p" is now the name`)
	b.standsAlone(t, "c", ownGUID)
}

// What went with the anchor comes back with it, or it does not come back at all.
func TestAnAnchorWhoseFamilyCannotReturnIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sibling := anchored("DataFile", "d", "p")
	sibling.Element.GUID = ownGUID
	b.must(t, folder("p"), anchored("DataFile", "c", "p"), sibling, remove("p"), upsert("DataFile", "d", nil))
	b.refused(t, restore("p"), events.CodeConflict, "/element", `"d" is now the name`)
	b.standsAlone(t, "c", events.GUIDOf("p"))
}

func TestAnAnchorOfOthersIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.by(t, "s1", folder("p"))
	b.by(t, "s2", anchored("DataFile", "c", "p"), remove("c"))
	b.by(t, "s1", remove("p"))
	b.refused(t, restore("p"), events.CodeRefused, events.ExtMetadataSource, "s1", as("s2")...)
	b.standsAlone(t, "c", events.GUIDOf("p"), as("s2")...)
}

func TestAnAnchorWhoseGUIDIsThatOfARelationshipIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, owned("p"), anchored("DataFile", "c", "p"), folder("d"), folder("e"), remove("p"), withGUID(link("FolderHierarchy", "d", "e", nil), ownGUID))
	b.standsAlone(t, "c", ownGUID)
}

func TestNothingIsAnchoredToWhatIsArchived(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone := archive("p")
	gone.Cascade = true
	b.must(t, folder("p"), anchored("DataFile", "c", "p"), anchored("DataFile", "deleted", "p"), remove("deleted"), file("other", 1), gone)
	const says, its = "p is archived", "its anchor, p, is archived"
	b.refused(t, anchored("DataFile", "new", "p"), events.CodeConflict, "/element/anchor", says)
	b.refused(t, &events.Create{Element: anchored("DataFile", "new", "p").Element}, events.CodeConflict, "/element/anchor", says)
	other := anchored("DataFile", "other", "p")
	b.refused(t, other, events.CodeConflict, "/element/anchor", says)
	b.refused(t, anchored("DataFile", "c", "p"), events.CodeConflict, "/element/anchor", says)
	b.refused(t, upsert("DataFile", "c", nil), events.CodeConflict, "/element", its)
	b.refused(t, restore("c"), events.CodeConflict, "/element", its)
	b.refused(t, restore("deleted"), events.CodeConflict, "/element", its)
	// What is archived may be deleted, and be there again as it was.
	b.must(t, remove("c"), restore("c"))
	b.refused(t, restore("c"), events.CodeConflict, "/element", its)
	b.must(t, restore("p"), restore("deleted"), other)
	r := b.must(t, restore("c"))
	for _, name := range []string{"c", "deleted", "other"} {
		if e := b.state(t, name, r); e.Archived() || e.Header.AnchorGUID != events.GUIDOf("p") {
			t.Errorf("restored is %+v", e)
		}
	}
}

// An archived element may find another anchor, as a connector sees it again.
func TestWhatIsSeenAgainElsewhereIsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("p"), folder("q"), anchored("DataFile", "c", "p"), archive("c"), archive("p"))
	r := b.must(t, anchored("DataFile", "c", "q"))
	if e := b.state(t, "c", r); e.Archived() || e.Header.AnchorGUID != events.GUIDOf("q") {
		t.Errorf("got %+v", e)
	}
}

// What was archived at another time keeps what is anchored to it in the archive.
func TestWhatStaysInTheArchiveKeepsWhatIsAnchoredToIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("top"), anchored("FileFolder", "mid", "top"), anchored("DataFile", "leaf", "mid"))
	all, mid := archive("top"), archive("mid")
	all.Cascade, mid.ArchiveProcess = true, "another"
	b.must(t, set(t, all, folder("top"), upsert("FileFolder", "mid", nil), mid, archive("top")))
	r := b.must(t, restore("top"))
	for name, archived := range map[string]bool{"top": false, "mid": true, "leaf": true} {
		if e := b.state(t, name, r); e.Archived() != archived {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A steward gives what a dead source archived to another one, which can restore it.
func TestWhatIsArchivedCanBeRehomed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.by(t, "dead", file("f", 1), archive("f"))
	r := b.must(t, &events.Rehome{Element: events.ByName("f"), From: "dead", To: "heir"})
	if e := b.state(t, "f", r); !e.Archived() || e.Header.Origin.Source != "heir" {
		t.Errorf("rehomed is %+v", e)
	}
	r = b.by(t, "heir", restore("f"))
	if e := b.state(t, "f", r); e.Archived() {
		t.Errorf("restored is %+v", e)
	}
}

// What is archived anew in a change set keeps what it was given meanwhile.
func TestWhatIsArchivedAgainLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const typ = "ConnectToEndpoint"
	b.must(t, upsert("Connection", "c", nil), upsert("Endpoint", "e1", nil), upsert("Endpoint", "e2", nil), archive("e1"), link(typ, "c", "e2", nil))
	b.must(t, set(t, restore("e1"), unlink(typ, "c", "e2"), link(typ, "c", "e1", nil), archive("e1"), link(typ, "c", "e2", nil)))
	r := b.must(t, unlink(typ, "c", "e2"), restore("e1"))
	if got := b.related(t, "c"); len(got) != 1 || len(r.Dropped) > 0 {
		t.Errorf("c is related to %v, dropped %q", got, r.Dropped)
	}
}

// A writer dies between the parts of a large restoration: what the first one brought
// back has given way all the same.
func TestGivingWaySurvivesACrash(t *testing.T) {
	t.Parallel()
	const n, part, typ = 1100, 1000, "ConnectToEndpoint"
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	stop := b.start(t)
	b.connect(t)
	b.must(t, folder("top"), upsert("Connection", "c", nil), upsert("Endpoint", "other", nil))
	first := firstToReturn(n)
	b.all(t, n, func(i int) events.Command { return anchored("Endpoint", endpoint(i), "top") })
	gone := archive("top")
	gone.Cascade = true
	last := b.must(t, link(typ, "c", first, nil), gone, link(typ, "c", "other", nil), restore("top")).Sequence
	stop()
	b.cut(t, last-(n+2-part))
	b.start(t)
	r := b.must(t, file("last", 1))
	if e := b.state(t, "top", r); e.Archived() {
		t.Error("the restoration is not finished")
	}
	if got := b.related(t, "c"); len(got) != 1 || !strings.Contains(got[0], "other") {
		t.Errorf("c is related to %v", got)
	}
}

// cut makes the out topic what it was up to a sequence.
func (b *bundle) cut(t *testing.T, last uint64) {
	t.Helper()
	var kept []*nats.Msg
	err := b.bus.Read(t.Context(), b.bus.Topics().OutStream(), nil, func(m *bus.Message) error {
		if m.Sequence <= last {
			header := maps.Clone(m.Header)
			maps.DeleteFunc(header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
			kept = append(kept, &nats.Msg{Subject: m.Subject, Header: header, Data: m.Data})
		}
		return nil
	})
	js := b.bus.JetStream()
	if err := cmp.Or(err, js.DeleteStream(t.Context(), b.bus.Topics().OutStream()), b.bus.Ensure(t.Context(), topics.DefaultLimits())); err != nil {
		t.Fatal(err)
	}
	for _, m := range kept {
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func endpoint(i int) string { return fmt.Sprintf("endpoint %d", i) }

// firstToReturn returns the one of n endpoints that comes back first.
func firstToReturn(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = endpoint(i)
	}
	return slices.MaxFunc(names, func(a, b string) int { return strings.Compare(events.GUIDOf(a), events.GUIDOf(b)) })
}

// all applies n commands, and waits for none of them.
func (b *bundle) all(t *testing.T, n int, command func(i int) events.Command) {
	t.Helper()
	err := b.metadata.Send(t.Context(), func(yield func(events.Event) bool) {
		for i := range n {
			e, err := events.NewCommand("/test", command(i))
			if err != nil || !yield(e) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
