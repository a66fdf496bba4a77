package graph

import (
	"testing"

	"github.com/camena-io/camena/events"
)

func TestTextIsGatheredFoldedAndOnce(t *testing.T) {
	t.Parallel()
	e := &events.Element{Properties: events.Props(map[string]any{
		"displayName": "A.CSV", "description": "ÄÖ \"x\"", "name": "B", "resourceName": "", "secret": "s", "zzz": "z",
	})}
	e.Header.QualifiedName = "File::/a.csv"
	r := &record{name: e.Header.QualifiedName}
	state, from, to := appendElement(nil, e)
	r.keep(state, from, to)
	if got, want := string(r.AppendText(nil)), "file::/a.csv\xffäö \"x\"\xffb"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
