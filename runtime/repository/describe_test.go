package repository_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/camena-io/camena/events"
)

// summary is what a result says of a change.
type summary struct {
	typ, name               string
	elements, relationships int
}

func summaryOf(r *events.Result) summary {
	return summary{typ: r.Type, name: r.Name, elements: r.Elements, relationships: r.Relationships}
}

func TestResultsTellWhatWasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		command events.Command
		want    summary
	}{
		{file("f", 1), summary{"DataFile", "f", 1, 0}},
		{file("f", 1), summary{"DataFile", "f", 0, 0}},
		{folder("d"), summary{"FileFolder", "d", 1, 0}},
		{link("LinkedFile", "d", "f", nil), summary{"LinkedFile", "d → f", 0, 1}},
		{anchored("DataFile", "a", "d"), summary{"DataFile", "a", 1, 0}},
		{&events.Delete{Element: events.ByName("d"), Cascade: true}, summary{"FileFolder", "d", 2, 1}},
		{&events.Restore{Element: events.ByName("d")}, summary{"FileFolder", "d", 2, 1}},
		{&events.Unlink{Type: "LinkedFile", End1: events.ByName("d"), End2: events.ByName("f")}, summary{"LinkedFile", "d → f", 0, 1}},
		{&events.Delete{Element: events.ByName("no")}, summary{}},
	} {
		r := b.apply(t, c.command)
		if got := summaryOf(&r); got != c.want || r.Error != nil {
			t.Errorf("%s: got %+v (%v), want %+v", c.command.EventType(), got, r.Error, c.want)
		}
	}
	r := b.must(t, set(t, file("s", 1), file("f", 1), &events.Delete{Element: events.ByName("d"), Cascade: true}))
	var got []summary
	for i := range r.Steps {
		got = append(got, summaryOf(&r.Steps[i]))
	}
	want := []summary{{"DataFile", "s", 1, 0}, {"DataFile", "f", 0, 0}, {"FileFolder", "d", 2, 0}}
	if !slices.Equal(got, want) || r.Elements != 3 {
		t.Errorf("got %+v and %d, want %+v", got, r.Elements, want)
	}
}

func TestResultsTellWhatWasLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("CSVFile", "f", map[string]any{"delimiterCharacter": ";", "displayName": "f"}), folder("d"), link("LinkedFile", "d", "f", nil))
	r := b.must(t, &events.Retype{Element: events.ByName("f"), Type: "DataFile"})
	if !slices.Equal(r.Dropped, []string{"delimiterCharacter"}) || r.Type != "DataFile" || r.Elements != 1 {
		t.Errorf("got %+v", r)
	}
	const many = 105
	for i := range many {
		name := fmt.Sprintf("f%d", i)
		b.must(t, file(name, 1), link("LinkedFile", "d", name, nil))
	}
	b.must(t, &events.Delete{Element: events.ByName("d")})
	var gone []events.Command
	for i := range many {
		gone = append(gone, &events.Delete{Element: events.ByName(fmt.Sprintf("f%d", i))})
	}
	b.must(t, set(t, gone...))
	r = b.must(t, &events.Restore{Element: events.ByName("d")})
	if len(r.Dropped) != 100 || r.MoreDropped != 5 || r.Relationships != 1 {
		t.Errorf("got %d, %+v", len(r.Dropped), r)
	}
	if want := "LinkedFile d → f"; r.Dropped[0][:len(want)] != want {
		t.Errorf("got %s", r.Dropped[0])
	}
}
