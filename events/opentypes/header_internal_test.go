package opentypes

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
	for path := range headerFields() {
		known[path] = true
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
