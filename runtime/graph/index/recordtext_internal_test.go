package index

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

func TestTextIsGatheredFoldedAndOnce(t *testing.T) {
	t.Parallel()
	e := &events.Element{Properties: events.Props(map[string]any{
		"displayName": "A.CSV", "description": "ÄÖ \"x\"", "name": "B", "resourceName": "", "secret": "s", "zzz": "z",
	})}
	e.Header.QualifiedName = "File::/a.csv"
	e.Header.GUID = events.GUIDOf("File::/a.csv")
	state, err := events.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseState(&opentypes.Registry{}, state, false)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.AppendText(nil)), "file::/a.csv\xffäö \"x\"\xffb"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAStateWithTheNilGUIDIsDamage(t *testing.T) {
	t.Parallel()
	state := []byte(`{"header":{"guid":"00000000-0000-0000-0000-000000000000","type":{"typeName":"Topic"}}}`)
	if r, err := parseState(&opentypes.Registry{}, state, false); err == nil {
		t.Errorf("read as %s", r.GUID)
	}
}
