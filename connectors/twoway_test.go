package connectors_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// catalog is a glossary connector on the real repository, and a steward who works
// there, too.
type catalog struct {
	*glossary
	t       *testing.T
	steward *connectors.Context
}

// actor makes a context for somebody.
func actor(t *testing.T, b *bus.Bus, name string, generation uint64) *connectors.Context {
	t.Helper()
	m := client.New(b, name)
	c := connectors.NewContext(connectors.Settings{
		Definition: events.Definition{ID: name, Name: name}, Generation: generation,
		Publisher: m, Asker: m, Follower: m, Positions: m,
	})
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func newCatalog(t *testing.T, permitted events.PermittedSynchronization) *catalog {
	t.Helper()
	b := runtimetest.NewBus(t, runtimetest.NewServer(t))
	repo, err := repository.New(repository.Settings{Node: "n1", Bus: b, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, repo.Serve)
	k := &catalog{glossary: &glossary{wiki: newWiki(), permitted: permitted}, t: t, steward: actor(t, b, "steward", 0)}
	if err := k.Start(t.Context(), actor(t, b, "wiki", 1)); err != nil {
		t.Fatal(err)
	}
	k.did(k.steward.Apply(k.ctx(), &events.Create{Element: events.ElementSpec{Type: "InventoryCatalog", QualifiedName: wikiScope}}))
	return k
}

func (k *catalog) ctx() context.Context {
	ctx, cancel := context.WithTimeout(k.t.Context(), 30*time.Second)
	k.t.Cleanup(cancel)
	return ctx
}

// did checks that a steward could do something, and lets the connector see it.
func (k *catalog) did(r events.Result, err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := events.Ask(k.ctx(), k.c, &events.Count{Find: events.Find{Page: events.Page{MinSequence: r.Sequence}}}); err != nil {
		k.t.Fatal(err)
	}
}

func (k *catalog) edit(title, text string) {
	k.t.Helper()
	k.did(k.steward.Apply(k.ctx(), &events.Upsert{Element: events.ElementSpec{
		Type: "GlossaryTerm", QualifiedName: termName + title, Properties: events.Props(map[string]any{"displayName": title, "description": text}),
	}}))
}

// decide sets the direction of the thing's identifier.
func (k *catalog) decide(title string, permitted any) {
	k.t.Helper()
	k.did(k.steward.Apply(k.ctx(), &events.LinkExternalID{
		ExternalID: events.ExternalID{Element: events.ByName(termName + title), Scope: events.ByName(wikiScope), Identifier: title},
		Link:       events.Props(map[string]any{"permittedSynchronization": permitted}),
	}))
}

func (k *catalog) refresh() {
	k.t.Helper()
	if err := k.Refresh(k.ctx()); err != nil {
		k.t.Fatal(err)
	}
}

// want checks what the two sides have; "-" is nothing.
func (k *catalog) want(when, title, inOpen, inWiki string) {
	k.t.Helper()
	have := "-"
	if e, err := k.steward.Element(k.ctx(), events.ByName(termName+title)); err == nil {
		have = e.Properties.String("description")
	}
	text, side := k.wiki.read(title)
	if side.Presence != connectors.Active {
		text = "-"
	}
	if have != inOpen || text != inWiki {
		k.t.Errorf("%s: open metadata has %q, the wiki %q; want %q and %q", when, have, text, inOpen, inWiki)
	}
}

// settled checks that nothing is left to be done.
func (k *catalog) settled(when string) {
	k.t.Helper()
	before := k.version("order")
	_, page := k.wiki.read("order")
	k.refresh()
	if _, after := k.wiki.read("order"); after != page || k.version("order") != before {
		k.t.Errorf("%s: synchronized again, though nothing has changed", when)
	}
	if len(k.c.Conflicts()) != 0 {
		k.t.Errorf("%s: %v", when, k.c.Conflicts())
	}
}

func (k *catalog) version(title string) int64 {
	e, err := k.steward.Element(k.ctx(), events.ByName(termName+title))
	if err != nil {
		return 0
	}
	return e.Header.Versions.Version
}

func TestTwoWaysChangesGoToTheOtherSide(t *testing.T) {
	t.Parallel()
	k := newCatalog(t, events.SyncBoth)
	k.wiki.write("order", "of the wiki")
	k.edit("invoice", "of the steward")
	k.refresh()
	k.want("new in the wiki", "order", "of the wiki", "of the wiki")
	k.want("new in open metadata", "invoice", "of the steward", "of the steward")
	k.settled("new on both sides")
	k.wiki.write("order", "changed there")
	k.edit("invoice", "changed here")
	k.refresh()
	k.want("changed in the wiki", "order", "changed there", "changed there")
	k.want("changed in open metadata", "invoice", "changed here", "changed here")
	k.settled("changed on both sides")
}

// Both have changed: that thing is halted and shown, the others go on, and a
// steward says which one wins.
func TestTwoWaysAConflictWaitsForASteward(t *testing.T) {
	t.Parallel()
	for winner, want := range map[events.PermittedSynchronization]string{events.SyncTo: "mine", events.SyncFrom: "theirs"} {
		k := newCatalog(t, "")
		k.wiki.write("order", "first")
		k.wiki.write("invoice", "first")
		k.refresh()
		k.edit("order", "mine")
		k.wiki.write("order", "theirs")
		k.wiki.write("invoice", "second")
		for range 2 {
			k.refresh()
			k.want("both have changed", "order", "mine", "theirs")
			k.want("another one", "invoice", "second", "second")
		}
		if p := k.c.Problems()["conflict order"]; !strings.Contains(p, "changed in the third party") || k.c.Statistics()["conflicts"] != 1 {
			t.Errorf("shown is %v, %v", k.c.Problems(), k.c.Statistics())
		}
		k.decide("order", winner)
		k.refresh()
		k.want("decided", "order", want, want)
		k.decide("order", nil)
		k.settled("decided")
		k.edit("order", "later")
		k.refresh()
		k.want("changed later", "order", "later", "later")
	}
}

// What a steward changes while the connector is between reading and recording is
// not taken for what was synchronized.
func TestTwoWaysNoChangeIsLostInBetween(t *testing.T) {
	t.Parallel()
	k := newCatalog(t, events.SyncBoth)
	k.edit("order", "v1")
	id := events.ExternalID{Element: events.ByName(termName + "order"), Scope: events.ByName(wikiScope), Identifier: "order"}
	thing, err := k.c.Counterpart(k.ctx(), id)
	if err != nil {
		t.Fatal(err)
	}
	thing.ThirdParty = k.wiki.write("order", "v1")
	k.edit("order", "v2") // before the record
	k.did(k.c.RecordSynchronized(k.ctx(), thing))
	k.refresh()
	k.want("changed before the record", "order", "v2", "v2")

	// The other way: what was decided about is there no longer.
	k.wiki.write("order", "v3")
	if thing, err = k.c.Counterpart(k.ctx(), id); err != nil {
		t.Fatal(err)
	}
	text, side := k.wiki.read("order")
	thing.ThirdParty = side
	k.edit("order", "mine")
	write := &events.Update{Element: id.Element, Properties: events.Props(map[string]any{"description": text})}
	if _, err := k.c.RecordSynchronized(k.ctx(), thing, write); events.CodeOf(err) != events.CodeConflict {
		t.Errorf("the steward's change is written over: %v", err)
	}
	k.refresh()
	k.want("changed before the write", "order", "mine", "v3")
	if len(k.c.Conflicts()) != 1 {
		t.Errorf("no conflict is shown: %v", k.c.Conflicts())
	}
}

func TestTwoWaysDeletionsFollowTheDirection(t *testing.T) {
	t.Parallel()
	const there, gone = "text", "-"
	for _, c := range []struct {
		permitted events.PermittedSynchronization
		lost      string // by which side
		want      string
	}{
		{events.SyncBoth, "wiki", gone},
		{events.SyncFrom, "wiki", gone},
		{events.SyncTo, "wiki", there},
		{events.SyncBoth, "open", gone},
		{events.SyncFrom, "open", there},
		{events.SyncTo, "open", gone},
		{events.SyncBoth, "archive", gone},
		{events.SyncFrom, "archive", there},
		{events.SyncTo, "archive", gone},
	} {
		t.Run(string(c.permitted)+" "+c.lost, func(t *testing.T) {
			t.Parallel()
			k := newCatalog(t, events.SyncBoth)
			k.wiki.write("order", there)
			k.refresh()
			k.permitted = c.permitted
			switch c.lost {
			case "wiki":
				k.wiki.remove("order")
			case "archive":
				k.did(k.steward.Apply(k.ctx(), &events.Delete{Element: events.ByName(termName + "order"), Method: events.DeleteArchive}))
			default:
				k.did(k.steward.Apply(k.ctx(), &events.Delete{Element: events.ByName(termName + "order")}))
			}
			k.refresh()
			if c.lost == "archive" && c.want == gone {
				k.want("archived", "order", there, gone) // it is still shown to who asks for it by name
			} else {
				k.want("lost by "+c.lost, "order", c.want, c.want)
			}
			k.settled("lost by " + c.lost)
		})
	}
}

// A page that comes back, or changes while the element is deleted, is not lost.
func TestTwoWaysDeletedAndChangedIsAConflict(t *testing.T) {
	t.Parallel()
	k := newCatalog(t, events.SyncBoth)
	k.wiki.write("order", "first")
	k.refresh()
	k.did(k.steward.Apply(k.ctx(), &events.Delete{Element: events.ByName(termName + "order")}))
	k.wiki.write("order", "second")
	k.refresh()
	k.want("deleted here, changed there", "order", "-", "second")
	if len(k.c.Conflicts()) != 1 {
		t.Errorf("no conflict is shown: %v", k.c.Conflicts())
	}
	// The steward brings it back: now there is a link again to decide with.
	k.did(k.steward.Apply(k.ctx(), &events.Restore{Element: events.ByName(termName + "order")}))
	k.decide("order", events.SyncFrom)
	k.refresh()
	k.want("restored", "order", "second", "second")
}

func TestCounterpartsSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	k := newCatalog(t, events.SyncBoth)
	scope, err := k.steward.Element(k.ctx(), events.ByName(wikiScope))
	if err != nil {
		t.Fatal(err)
	}
	order := events.ExternalID{Element: events.ByName(termName + "order"), Scope: events.ByGUID(scope.Header.GUID)}
	read := func(id events.ExternalID) *connectors.Counterpart {
		t.Helper()
		thing, err := k.c.Counterpart(k.ctx(), id)
		if err != nil {
			t.Fatal(err)
		}
		return thing
	}
	if p := read(order); p.Element != nil || p.Open != (connectors.Side{}) || p.Link != nil {
		t.Errorf("before it is there: %+v", p)
	}
	k.edit("order", "text")
	k.decide("order", nil)
	if p := read(order); p.Open.Presence != connectors.Active || p.ID.Identifier != "order" || *p.Link != (connectors.SyncLink{}) {
		t.Errorf("identified: %+v, %+v", p, p.Link)
	}
	other := order
	other.Identifier = "another one"
	if p := read(other); p.Element == nil || p.Link != nil {
		t.Errorf("by another identifier: %+v", p)
	}
	want := connectors.SyncLink{Permitted: events.SyncTo, LastSynchronized: at(9), OpenChanged: at(7), ThirdPartyChanged: at(8)}
	order.Identifier = "order"
	k.did(k.steward.Apply(k.ctx(), &events.ConfirmSynchronization{
		ExternalID: order, Time: want.LastSynchronized, OpenChanged: want.OpenChanged, ThirdPartyChanged: want.ThirdPartyChanged,
	}))
	k.decide("order", events.SyncTo)
	if p := read(order); *p.Link != want {
		t.Errorf("recorded: %+v, want %+v", p.Link, want)
	}
	k.did(k.steward.Apply(k.ctx(), &events.Delete{Element: order.Element}))
	if p := read(order); p.Element != nil || p.Open.Presence != connectors.Deleted || time.Since(p.Open.Changed).Abs() > time.Hour || *p.Link != want {
		t.Errorf("deleted: %+v, %+v", p, p.Link)
	}
	k.did(k.steward.Apply(k.ctx(), &events.UnlinkExternalID{ExternalID: order}))
	if p := read(order); p.Open.Presence != connectors.Deleted || p.Link != nil {
		t.Errorf("forgotten: %+v", p)
	}
	order.Scope = events.ByGUID(events.GUIDOf("nothing"))
	if _, err := k.c.Counterpart(k.ctx(), order); err == nil || !strings.Contains(err.Error(), "scope") {
		t.Errorf("no scope: %v", err)
	}
}

func TestSyncLinkOfWhatIsNone(t *testing.T) {
	t.Parallel()
	link := &events.Relationship{Header: events.ElementHeader{GUID: "g", Type: events.ElementType{Name: "DataFlow"}}}
	if _, err := connectors.SyncLinkOf(link); err == nil || !strings.Contains(err.Error(), "DataFlow") {
		t.Errorf("of another type: %v", err)
	}
	link.Header.Type.Name = "ExternalIdLink"
	link.Properties = events.Props(map[string]any{"lastSynchronized": 7})
	if _, err := connectors.SyncLinkOf(link); err == nil || !strings.Contains(err.Error(), "lastSynchronized") {
		t.Errorf("no date: %v", err)
	}
}

// Without a reader that knows history, or with a bus that is away.
func TestCounterpartsWithoutHistory(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	defer closeContext(t, c)
	p, err := c.Counterpart(t.Context(), events.ExternalID{Element: events.ByName("a"), Scope: events.ByName("s"), Identifier: "1"})
	if err != nil || p.Open != (connectors.Side{}) || p.Link != nil {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err := c.ForgetSynchronized(t.Context(), p); err != nil || len(b.taken()) != 1 {
		t.Errorf("got %v", err)
	}
	p.ID.Identifier = ""
	if _, err := c.ForgetSynchronized(t.Context(), p); err != nil || len(b.taken()) != 0 {
		t.Errorf("there is nothing to forget: %v", err)
	}
	if _, err := c.Counterpart(t.Context(), events.ExternalID{Element: events.ByName("broken")}); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

// Where only the third party may be written, that can be recorded all the same.
func TestRecordingIsPermittedInEveryDirection(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{PermittedSynchronization: events.SyncTo}, 0)
	defer closeContext(t, c)
	p, err := c.Counterpart(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	p.ThirdParty = active(7)
	if _, err := c.RecordSynchronized(t.Context(), p); err != nil || len(b.taken()) != 1 {
		t.Error(err)
	}
	if _, err := c.RecordSynchronized(t.Context(), p, someCommand); !errors.Is(err, connectors.ErrDirection) || len(b.taken()) != 0 {
		t.Errorf("with a command: %v", err)
	}
}
