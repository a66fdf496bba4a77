package graph

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// BenchmarkStar links one element to very many: each link has to cost the same,
// however many there are.
func BenchmarkStar(b *testing.B) {
	for _, typ := range []string{"LinkedFile", "NestedFile", "DataFlow"} {
		for _, size := range []int{1000, 50_000} {
			b.Run(fmt.Sprintf("%s/%d", typ, size), func(b *testing.B) {
				for b.Loop() {
					star(b, typ, size)
				}
				b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "links/s")
			})
		}
	}
}

func star(tb testing.TB, typ string, size int) {
	tb.Helper()
	types, err := opentypes.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	x := index.New(types, slog.New(slog.DiscardHandler))
	p := NewPending(x, Rules{MaxState: 1 << 20})
	var sequence uint64
	apply := func(c events.Command) {
		sequence++
		o, err := p.Apply(&Request{ID: "c", Sequence: sequence, Time: time.Unix(1, 0).UTC(), Actor: "a"}, c)
		if err != nil {
			tb.Fatal(err)
		}
		p.Add(&o)
		o.Result.Sequence = sequence
		x.Commit(o.AppendStateChanges(nil, sequence, time.Unix(1, 0))...)
		p.Drop(&o)
	}
	apply(&events.Upsert{Element: events.ElementSpec{Type: "FileFolder", QualifiedName: "hub"}})
	for i := range size {
		leaf := fmt.Sprintf("leaf %d", i)
		apply(&events.Upsert{Element: events.ElementSpec{Type: "DataFile", QualifiedName: leaf}})
		apply(&events.Link{Relationship: events.RelationshipSpec{Type: typ, End1: events.ByName("hub"), End2: events.ByName(leaf)}})
	}
}
