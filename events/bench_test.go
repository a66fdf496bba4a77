package events_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

// upsert1K returns a command of about 1 KiB with ten properties.
func upsert1K(tb testing.TB) *events.Upsert {
	tb.Helper()
	return &events.Upsert{Merge: true, Element: events.ElementSpec{
		Type: "RelationalTable", QualifiedName: "PostgreSQL:db.example.org:5432:sales:public:orders",
		Properties: events.Props(map[string]any{
			"displayName":                "orders",
			"description":                strings.Repeat("Every order that a customer placed. ", 12),
			"deployedImplementationType": "PostgreSQL table",
			"estimatedRows":              12_345_678,
			"isPartitioned":              true,
			"owner":                      "sales",
			"created":                    time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
			"additionalProperties":       map[string]any{"tablespace": "pg_default", "toast": true},
			"tags":                       []string{"gold", "pii", "daily"},
			"sizeInBytes":                9_876_543_210,
		}),
		Zones:           []string{"sales", "finance"},
		Classifications: []events.Classification{{Name: "Confidentiality", Properties: events.Props(map[string]any{"level": 3})}},
	}}
}

func command1K(tb testing.TB) events.Event {
	tb.Helper()
	e, err := events.NewCommand("/connectors/postgres-sales", upsert1K(tb))
	if err != nil {
		tb.Fatal(err)
	}
	e.SetExtension(events.ExtActor, "postgres-sales")
	e.SetExtension(events.ExtConnector, "0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10")
	e.SetExtension(events.ExtGeneration, "7")
	e.SetExtension(events.ExtMetadataSource, "PostgreSQL:db.example.org:5432")
	e.SetExtension(events.ExtScope, "sales.public")
	return e
}

func BenchmarkDecode(b *testing.B) {
	e := command1K(b)
	sent := map[string][]string{}
	body, err := events.Encode(&e, sent)
	if err != nil {
		b.Fatal(err)
	}
	canonical := map[string][]string{}
	for name, values := range sent {
		canonical["Ce-"+strings.ToUpper(name[3:4])+name[4:]] = values
	}
	for name, header := range map[string]map[string][]string{"as we send it": sent, "as HTTP spells it": canonical} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := events.Decode(header, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	structured, err := events.EncodeStructured(&e)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("structured", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := events.Decode(nil, structured); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeCommand(b *testing.B) {
	e := command1K(b)
	unsorted := e
	unsorted.Data = reversed(b, e.Data)
	for name, e := range map[string]events.Event{"canonical": e, "names in another order": unsorted} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(e.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := events.DecodeCommand(&e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// reversed writes the properties of an upsert in reverse order and with white space.
func reversed(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var c struct {
		Element map[string]json.RawMessage `json:"element"`
		Merge   bool                       `json:"merge"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		tb.Fatal(err)
	}
	var p map[string]json.RawMessage
	if err := json.Unmarshal(c.Element["properties"], &p); err != nil {
		tb.Fatal(err)
	}
	var out strings.Builder
	for name := range maps.Keys(p) {
		if out.Len() > 0 {
			out.WriteString(", ")
		}
		out.WriteString(`"` + name + `": ` + string(p[name]))
	}
	c.Element["properties"] = json.RawMessage("{" + out.String() + "}")
	data, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func BenchmarkEncode(b *testing.B) {
	e := command1K(b)
	b.SetBytes(int64(len(e.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Encode(&e, map[string][]string{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewCommand(b *testing.B) {
	c := upsert1K(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.NewCommand("/connectors/postgres-sales", c); err != nil {
			b.Fatal(err)
		}
	}
}
