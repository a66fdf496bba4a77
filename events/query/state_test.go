package query_test

import (
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

func TestPropertyWhateverTheTypesSay(t *testing.T) {
	t.Parallel()
	state := row([]byte(`{"properties":{"colour":"red","properties":{"size":1}}}`))
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
		if got := row(raw).Value("header.versions.changeTime"); string(got) != want {
			t.Errorf("version %d: got %s, want %s", v.Version, got, want)
		}
	}
}
