package index_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

// desk applies commands to an index, without a bus.
type desk struct {
	index    *index.Index
	pending  *graph.Pending
	log      index.Events
	sequence uint64 // of the in topic
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	types, err := opentypes.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	x := index.New(types, slog.New(slog.DiscardHandler))
	return &desk{index: x, pending: graph.NewPending(x, graph.Rules{MaxState: 1 << 19})}
}

func (d *desk) apply(c events.Command) (events.Result, error) {
	d.sequence++
	at := time.Unix(int64(d.sequence), 0)
	deletions, err := d.index.LoadDeleted(context.Background(), d.log, c)
	if err != nil {
		return events.Result{}, err
	}
	o, err := d.pending.Apply(&graph.Request{ID: fmt.Sprint("c", d.sequence), Sequence: d.sequence, Time: at, Actor: "test", Deletions: deletions}, c)
	if err != nil {
		return events.Result{}, err
	}
	d.log = o.AppendEvents(d.log, d.sequence, at)
	o.Stored(uint64(len(d.log)))
	d.index.Commit(o.AppendStateChanges(nil, d.sequence, at)...)
	return o.Result, nil
}

func (d *desk) must(tb testing.TB, commands ...events.Command) {
	tb.Helper()
	for _, c := range commands {
		if _, err := d.apply(c); err != nil {
			tb.Fatalf("%s: %s", c.EventType(), err)
		}
	}
	if err := d.index.Check(); err != nil {
		tb.Fatal(err)
	}
}

func topicNamed(name string) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: "Topic", QualifiedName: name}}
}

// What has a new home is in no scope there: a reconciliation under the name of the
// former scope would delete it, since the new source does not know it.
func TestWhatIsRehomedLeavesItsScope(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(t, topicNamed("a"), topicNamed("b"))
	q := &graph.Request{ID: "c", Sequence: 9, Time: time.Unix(9, 0).UTC(), Source: "one", Scope: "s"}
	link := &events.Link{Relationship: events.RelationshipSpec{Type: "DataFlow", End1: events.ByName("a"), End2: events.ByName("b")}}
	flow := events.RelationshipRef{Type: "DataFlow", End1: events.ByName("a"), End2: events.ByName("b")}
	sequence, _ := d.index.Reached()
	for _, c := range []events.Command{
		topicNamed("t"), link, &events.Rehome{Element: events.ByName("t"), From: "one", To: "two"}, &events.Rehome{Relationship: flow, From: "one", To: "two"},
	} {
		o, err := d.pending.Apply(q, c)
		if err != nil {
			t.Fatal(err)
		}
		sequence++
		o.Stored(sequence)
		d.index.Commit(o.AppendStateChanges(nil, 9, q.Time)...)
	}
	for _, source := range []string{"one", "two"} {
		a, err := d.index.Digests(&events.Digests{Source: source, Scope: "s"}, 1<<20)
		if err != nil || len(a.Digests) > 0 {
			t.Errorf("in the scope of %s: %+v, %v", source, a.Digests, err)
		}
	}
}

// What the out topic says of an identifier may be beyond reading: then it is not
// in the index, but its links are.
func TestPurgingWhereAnIdentifierCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := events.ExternalID{Element: events.ByName("t"), Scope: events.ByName("s"), Identifier: "1"}
	d.must(t, topicNamed("t"), topicNamed("s"), &events.LinkExternalID{ExternalID: id})
	d.index.Lose(d.index.ByName(events.ExternalIDName("s", "1")))
	r, err := d.pending.Apply(&graph.Request{ID: "c", Sequence: 9}, &events.Delete{Element: events.ByName("t"), Method: events.DeletePurge})
	if err != nil || !r.Purges() {
		t.Errorf("%+v, %v", r.Result, err)
	}
}

// What an element was anchored to may be its own identifier: that tells of what is
// purged, and so goes with it.
func TestPurgingWhatIsAnchoredToItsIdentifier(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(t, topicNamed("t"), topicNamed("s"),
		&events.LinkExternalID{ExternalID: events.ExternalID{Element: events.ByName("t"), Scope: events.ByName("s"), Identifier: "1"}},
		&events.Upsert{Merge: true, Element: events.ElementSpec{Type: "Topic", QualifiedName: "t", Anchor: events.ByName(events.ExternalIDName("s", "1"))}},
		&events.Delete{Element: events.ByName("t"), Method: events.DeletePurge})
	if r := d.index.ByName(events.ExternalIDName("s", "1")); r != nil {
		t.Errorf("what is left is %s", r.State())
	}
}

// A relationship comes back with its ends, and not by its guid: that an unlinked one
// was dropped is no answer to who asked for an element.
func TestRestoringTheGUIDOfARelationship(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	link := events.RelationshipSpec{Type: "DataFlow", End1: events.ByName("a"), End2: events.ByName("b"), GUID: events.GUIDOf("flow")}
	d.must(t, topicNamed("a"), topicNamed("b"), &events.Link{Relationship: link}, &events.Unlink{GUID: link.GUID})
	if r, err := d.apply(&events.Restore{Element: events.ByGUID(link.GUID)}); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is wrong with a command is so whether or not the identifier is there.
func TestUnlinkingAnIdentifierFromARelationship(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	link := events.RelationshipSpec{Type: "DataFlow", End1: events.ByName("a"), End2: events.ByName("b"), GUID: events.GUIDOf("flow")}
	d.must(t, topicNamed("a"), topicNamed("b"), &events.Link{Relationship: link})
	id := events.ExternalID{Element: events.ByGUID(link.GUID), Scope: events.ByName("a"), Identifier: "1"}
	if r, err := d.apply(&events.UnlinkExternalID{ExternalID: id}); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("%+v, %v", r, err)
	}
}

// The event of a restoration tells the state before the deletion: that does not mean
// that it was so until then.
func TestAsOfBetweenDeletionAndRestoration(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(t, topicNamed("t"), &events.Delete{Element: events.ByName("t")}, topicNamed("other"), &events.Restore{Element: events.ByName("t")})
	for second, there := range map[int64]bool{1: true, 2: false, 3: false, 4: true} {
		a, err := d.index.Get(t.Context(), d.log, &events.Get{ElementRef: events.ByName("t"), AsOf: time.Unix(second, 0)})
		if there != (err == nil) || !there && events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("as of %d: %s, %v", second, a.Element, err)
		}
	}
}
