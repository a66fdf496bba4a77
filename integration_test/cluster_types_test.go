package integration_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// The applications send elements of types that they define themselves: elements with
// counters, with names and without.
const (
	counter  = "Counter"
	counting = "Counting"
	counted  = "Counted"
)

func defineCounters(t *testing.T, m *client.Client) {
	t.Helper()
	const root = "OpenMetadataRoot"
	attributes := []events.AttributeDef{
		{Name: "n", Type: "long", Description: "How many changes its sender has sent."},
		{Name: "description", Type: "string", Description: "Its sender."},
	}
	end := &events.EndDef{Type: root, Name: "counts", Cardinality: events.CardinalityMany}
	e, err := events.NewCommand("/operator", &events.DefineTypes{Types: []events.TypeDef{
		{Kind: events.KindElement, Name: counter, SuperType: root, Description: "It counts.", Attributes: attributes},
		{Kind: events.KindRelationship, Name: counting, Description: "They count together.", Attributes: attributes[:1], End1: end, End2: end},
		{Kind: events.KindClassification, Name: counted, Description: "It was counted.", Attributes: attributes[:1], ValidFor: []string{root}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := m.Request(t.Context(), e); err != nil || r.Error != nil {
		t.Fatal(r.Error, err)
	}
}
