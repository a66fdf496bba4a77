package query_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

func TestSortersOrderValuesOfAllKinds(t *testing.T) {
	t.Parallel()
	inOrder := []any{
		nil, false, true, jsontext.Value("-1e400"), -2, 0, 0.5, 10, jsontext.Value("1e30"),
		"2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z", "", "A", "a", strings.Repeat("é", 300),
		[]any{1},
	}
	for _, descending := range []bool{false, true} {
		s, err := query.NewSorter([]events.SortKey{{Property: "x", Descending: descending}}, nil, "/sort")
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
	s, err := query.NewSorter([]events.SortKey{{Property: "p"}, {Property: "q", Descending: true}}, nil, "/sort")
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
		s, err := query.NewSorter([]events.SortKey{{Property: "p"}, {Property: "q"}}, nil, "")
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
	if _, err := query.NewSorter([]events.SortKey{{Property: "a"}, {}}, nil, "/sort"); events.CodeOf(err) != events.CodeInvalid || !strings.HasPrefix(err.Error(), "/sort/1/property") {
		t.Errorf("got %v", err)
	}
	if _, err := query.NewSorter(make([]events.SortKey, query.MaxSortKeys+1), nil, "/sort"); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("got %v", err)
	}
}
