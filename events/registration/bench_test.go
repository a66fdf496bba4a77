package registration_test

import (
	"strconv"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
)

// BenchmarkDefinitions gathers the definitions of ten thousand connectors,
// each with elements of its own, after one of them changed.
func BenchmarkDefinitions(b *testing.B) {
	view := &registration.View{}
	var last *events.Element
	for i := range 10_000 {
		m := complete(props{"refreshSchedule": "@every 10s"})
		for _, e := range m.elements {
			e.Header.GUID += strconv.Itoa(i)
			view.Element(e)
			last = e
		}
		for _, r := range m.relationships {
			r.Header.GUID += strconv.Itoa(i)
			r.End1.GUID += strconv.Itoa(i)
			r.End2.GUID += strconv.Itoa(i)
			view.Relationship(r)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		view.Element(last)
		if definitions, _ := view.Definitions(); len(definitions) != 10_000 {
			b.Fatalf("%d", len(definitions))
		}
	}
}
