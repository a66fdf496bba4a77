package repository_test

import (
	"maps"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

// recorded is what a link to an external identifier says of synchronization.
func (b *bundle) recorded(tb testing.TB, element string, after events.Result) map[string]string {
	tb.Helper()
	a, err := events.Ask(tb.Context(), b.metadata, &events.Related{
		ElementRef: events.ByName(element), Relationship: "ExternalIdLink", Page: events.Page{MinSequence: after.Sequence},
	})
	if err != nil || len(a.Related) != 1 {
		tb.Fatalf("%s is linked to %+v, %v", element, a.Related, err)
	}
	said := map[string]string{}
	for _, name := range []string{"lastSynchronized", "openChanged", "thirdPartyChanged"} {
		said[name] = a.Related[0].Relationship.Properties.String(name)
	}
	return said
}

// What is confirmed is what was synchronized, also where it has changed since.
func TestConfirmingKeepsWhatWasSynchronized(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.must(t, upsert("InventoryCatalog", "erp", nil), file("f", 1))
	read := b.state(t, "f", r)
	b.must(t, file("f", 2)) // a steward, before the connector confirms
	id := events.ExternalID{Element: events.ByName("f"), Scope: events.ByName("erp"), Identifier: "4711"}
	moment := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)
	stamp := func(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

	r = b.must(t, &events.LinkExternalID{ExternalID: id}, &events.ConfirmSynchronization{
		ExternalID: id, Time: moment, OpenChanged: read.Header.Versions.CreateTime, ThirdPartyChanged: moment.Add(-time.Hour),
	})
	want := map[string]string{"lastSynchronized": stamp(moment), "openChanged": stamp(read.Header.Versions.CreateTime), "thirdPartyChanged": stamp(moment.Add(-time.Hour))}
	if got := b.recorded(t, "f", r); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	// Whoever says nothing of that means the state that it had then.
	r = b.must(t, &events.ConfirmSynchronization{ExternalID: id})
	changed := b.state(t, "f", r).Header.Versions.UpdateTime
	if got := b.recorded(t, "f", r); got["openChanged"] != stamp(changed) || got["thirdPartyChanged"] != "" {
		t.Errorf("without a state: got %v, want %s", got, stamp(changed))
	}
	for at, state := range map[time.Time]string{changed: stamp(changed), changed.Add(time.Hour): stamp(changed), changed.Add(-1): ""} {
		r = b.must(t, &events.ConfirmSynchronization{ExternalID: id, Time: at})
		want = map[string]string{"lastSynchronized": stamp(at), "openChanged": state, "thirdPartyChanged": ""}
		if got := b.recorded(t, "f", r); !maps.Equal(got, want) {
			t.Errorf("at a time: got %v, want %v", got, want)
		}
	}

	// In a change set that is the one that it has written.
	r = b.must(t, set(t, file("f", 3), &events.ConfirmSynchronization{ExternalID: id}))
	written := b.state(t, "f", r).Header.Versions.UpdateTime
	if got := b.recorded(t, "f", r); got["openChanged"] != stamp(written) || got["lastSynchronized"] != stamp(written) {
		t.Errorf("in a change set: got %v, want %s", got, stamp(written))
	}
}

// An identifier of what is gone can be taken back, so that who gets it later
// begins anew.
func TestAnIdentifierOfWhatIsGoneIsRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("InventoryCatalog", "erp", nil), file("f", 1), file("g", 1))
	id := func(name string) events.ExternalID {
		return events.ExternalID{Element: events.ByName(name), Scope: events.ByName("erp"), Identifier: "4711"}
	}
	b.must(t, &events.LinkExternalID{ExternalID: id("f")}, &events.LinkExternalID{ExternalID: id("g")}, &events.Delete{Element: events.ByName("f")})
	const name = "ExternalId::erp::4711"
	if r := b.must(t, &events.UnlinkExternalID{ExternalID: id("f")}); b.state(t, name, r) == nil {
		t.Error("what another element has is removed")
	}
	r := b.must(t, &events.Delete{Element: events.ByName("g")})
	if b.state(t, name, r) == nil {
		t.Error("an identifier goes with the element")
	}
	if r := b.must(t, &events.UnlinkExternalID{ExternalID: id("g")}); b.state(t, name, r) != nil {
		t.Error("an identifier of nothing stays")
	}
	if r := b.must(t, &events.UnlinkExternalID{ExternalID: id("g")}); r.Changed {
		t.Errorf("removed again: %+v", r)
	}
}
