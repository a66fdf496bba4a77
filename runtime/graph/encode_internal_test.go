package graph

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// anyText returns the texts that a command may bring: any UTF-8.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{"", "a", "é", "\"\\\n\u2028", "</script>", "\x00\x1f\x7f", "😀"}))
}

func properties() *rapid.Generator[events.Properties] {
	return rapid.Custom(func(t *rapid.T) events.Properties {
		values := map[string]any{}
		for _, name := range rapid.SliceOfN(anyText(), 0, 3).Draw(t, "names") {
			values[name] = rapid.OneOf(
				rapid.Map(anyText(), func(s string) any { return s }), rapid.Map(rapid.Int64(), func(n int64) any { return n }),
				rapid.SampledFrom([]any{true, 1.5, []any{}, map[string]any{"b": 1, "a": []string{"x"}}}),
			).Draw(t, "value")
		}
		return events.Props(values)
	})
}

func effectivity() *rapid.Generator[events.Effectivity] {
	return rapid.Custom(func(t *rapid.T) (e events.Effectivity) {
		moment := rapid.Map(rapid.Int64Range(0, 4e18), func(n int64) time.Time { return time.Unix(0, n).UTC() })
		if rapid.Bool().Draw(t, "has a beginning") {
			e.From = moment.Draw(t, "from")
		}
		if rapid.Bool().Draw(t, "has an end") {
			e.To = moment.Draw(t, "to")
		}
		return e
	})
}

func header() *rapid.Generator[events.ElementHeader] {
	return rapid.Custom(func(t *rapid.T) events.ElementHeader {
		moment := rapid.Map(rapid.Int64Range(0, 4e18), func(n int64) time.Time { return time.Unix(0, n).UTC() })
		h := events.ElementHeader{
			GUID: uuid.NewString(), QualifiedName: anyText().Draw(t, "name"),
			Type: events.ElementType{Name: anyText().Draw(t, "type"), SuperTypes: some(t, anyText(), "super types")},
			Versions: events.Versions{
				CreatedBy: anyText().Draw(t, "created by"), CreateTime: moment.Draw(t, "created"),
				UpdatedBy: anyText().Draw(t, "updated by"), Version: rapid.Int64().Draw(t, "version"),
			},
			Origin: events.Origin{Category: events.OriginExternal, Source: anyText().Draw(t, "source"), Scope: anyText().Draw(t, "scope")},
			Zones:  some(t, anyText(), "zones"),
		}
		h.Effectivity = effectivity().Draw(t, "effectivity")
		if rapid.Bool().Draw(t, "is anchored") {
			h.AnchorGUID = uuid.NewString()
		}
		if rapid.Bool().Draw(t, "was updated") {
			h.Versions.UpdateTime = moment.Draw(t, "updated")
		}
		return h
	})
}

// some draws a list that is nil when it is empty, as decoding makes it.
func some[T any](t *rapid.T, g *rapid.Generator[T], what string) []T {
	list := rapid.SliceOfN(g, 0, 3).Draw(t, what)
	if len(list) == 0 {
		return nil
	}
	return list
}

// agree checks that what was appended is what events would have written, byte
// for byte, decodes to the same, and has the properties where it says.
func agree[T any](t *rapid.T, v T, got []byte, p events.Properties, from, to int) {
	t.Helper()
	want, err := events.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	back, err := events.Unmarshal[T](got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, back, cmp.Comparer(events.Properties.Equal)); diff != "" {
		t.Fatal(diff)
	}
	if written := got[from:to]; p.IsZero() && len(written) > 0 || !p.IsZero() && !bytes.Equal(written, p.Raw()) {
		t.Fatalf("the properties are said to be %s", written)
	}
}

func TestAppendedElementsAreWhatEventsWrites(t *testing.T) {
	t.Parallel()
	mark := rapid.Custom(func(t *rapid.T) events.Classification {
		return events.Classification{
			Name: anyText().Draw(t, "mark"), Properties: properties().Draw(t, "its properties"), Effectivity: effectivity().Draw(t, "its effectivity"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		e := events.Element{
			Header: header().Draw(t, "header"), Properties: properties().Draw(t, "properties"),
			Classifications: some(t, mark, "classifications"),
		}
		got, from, to := appendElement(nil, &e)
		agree(t, e, got, e.Properties, from, to)
	})
}

func TestAppendedRelationshipsAreWhatEventsWrites(t *testing.T) {
	t.Parallel()
	end := rapid.Custom(func(t *rapid.T) events.ElementStub {
		return events.ElementStub{GUID: uuid.NewString(), Type: anyText().Draw(t, "type"), QualifiedName: anyText().Draw(t, "name")}
	})
	rapid.Check(t, func(t *rapid.T) {
		r := events.Relationship{
			Header: header().Draw(t, "header"), End1: end.Draw(t, "end1"), End2: end.Draw(t, "end2"),
			Properties: properties().Draw(t, "properties"),
		}
		got, from, to := appendRelationship(nil, &r)
		agree(t, r, got, r.Properties, from, to)
	})
}

// The events that are put together from states are what events would write.
func TestChangesArePutTogetherRight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state := rapid.Custom(func(t *rapid.T) *events.Element {
			return &events.Element{Header: header().Draw(t, "header"), Properties: properties().Draw(t, "properties")}
		})
		c := events.ElementChange{Element: state.Draw(t, "state"), Classification: anyText().Draw(t, "mark")}
		var previous []byte
		if rapid.Bool().Draw(t, "has a previous state") {
			c.Previous = state.Draw(t, "previous")
			previous, _, _ = appendElement(nil, c.Previous)
		}
		b, _, _ := appendElement(openChange(nil, "element"), c.Element)
		agree(t, c, closeChange(b, previous, c.Classification), events.Properties{}, 0, 0)
		if c.Previous != nil {
			agree(t, events.ElementChange{Previous: c.Previous}, removed(previous), events.Properties{}, 0, 0)
		}
	})
}
