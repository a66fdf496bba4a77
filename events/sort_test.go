package events_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

func TestSortersOrderValuesOfAllKinds(t *testing.T) {
	t.Parallel()
	inOrder := []any{
		nil, false, true, jsontext.Value("-1e400"), -2, 0, 0.5, 10, jsontext.Value("1e30"),
		"2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z", "", "A", "a", strings.Repeat("é", 300),
		[]any{1},
	}
	for _, descending := range []bool{false, true} {
		s, err := events.NewSorter([]events.SortKey{{Property: "x", Descending: descending}}, "/sort")
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range inOrder {
			for j, b := range inOrder {
				want := i - j
				if descending {
					want = -want
				}
				pa := s.Place(stateOf(t, &events.Element{Properties: events.Props(map[string]any{"x": a})}))
				pb := s.Place(stateOf(t, &events.Element{Properties: events.Props(map[string]any{"x": b})}))
				if got := s.Compare(pa, pb); (got < 0) != (want < 0) || (got > 0) != (want > 0) {
					t.Errorf("%v and %v: got %d", a, b, got)
				}
			}
		}
	}
}

func TestPlacesAreReadBack(t *testing.T) {
	t.Parallel()
	s, err := events.NewSorter([]events.SortKey{{Property: "p"}, {Property: "q", Descending: true}}, "/sort")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]any{}
		for _, name := range []string{"p", "q"} {
			values[name] = rapid.OneOf(scalar(), rapid.Map(rapid.String(), func(s string) any { return s })).Draw(t, name)
		}
		place := s.Place(stateOf(t, &events.Element{Properties: events.Props(values)}))
		again, ok := s.Parse(place.String())
		if !ok || s.Compare(place, again) != 0 || again.String() != place.String() {
			t.Fatalf("%q is read as %q", place, again)
		}
		if len(place.String()) > 4000 {
			t.Fatalf("%d bytes", len(place.String()))
		}
	})
	for _, wrong := range []string{"", "n\"1\"", "x\"\"n\"1\"", "n\"x\"n\"1\"", "t\"\"n\"1\"", "t\"x\"n\"1\"", "n\"1\"n\"1\"n\"1\"", "n1", "n\" 1\"n\"1\""} {
		if p, ok := s.Parse(wrong); ok {
			t.Errorf("%q is read as %v", wrong, p)
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add(`n"1"t"\"2026-01-01T00:00:00Z\""`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := events.NewSorter([]events.SortKey{{Property: "p"}, {Property: "q"}}, "")
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := s.Parse(text); ok && s.Compare(p, p) != 0 {
			t.Errorf("%q differs from itself", text)
		}
	})
}

func TestSortersThatAreWrong(t *testing.T) {
	t.Parallel()
	if _, err := events.NewSorter([]events.SortKey{{Property: "a"}, {}}, "/sort"); events.CodeOf(err) != events.CodeInvalid || !strings.HasPrefix(err.Error(), "/sort/1/property") {
		t.Errorf("got %v", err)
	}
	if _, err := events.NewSorter(make([]events.SortKey, events.MaxSortKeys+1), "/sort"); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("got %v", err)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	e := sample()
	e.Header.Effectivity = events.Effectivity{From: day(10), To: day(20)}
	e.Classifications = []events.Classification{
		{Name: "Confidentiality", Properties: events.Props(map[string]any{"level": 3})},
		{Name: "Impact", Effectivity: events.Effectivity{To: day(15)}},
	}
	archived := *e
	archived.Classifications = append(slices.Clone(e.Classifications), events.Classification{Name: events.Memento})
	level := func(n int) *events.Condition {
		c := events.Compare("level", events.OpGreaterOrEqual, n)
		return &c
	}
	for name, c := range map[string]struct {
		q              events.Find
		want, archived bool
	}{
		"everything":                 {events.Find{}, true, false},
		"archived, too":              {events.Find{IncludeArchived: true}, true, true},
		"a zone":                     {events.Find{Zone: "bl\"ue"}, true, false},
		"another zone":               {events.Find{Zone: "red"}, false, false},
		"a classification":           {events.Find{Classification: "Impact"}, true, false},
		"another classification":     {events.Find{Classification: "Criticality"}, false, false},
		"its properties":             {events.Find{Classification: "Confidentiality", ClassificationWhere: level(3)}, true, false},
		"other properties":           {events.Find{Classification: "Confidentiality", ClassificationWhere: level(4)}, false, false},
		"before it counts":           {events.Find{EffectiveAt: day(9)}, false, false},
		"when it counts":             {events.Find{EffectiveAt: day(10)}, true, false},
		"when it does no longer":     {events.Find{EffectiveAt: day(20)}, false, false},
		"a mark that counts":         {events.Find{Classification: "Impact", EffectiveAt: day(14)}, true, false},
		"a mark that counts no more": {events.Find{Classification: "Impact", EffectiveAt: day(16)}, false, false},
		"archived and effective":     {events.Find{IncludeArchived: true, EffectiveAt: day(11)}, true, true},
		"where":                      {events.Find{Where: &events.Condition{Property: "size", Operator: events.OpEqual, Value: jsontext.Value("10")}}, true, false},
	} {
		f, err := c.q.Filter()
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(stateOf(t, e)); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
		if got := f.Match(stateOf(t, &archived)); got != c.archived {
			t.Errorf("%s, archived: got %t", name, got)
		}
	}
	for pointer, q := range map[string]events.Find{
		"/classification":          {ClassificationWhere: level(1)},
		"/classificationWhere/not": {Classification: "x", ClassificationWhere: &events.Condition{Not: &events.Condition{}}},
		"/where/not":               {Where: &events.Condition{Not: &events.Condition{}}},
	} {
		if _, err := q.Filter(); err == nil || !strings.HasPrefix(err.Error(), pointer+":") {
			t.Errorf("%s: got %v", pointer, err)
		}
	}
}

func TestTextIsGatheredFoldedAndOnce(t *testing.T) {
	t.Parallel()
	e := &events.Element{Properties: events.Props(map[string]any{
		"displayName": "A.CSV", "description": "ÄÖ \"x\"", "name": "B", "resourceName": "", "secret": "s", "zzz": "z",
	})}
	if got, want := string(stateOf(t, e).AppendText(nil, "File::/a.csv")), "file::/a.csv\xffäö \"x\"\xffb"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
