package opentypes_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// csvFile are the properties of a file as a connector writes them.
func csvFile(tb testing.TB) events.Properties {
	tb.Helper()
	return properties(tb, `{"deployedImplementationType":"CSV file","description":"Every order that a customer placed.","displayName":"orders.csv",
		"encoding":"UTF-8","fileExtension":"csv","fileName":"orders.csv","fileType":"CSV File","modifiedTime":"2026-01-02T03:04:05Z",
		"pathName":"/srv/data/warehouse/2026/orders.csv","resourceName":"orders.csv","size":1000}`)
}

// column are properties with a map, an array, an enum and numbers.
func column(tb testing.TB) events.Properties {
	tb.Helper()
	return properties(tb, `{"additionalProperties":{"collation":"C","storage":"plain","toast":"off"},"aliases":["no","nr","number"],"allowsDuplicateValues":false,
		"description":"The number of the order.","displayName":"id","isNullable":false,"length":64,"position":1,"precision":0,"sortOrder":"UNSORTED"}`)
}

func TestCheckDoesNotAllocate(t *testing.T) { //nolint:paralleltest // it counts allocations
	r := builtin(t)
	for name, p := range map[string]events.Properties{"CSVFile": csvFile(t), "RelationalColumn": column(t)} {
		typ, err := r.Element(name, "")
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := typ.Check(p, opentypes.CheckOptions{Pointer: "/element/properties"}); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %f allocations", name, n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	r := builtin(b)
	for name, p := range map[string]events.Properties{"CSVFile": csvFile(b), "RelationalColumn": column(b)} {
		typ, err := r.Element(name, "")
		if err != nil {
			b.Fatal(err)
		}
		attributes := 0
		for m := p.Members(); m.Next(); {
			attributes++
		}
		for mode, o := range map[string]opentypes.CheckOptions{"strict": {}, "partial": {Partial: true}, "lenient": {Lenient: true}} {
			b.Run(name+"/"+mode, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := typ.Check(p, o); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*attributes), "ns/attribute")
			})
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	r := builtin(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Element("RelationalColumn", "/element/type"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckEnds(b *testing.B) {
	r := builtin(b)
	folder, _ := r.Element("DataFolder", "")
	file, _ := r.Element("CSVFile", "")
	nested, _ := r.Relationship("NestedFile", "")
	b.ReportAllocs()
	for b.Loop() {
		if err := nested.CheckEnds(folder.Header(), file.Header(), "/relationship"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuiltin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opentypes.Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyOne(b *testing.B) {
	r := builtin(b)
	d := events.TypeDef{Kind: events.KindElement, Name: "IcebergTable", SuperType: "DataSet"}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Apply(d); err != nil {
			b.Fatal(err)
		}
	}
}
