package events_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// shuffled writes v as JSON in any order and with any white space; escape
// decides whether characters are written as \u escapes.
func shuffled(t *rapid.T, v any, escape bool) string {
	space := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space") }
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if escape {
			return strings.NewReplacer("g", `\u0067`, "/", `\/`).Replace(string(b))
		}
		return string(b)
	}
	var parts []string
	open, end := "[", "]"
	switch v := v.(type) {
	case map[string]any:
		open, end = "{", "}"
		for name, value := range v {
			parts = append(parts, space()+quote(name)+space()+":"+shuffled(t, value, escape))
		}
		seed := rapid.Uint64().Draw(t, "order")
		slices.Sort(parts)
		rand.New(rand.NewPCG(seed, seed)).Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	case []any:
		for _, value := range v {
			parts = append(parts, shuffled(t, value, escape))
		}
	case string:
		return space() + quote(v) + space()
	default:
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return space() + string(b) + space()
	}
	return space() + open + strings.Join(parts, ",") + space() + end + space()
}

// Equal maps are equal bytes, however they were written.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMap(3).Draw(t, "map")
		a, err := events.ParseProperties([]byte(shuffled(t, m, rapid.Bool().Draw(t, "escaped"))))
		if err != nil {
			t.Fatal(err)
		}
		b, err := events.ParseProperties([]byte(shuffled(t, m, rapid.Bool().Draw(t, "escaped"))))
		if err != nil {
			t.Fatal(err)
		}
		if !a.Equal(b) {
			t.Fatalf("%s\n%s", a.Raw(), b.Raw())
		}
		again, err := events.ParseProperties(a.Raw())
		if err != nil || !again.Equal(a) {
			t.Fatalf("%s became %s, %v", a.Raw(), again.Raw(), err)
		}
		var want, got map[string]any
		if err := json.Unmarshal([]byte(shuffled(t, m, false)), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(a.Raw(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the meaning changed (-want +got):\n%s", diff)
		}
	})
}

// The sending side is canonical from the start, within commands too.
func TestCanonicalFormTravels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyProperties().Draw(t, "properties")
		e, err := events.NewCommand("/s", &events.Upsert{Element: events.ElementSpec{Type: "T", Properties: p}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := events.DecodeCommand(&e)
		if err != nil {
			t.Fatal(err)
		}
		upsert, ok := c.(*events.Upsert)
		if !ok || !upsert.Element.Properties.Equal(p) {
			t.Fatalf("%s became %s", p.Raw(), e.Data)
		}
	})
}

func TestMergeLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, patch := anyProperties().Draw(t, "properties"), anyProperties().Draw(t, "patch")
		merge := func(p, patch events.Properties) events.Properties {
			merged, err := p.Merge(patch)
			if err != nil {
				t.Fatal(err)
			}
			again, err := events.ParseProperties(merged.Raw())
			if err != nil || !again.Equal(merged) {
				t.Fatalf("%s is not canonical, want %s, %v", merged.Raw(), again.Raw(), err)
			}
			return merged
		}
		same := func(law string, got, want events.Properties) {
			if !got.Equal(want) {
				t.Fatalf("%s: got %s, want %s", law, got.Raw(), want.Raw())
			}
		}
		merged := merge(p, patch)
		same("an empty patch changes nothing", merge(p, events.Properties{}), p)
		same("idempotent", merge(merged, patch), merged)

		bare, err := p.WithoutNulls()
		if err != nil {
			t.Fatal(err)
		}
		same("onto nothing", merge(events.Properties{}, p), bare)
		for name, value := range bare.Map() {
			if value == nil {
				t.Fatalf("%q is null in %s", name, bare.Raw())
			}
		}

		want := map[string]any{}
		for _, m := range []map[string]any{p.Map(), patch.Map()} {
			for name, value := range m {
				want[name] = value
				if value == nil {
					delete(want, name)
				}
			}
		}
		if diff := cmp.Diff(want, merge(bare, patch).Map()); diff != "" {
			t.Fatalf("null clears, all else replaces (-want +got):\n%s", diff)
		}
	})
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	const object = `{"big":123456789012345678901234567890,"exp":1E400,"long":0.1000000000000000000000001,"max":18446744073709551615,"minus":-0,"zero":1.0}`
	p := mustParse(t, object)
	if got := string(p.Raw()); got != object {
		t.Errorf("got  %s\nwant %s", got, object)
	}
	p, err := p.Merge(events.Props(map[string]any{"zero": nil, "other": int64(-1 << 63)}))
	want := strings.Replace(object, `"zero":1.0`, `"other":-9223372036854775808`, 1)
	if err != nil || string(p.Raw()) != want {
		t.Errorf("got  %s, %v\nwant %s", p.Raw(), err, want)
	}
	if n, err := events.Property[uint64](p, "max"); n != 1<<64-1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestPropertyErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ object, pointer, says string }{
		{"", "", "the data is empty"},
		{"  ", "", "the data is empty"},
		{"null", "", "the data is null"},
		{"[]", "", "expected an object, found an array"},
		{`"{}"`, "", "expected an object, found a string"},
		{`{"a":1} 5`, "", "at byte 8: invalid character '5'"},
		{`{"a":01}`, "", "at byte 6: invalid character '1'"},
		{`{"a":`, "/a", "too early, at byte 5"},
		{`{"a":{"b":1,"b":2}}`, "/a/b", "name occurs twice"},
		{`{"a":1,"\u0061":2}`, "/a", "name occurs twice"},
		{"{\"a\":\"\xff\"}", "/a", "at byte 6: invalid UTF-8"},
		{"\xef\xbb\xbf{}", "", `at byte 0: invalid character '\ufeff'`},
		{nested(101), "", "nested deeper than 100 levels"},
		{`{"` + "é" + `":` + nested(100) + `}`, "", "nested deeper than 100 levels"},
		{nested(100_000), strings.Repeat("/a", 128) + "…", "exceeded max depth"},
	} {
		_, err := events.ParseProperties([]byte(c.object))
		e, isError := errors.AsType[*events.Error](err)
		if !isError || e.Code != events.CodeInvalid || e.Pointer != c.pointer || !strings.Contains(e.Message, c.says) || len(err.Error()) > 500 {
			t.Errorf("%.40s:\n got %.200v\nwant %s: %s", c.object, err, c.pointer, c.says)
		}
	}
	for _, object := range []string{nested(100), `{"é":` + nested(99) + `}`, strings.ReplaceAll(nested(100), ":", ": ")} {
		mustParse(t, object)
	}
}

func TestProperty(t *testing.T) {
	t.Parallel()
	p := mustParse(t, `{"name":"orders","a/b~c":{"x":1},"\"":"quoted","n":null,"list":["name"],"\u00e9":"é"}`)
	if got := p.String("name"); got != "orders" {
		t.Errorf("name: got %q", got)
	}
	if got := p.String(`"`); got != "quoted" {
		t.Errorf("quote: got %q", got)
	}
	if got := p.String("é"); got != "é" {
		t.Errorf("é: got %q", got)
	}
	for _, name := range []string{"absent", "list", "n", "x", ""} {
		if got := p.String(name); got != "" {
			t.Errorf("%s: got %q, want nothing", name, got)
		}
	}
	if got, err := events.Property[[]string](p, "list"); err != nil || !slices.Equal(got, []string{"name"}) {
		t.Errorf("list: got %q, %v", got, err)
	}
	_, err := events.Property[string](p, "a/b~c")
	if err == nil || err.Error() != "/a~1b~0c: expected a string, found an object" {
		t.Errorf("got %v", err)
	}
	_, err = events.Property[map[string]bool](p, "a/b~c")
	if err == nil || err.Error() != "/a~1b~0c/x: expected true or false, found a number" {
		t.Errorf("got %v", err)
	}
}

// Every property is found, whatever its name.
func TestPropertyFindsAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyProperties().Draw(t, "properties")
		for name, want := range p.Map() {
			got, err := events.Property[any](p, name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestPropsCarryTheirError(t *testing.T) {
	t.Parallel()
	bad := events.Props(map[string]any{"a": make(chan int)})
	fails := map[string]func() error{
		"Merge onto":   func() error { _, err := bad.Merge(events.Props(map[string]any{"a": 1})); return err },
		"Merge":        func() error { _, err := events.Properties{}.Merge(bad); return err },
		"WithoutNulls": func() error { _, err := bad.WithoutNulls(); return err },
		"Property":     func() error { _, err := events.Property[string](bad, "a"); return err },
		"encoding/json": func() error {
			_, err := json.Marshal(bad)
			return err
		},
		"NewCommand": func() error {
			_, err := events.NewCommand("/s", &events.Upsert{Element: events.ElementSpec{Type: "T", Properties: bad}})
			return err
		},
		"NewChangeSet": func() error {
			_, err := events.NewChangeSet(&events.Upsert{Element: events.ElementSpec{Type: "T", Properties: bad}})
			return err
		},
	}
	for name, fail := range fails {
		if err := fail(); err == nil || !strings.Contains(err.Error(), "marshal from Go chan int") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if bad.IsZero() || bad.Equal(events.Properties{}) {
		t.Error("a failed Props counts as empty")
	}
}

// Package encoding/json sees the same as our own functions do.
func TestPropertiesInEncodingJSON(t *testing.T) {
	t.Parallel()
	type holder struct{ P events.Properties }
	data, err := json.Marshal(holder{P: mustParse(t, `{"b":1,"a":2}`)})
	if err != nil || string(data) != `{"P":{"a":2,"b":1}}` {
		t.Fatalf("got %s, %v", data, err)
	}
	var h holder
	if err := json.Unmarshal([]byte(`{"P":{"b":1, "a":2}}`), &h); err != nil || string(h.P.Raw()) != `{"a":2,"b":1}` {
		t.Errorf("got %s, %v", h.P.Raw(), err)
	}
	if err := json.Unmarshal([]byte(`{"P":[]}`), &h); err == nil {
		t.Error("an array is no object")
	}
}

func TestEmptyProperties(t *testing.T) {
	t.Parallel()
	for _, p := range []events.Properties{{}, events.Props(nil), events.Props(map[string]any{}), mustParse(t, " { } ")} {
		if !p.IsZero() || string(p.Raw()) != "{}" || len(p.Map()) != 0 || !p.Equal(events.Properties{}) {
			t.Errorf("%s is not empty", p.Raw())
		}
	}
}
