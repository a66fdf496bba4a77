package events_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// anyText draws text with all that headers and JSON have to escape.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9/_.:-]{1,12}`),
		rapid.StringMatching(`["%\\ \r\n\tß∞漢%2541€🜚]{1,8}`),
		rapid.StringN(1, 12, -1),
	)
}

func anyEvent() *rapid.Generator[events.Event] {
	return rapid.Custom(func(t *rapid.T) events.Event {
		optional := rapid.OneOf(rapid.Just(""), anyText())
		e := events.Event{
			ID:         anyText().Draw(t, "id"),
			Source:     rapid.StringMatching(`(https://[a-z]{1,5}\.example)?/[a-zA-Z0-9_.-]{0,8}`).Draw(t, "source"),
			Type:       anyText().Draw(t, "type"),
			Subject:    optional.Draw(t, "subject"),
			DataSchema: rapid.SampledFrom([]string{"", "https://example.org/schema.json", "urn:a:b"}).Draw(t, "schema"),
		}
		if rapid.Bool().Draw(t, "timed") {
			e.Time = time.Unix(rapid.Int64Range(-6e10, 25e10).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
		}
		names := rapid.StringMatching(`x[a-z0-9]{0,6}`)
		e.Extensions = rapid.MapOfN(names, anyText(), -1, 4).Draw(t, "extensions")
		switch rapid.IntRange(0, 3).Draw(t, "data") {
		case 0:
			e.Data, e.ContentType = anyProperties().Draw(t, "json").Raw(), events.JSON
		case 1:
			e.Data, e.ContentType = []byte(anyText().Draw(t, "text")), "text/plain; charset=utf-8"
		case 2:
			e.Data = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "bytes")
			e.ContentType = rapid.SampledFrom([]string{"application/octet-stream", events.JSON, "application/cloudevents+json"}).Draw(t, "type of bytes")
		}
		return e
	})
}

// anyMap draws the Go value of a JSON object.
func anyMap(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(anyName(), anyValue(depth), -1, 5)
}

// anyName draws names that collate differently as UTF-8 and as UTF-16, too.
func anyName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b", "g", "gg", "a b", "", `"`, `\`, "\n", "\x01", "é", "\ufb33", "\U00010000", "a/b~c"}),
		rapid.StringN(0, 4, -1),
	)
}

func anyValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		anyText().AsAny(),
		rapid.Int64().AsAny(),
		rapid.Float64Range(-1e300, 1e300).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(anyValue(depth-1), 0, 3).AsAny(),
		anyMap(depth-1).AsAny(),
	)...)
}

func anyProperties() *rapid.Generator[events.Properties] {
	return rapid.Map(anyMap(2), events.Props)
}

// sameEvent compares events as they are meant: empty is as good as nil, and JSON
// is the same with other white space.
func sameEvent(t interface {
	Fatalf(format string, args ...any)
}, got, want events.Event,
) {
	for _, e := range []*events.Event{&got, &want} {
		e.Extensions = maps.Clone(e.Extensions)
		if len(e.Extensions) == 0 {
			e.Extensions = nil
		}
		if len(e.Data) == 0 {
			e.Data = nil
		}
		// White space in JSON that stands in a JSON document may be lost.
		if v := jsontext.Value(e.Data).Clone(); strings.Contains(e.ContentType, "json") && v.Compact() == nil {
			e.Data = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("event differs (-want +got):\n%s", diff)
	}
}

func mustParse(tb testing.TB, object string) events.Properties {
	tb.Helper()
	p, err := events.ParseProperties([]byte(object))
	if err != nil {
		tb.Fatalf("%s: %v", object, err)
	}
	return p
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth) + `1` + strings.Repeat(`}`, depth)
}
