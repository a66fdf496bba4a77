package egeria_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// FuzzCheck reads anything as an open metadata archive. What it says does not
// depend on anything else, its counts add up, places are within the archive, and
// what is taken can be sent.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(willow(f)))
	f.Add([]byte(store("entities", entity(library, named("a"), `,"classifications":[{"name":"Anchors"},null]`))))
	f.Add([]byte(store("relationships", relationship(branch, library, gone, ""))))
	f.Add([]byte(store("classifications", extension("ZoneMembership", gone))))
	f.Add([]byte(typeStore(house("Hen", "Egg", "")+","+house("Egg", "Hen", ""), `{"typeName":"Hen"}`)))
	f.Add([]byte("{\"archiveProperties\":{\"creationDate\":1e9}}\n\n"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		settings := egeria.Settings{Elements: having(gone), MaxItem: 1 << 20}
		plan, err := egeria.New(bytes.NewReader(data), int64(len(data))).Check(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		again, err := egeria.New(bytes.NewReader(data), int64(len(data))).Check(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(plan.Report.Findings, again.Report.Findings) {
			t.Fatalf("%v, then %v", plan.Report.Findings, again.Report.Findings)
		}
		compressed := bytes.HasPrefix(data, []byte{0x1f, 0x8b})
		for _, finding := range plan.Report.Findings {
			w := finding.Where
			if !compressed && (w.Line < 1 || w.Line > int64(bytes.Count(data, []byte("\n"))+1) || w.Offset < 0 || w.Offset > int64(len(data))) {
				t.Fatalf("%v is not within the archive", finding)
			}
		}
		taken := 0
		for s, err := range plan.Steps(t.Context()) {
			if err != nil {
				if plan.Report.Broken == nil {
					t.Fatal(err)
				}
				return
			}
			if s.Kind == egeria.KindElement || s.Kind == egeria.KindRelationship {
				taken++
			}
			if _, err := events.Marshal(s.Command); err != nil {
				t.Fatalf("%s: %v", s.Where, err)
			}
		}
		counts := plan.Report.Counts
		if want := counts[egeria.KindElement].Taken + counts[egeria.KindRelationship].Taken; taken != want {
			t.Fatalf("%d steps, want %d", taken, want)
		}
		for kind, c := range counts {
			if c.Found != c.Taken+c.Skipped+c.Refused {
				t.Fatalf("%s: %+v does not add up: %v", kind, c, plan.Report.Findings)
			}
		}
	})
}
