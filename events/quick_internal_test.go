package events

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the quick decoder takes, the general one takes for the same.
func FuzzQuickUpsert(f *testing.F) {
	const begin, end = `{"element":{"type":"T","qualifiedName":"a","properties":`, `}}`
	for _, properties := range []string{
		`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"b":1,"a":2}`, `{"":0}`, `{"a":"\n\"","b":"é"}`, `{"a":"\u0041"}`, `{"a":"\/"}`, "{\"a\":\"\x01\"}",
		"{\"a\":\"\xff\"}", "{\"abcdefgh\xff\":1}", `{"a":[1,-0,0.5,1e9,-1E-9,[],{}],"b":{"c":null,"d":true}}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`,
		`{"a":1e}`, `{"a":tru}`, `{"a" :1}`, `{"a":1,}`, `{"a":[1,]}`, `{"a":1`, `{"a":"`, `{"a":"\`, `null`, `[]`, ` {}`, `{"é":1}`, `{"a\"":1}`,
		strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 20), `{"a":"long text, with \\ and \t and ü, longer than eight bytes"}`,
	} {
		f.Add([]byte(begin + properties + end))
	}
	for _, data := range []string{
		`{"element":{"guid":"g","type":"T","zones":["a","b"],"classifications":[{"classificationName":"C","properties":{"a":1}},{"classificationName":"D"}]}}`,
		`{"element":{"guid":"g"}}`, `{"element":{"guid":"g","type":"T","zones":["a",],"classifications":[]}}`, `{"element":{"guid":"g"type":"T"}}`,
		`{"element":{"type":"T"}}`, `{"element":{"type":"T"},"merge":true}`, `{"element":{"type":""},"merge":false}`, `{"element":{"type":"T"}} `,
		`{"element":{"type":"T","qualifiedName":"a\tb"}}`, `{"element":{"type":"T"},"merge":true,"merge":true}`, `{"element":{"type":"T","zones":[]}}`, ``,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		quick, ok := quickUpsert(data)
		if !ok {
			return
		}
		general, err := Unmarshal[Upsert](data)
		if err != nil {
			t.Fatalf("%q is taken, but %v", data, err)
		}
		if diff := cmp.Diff(&general, quick); diff != "" {
			t.Fatalf("%q (-general +quick):\n%s", data, diff)
		}
	})
}

// What Camena sends takes the quick way.
func TestUpsertsAreDecodedQuickly(t *testing.T) {
	t.Parallel()
	for _, c := range []Upsert{
		{Element: ElementSpec{Type: "T"}},
		{Merge: true, Element: ElementSpec{Type: "T", QualifiedName: "Ä"}},
		{Element: ElementSpec{GUID: "g", Type: "T", Zones: []string{}, Classifications: []Classification{}}},
		{Element: ElementSpec{Type: "T", Zones: []string{"a", "b"}, Classifications: []Classification{{Name: "C", Properties: Props(map[string]any{"a": 1})}, {Name: "D"}}}},
		{Element: ElementSpec{Type: "T", QualifiedName: "a", Properties: Props(map[string]any{
			"text": "two\nlines, \"quoted\", ümläüt", "number": -1.5e300, "list": []any{nil, true, map[string]any{}}, "empty": map[string]any{"a": []any{}},
		})}},
	} {
		data, err := Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := quickUpsert(data)
		if !ok {
			t.Fatalf("%s is not taken", data)
		}
		if diff := cmp.Diff(&c, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
	}
}
