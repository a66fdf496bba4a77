package events_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

// Every value that a header can hold is one that a condition may name.
func TestHeaderFields(t *testing.T) {
	t.Parallel()
	now := time.Now()
	raw, err := events.Marshal(&events.ElementHeader{
		GUID: "g", QualifiedName: "q", AnchorGUID: "a", Zones: []string{"z"},
		Type:        events.ElementType{Name: "T", SuperTypes: []string{"S"}},
		Versions:    events.Versions{CreatedBy: "c", CreateTime: now, UpdatedBy: "u", UpdateTime: now, Version: 1},
		Origin:      events.Origin{Category: events.OriginLocal, Source: "s", Scope: "s"},
		Effectivity: events.Effectivity{From: now, To: now},
	})
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]bool{}
	gather(events.MembersOf(raw), "", paths)
	known := map[string]bool{}
	for _, f := range events.HeaderFields() {
		known[f.Path] = true
		if _, err := events.ParseValueType(f.Type); err != nil {
			t.Error(f, err)
		}
	}
	paths["versions.changeTime"] = true // which is another one of them
	if !maps.Equal(paths, known) {
		t.Errorf("got %v\nwant %v", slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(paths)))
	}
}

func gather(members events.Members, prefix string, into map[string]bool) {
	for members.Next() {
		if members.Value().Kind() == '{' {
			gather(events.MembersOf(members.Value()), prefix+members.Name()+".", into)
			continue
		}
		into[prefix+members.Name()] = true
	}
}

func TestPropertyWhateverTheTypesSay(t *testing.T) {
	t.Parallel()
	state := events.StateOf([]byte(`{"properties":{"colour":"red","properties":{"size":1}}}`))
	for property, want := range map[string]string{"properties.colour": `"red"`, "properties.size": "1", "properties.nobody": "", "colour": `"red"`} {
		if got := state.Value(property); string(got) != want {
			t.Errorf("%s: got %s, want %s", property, got, want)
		}
	}
}

func TestChangeTimeIsThatOfTheLastVersion(t *testing.T) {
	t.Parallel()
	created, updated := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	for want, v := range map[string]events.Versions{
		`"2026-05-01T00:00:00Z"`: {CreateTime: created, Version: 1},
		`"2026-05-02T00:00:00Z"`: {CreateTime: created, UpdateTime: updated, Version: 2},
	} {
		raw, err := events.Marshal(&events.Element{Header: events.ElementHeader{GUID: "g", Versions: v}})
		if err != nil {
			t.Fatal(err)
		}
		if got := events.StateOf(raw).Value("header.versions.changeTime"); string(got) != want {
			t.Errorf("version %d: got %s, want %s", v.Version, got, want)
		}
	}
}
