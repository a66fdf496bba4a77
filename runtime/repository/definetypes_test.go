package repository_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func pump() events.TypeDef {
	return events.TypeDef{
		Kind: events.KindElement, Name: "Pump", SuperType: "Asset", Description: "A pump.",
		Attributes: []events.AttributeDef{{Name: "litresPerMinute", Type: "int", Description: "What it does."}},
	}
}

// Types travel on the bus like any other metadata: whoever reads the out topic
// has them.
func TestTypesAreDefinedOnTheBus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	element := upsert("Pump", "p", map[string]any{"litresPerMinute": 3})
	b.refused(t, element, events.CodeUnknownType, "/element/type", "Pump")
	r := b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump()}}, element)
	if e := b.state(t, "p", r); e == nil || !e.Header.Type.Is("Asset") {
		t.Errorf("got %+v", e)
	}
	if r := b.must(t, &events.DefineTypes{Types: []events.TypeDef{pump()}}); r.Changed {
		t.Errorf("defined again: %+v", r)
	}
	narrow := pump()
	narrow.Attributes[0].Type = "string"
	b.refused(t, &events.DefineTypes{Types: []events.TypeDef{narrow}}, events.CodeConflict, "/types/0/attributes/0/type", "int")

	wider := pump()
	wider.Attributes = append(wider.Attributes, events.AttributeDef{Name: "maker", Type: "string", Description: "Who made it."})
	last := b.must(t, &events.DefineTypes{Types: []events.TypeDef{wider}}, upsert("Pump", "q", map[string]any{"maker": "m"}))

	follower, err := repository.New(repository.Settings{Node: "n2", LeaseKey: "another", Bus: b.bus, Types: looseTypes(t), Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	stop := runtimetest.Run(t, follower.Serve)
	runtimetest.Eventually(t, "the other node has read everything", func() bool { return follower.Sequence() >= last.Sequence })
	for _, q := range []events.Find{{Type: "Pump"}, {Type: "Asset"}} {
		if got := b.names(t, q); len(got) != 2 {
			t.Errorf("%s: got %v", q.Type, got)
		}
	}
	stop()
}

func TestTypesAreDefinedAllOrNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	orphan := events.TypeDef{Kind: events.KindElement, Name: "Orphan", SuperType: "Nobody", Description: "Of nobody."}
	r := b.apply(t, &events.DefineTypes{Types: []events.TypeDef{pump(), orphan}})
	if r.Error == nil || r.Error.Pointer != "/types/1/superType" {
		t.Errorf("got %+v", r)
	}
	b.refused(t, upsert("Pump", "p", nil), events.CodeUnknownType, "/element/type", "Pump")
}
