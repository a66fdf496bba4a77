package repository_test

import (
	"testing"

	"github.com/camena-io/camena/events"
)

func externalID(element, scope, identifier string) events.ExternalID {
	return events.ExternalID{Element: events.ByName(element), Scope: events.ByName(scope), Identifier: identifier}
}

// The scope ends where it ends, whatever is in its name.
func TestIdentifiersOfDifferentScopesAreDifferent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	guids := map[string]bool{}
	b.must(t, file("f", 1))
	for scope, identifier := range map[string]string{"crm": "eu::1", "crm::eu": "1", "crm%3A%3Aeu": "1", "crm:": ":eu::1"} {
		r := b.must(t, upsert("InventoryCatalog", scope, nil), &events.LinkExternalID{ExternalID: externalID("f", scope, identifier)})
		guids[r.GUID] = true
	}
	if len(guids) != 4 {
		t.Errorf("4 identifiers have %d elements", len(guids))
	}
}

// An identifier is shared by whoever links something to it; the links are theirs.
func TestAnIdentifierIsSharedAmongSources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("InventoryCatalog", "crm", nil), file("f", 1), file("g", 1), file("h", 1))
	one, two := []string{events.ExtMetadataSource, "s1"}, []string{events.ExtMetadataSource, "s2"}
	done := func(c events.Command, as ...string) events.Result {
		t.Helper()
		r := b.apply(t, c, as...)
		if r.Error != nil {
			t.Fatal(r.Error)
		}
		return r
	}
	linking := func(element string) *events.LinkExternalID {
		return &events.LinkExternalID{ExternalID: externalID(element, "crm", "77")}
	}
	removing := func(element string) *events.UnlinkExternalID {
		return &events.UnlinkExternalID{ExternalID: externalID(element, "crm", "77")}
	}
	first := done(linking("f"), one...)
	for _, r := range []events.Result{done(linking("g"), two...), done(linking("h"), events.ExtScope, "z")} {
		if r.GUID != first.GUID || r.Version != 1 || !r.Changed {
			t.Errorf("linked: %+v", r)
		}
	}
	done(&events.ConfirmSynchronization{ExternalID: externalID("g", "crm", "77")}, two...)
	change := linking("g")
	change.Properties = events.Props(map[string]any{"keyPattern": "STABLE_KEY"})
	b.refused(t, change, events.CodeRefused, events.ExtMetadataSource, "belongs to the metadata source s1", two...)
	b.refused(t, removing("f"), events.CodeRefused, events.ExtMetadataSource, "s1", two...)

	const name = "ExternalId::crm::77"
	done(removing("f"), one...)
	done(removing("h"))
	if r := done(removing("g"), two...); !r.Changed || r.Version != 1 || b.state(t, name, r) == nil {
		t.Errorf("who does not own it has removed it: %+v", r)
	}
	done(linking("g"), two...)
	done(removing("g"), two...)
	done(linking("f"), one...)
	if r := done(removing("f"), one...); b.state(t, name, r) != nil {
		t.Error("the last link is gone, and the identifier still there")
	}
}

// Of what is purged, no identifier tells either; but one that others have stays.
func TestPurgingTakesIdentifiersAlong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	linking := func(element, identifier string) *events.LinkExternalID {
		return &events.LinkExternalID{ExternalID: externalID(element, "crm", identifier)}
	}
	b.must(t, upsert("InventoryCatalog", "crm", nil), file("f", 1), file("g", 1), linking("f", "own"), linking("f", "shared"), linking("g", "shared"))
	b.apply(t, linking("f", "theirs"), events.ExtMetadataSource, "s")
	b.must(t, &events.Delete{Element: events.ByName("f")}, &events.Restore{Element: events.ByName("f")})
	if got := b.related(t, "f"); len(got) != 3 {
		t.Fatalf("f is related to %v", got)
	}
	r := b.must(t, &events.Delete{Element: events.ByName("f"), Method: events.DeletePurge})
	for identifier, stays := range map[string]bool{"own": false, "shared": true, "theirs": true} {
		if e := b.state(t, "ExternalId::crm::"+identifier, r); (e != nil) != stays {
			t.Errorf("%s: %+v", identifier, e)
		}
	}
}

// An identifier outlives the scope that it was given in, and can still be removed.
func TestAnIdentifierIsRemovedAfterItsScope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := externalID("f", "crm", "17")
	b.must(t, upsert("InventoryCatalog", "crm", nil), file("f", 1), &events.LinkExternalID{ExternalID: id}, &events.Delete{Element: events.ByName("crm")})
	gone := b.must(t, &events.UnlinkExternalID{ExternalID: id})
	if e := b.state(t, "ExternalId::crm::17", gone); !gone.Changed || e != nil {
		t.Errorf("%+v, and there is %+v", gone, e)
	}
}
