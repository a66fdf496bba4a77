package events_test

import (
	"testing"

	"github.com/camena-io/camena/events"
)

func FuzzUnmarshalDefineTypes(f *testing.F) {
	for _, object := range []string{
		`{"types":[{"kind":"element","name":"A","superType":"Asset","description":"d","deprecated":true,"replacedBy":"B","attributes":[{"name":"a","type":"map<string,array<S>>","required":true,"deprecated":true,"description":"d"}]}]}`,
		`{"types":[{"kind":"relationship","name":"R","multiLink":true,"end1":{"type":"A","name":"a","cardinality":"one"},"end2":{"type":"B","cardinality":"many"}}]}`,
		`{"types":[{"kind":"classification","name":"C","validFor":["A","B"]},{"kind":"enum","name":"E","values":[{"ordinal":0,"name":"X","description":"d"}]}]}`,
		`{"types":[]}`,
	} {
		f.Add([]byte(object))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := events.Unmarshal[events.DefineTypes](data)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid || err.Error() == "" {
				t.Fatal(err)
			}
			return
		}
		encoded, err := events.Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := events.Unmarshal[events.DefineTypes](encoded)
		if err == nil {
			err = again.Validate()
		}
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		sameJSON(t, again, c)
	})
}

func FuzzUnmarshalTypeChange(f *testing.F) {
	fuzzUnmarshal[events.TypeChange](f, `{"type":{"kind":"element","name":"A"},"previous":{"kind":"enum","name":"A","values":[{"ordinal":1,"name":"x"}]}}`)
}

func FuzzParseValueType(f *testing.F) {
	for _, expression := range []string{"string", "array<int>", "map<string,array<Status>>", "array<map<string,any>", "map<string, x>", ""} {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		v, err := events.ParseValueType(expression)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid || len(err.Error()) > 800 {
				t.Fatal(err)
			}
			return
		}
		if v.String() != expression {
			t.Fatalf("%q became %q", expression, v)
		}
	})
}
