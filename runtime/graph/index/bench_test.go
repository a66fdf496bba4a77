package index_test

import (
	"fmt"
	"testing"

	"github.com/camena-io/camena/events"
)

// BenchmarkFind asks an index of 20,000 elements for a page of 100, and for all of a
// count.
func BenchmarkFind(b *testing.B) {
	const elements = 20_000
	d := newDesk(b)
	commands := make([]events.Command, elements)
	for i := range commands {
		u := topicNamed(fmt.Sprintf("Topic::%05d", i))
		u.Element.Properties = events.Props(map[string]any{
			"displayName": fmt.Sprintf("topic %d", i*7919%elements), "description": fmt.Sprintf("of team %d", i%100),
		})
		commands[i] = u
	}
	d.must(b, commands...)
	team := events.Compare("description", events.OpEqual, "of team 42")
	for _, bench := range []struct {
		name string
		find events.Find
	}{
		{"name prefix", events.Find{NamePrefix: "Topic::04711"}},
		{"condition", events.Find{Where: &team}},
		{"sorted", events.Find{Sort: []events.SortKey{{Property: "displayName"}}}},
		{"condition and sorted", events.Find{Where: &team, Sort: []events.SortKey{{Property: "displayName"}}}},
		{"text", events.Find{Text: "topic 4711"}},
	} {
		bench.find.Page.Limit = 100
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if a, err := d.index.Find(b.Context(), &bench.find, 1<<20); err != nil || len(a.Elements) == 0 {
					b.Fatalf("got %d elements, %v", len(a.Elements), err)
				}
			}
		})
		b.Run(bench.name+", counted", func(b *testing.B) {
			for b.Loop() {
				if _, err := d.index.Count(b.Context(), &bench.find); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
