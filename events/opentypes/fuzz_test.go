package opentypes_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

func FuzzApply(f *testing.F) {
	r := registry(f)
	f.Add([]byte(zoo))
	for _, defs := range []string{
		`{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>"},{"name":"x","type":"map<string,X>"}]},{"kind":"struct","name":"X","attributes":[{"name":"w","type":"Wing"}]}`,
		`{"kind":"relationship","name":"NestsIn","superType":"LivesIn"}`, `{"kind":"classification","name":"Extinct","superType":"Caged"}`,
		`{"kind":"enum","name":"Mood","values":[{"ordinal":0,"name":"GOOD"},{"ordinal":1,"name":"BAD"},{"ordinal":2,"name":"C"}]}`,
	} {
		f.Add([]byte(`{"types":[` + defs + `]}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := events.Unmarshal[events.DefineTypes](data)
		if err != nil {
			return
		}
		next, changed, err := r.Apply(c.Types...)
		if err != nil {
			if events.CodeOf(err) == "" || next != nil {
				t.Fatal(err)
			}
			return
		}
		same, unchanged, err := next.Apply(c.Types...)
		if err != nil || same != next || len(unchanged) > 0 {
			t.Fatal("applied again:", unchanged, err)
		}
		if _, err := r.Restore(changed...); err != nil {
			t.Fatal("restored:", err)
		}
	})
}

func FuzzCheck(f *testing.F) {
	r := builtin(f)
	f.Add("CSVFile", csvFile(f).Raw(), false)
	f.Add("RelationalColumn", column(f).Raw(), true)
	f.Add("CatalogTarget", []byte(`{"templates":{"a":"b"},"templateProperties":{"a":{"b":"c"}},"configurationProperties":{"x":[null,{"y":1}]}}`), false)
	f.Add("SecurityTags", []byte(`{"accessGroups":{"read":["a"]}}`), false)
	f.Add("Asset", []byte(`{"\u0000":null,"a\"b":1,"additionalProperties":null,"zz":{}}`), true)
	f.Fuzz(func(t *testing.T, name string, object []byte, partial bool) {
		typ, ok := r.Type(name)
		p, err := events.ParseProperties(object)
		if !ok || err != nil {
			return
		}
		strict, err := typ.Check(p, opentypes.CheckOptions{Pointer: "/p", Partial: partial})
		if err != nil && events.CodeOf(err) != events.CodeInvalid || !strict.Equal(p) {
			t.Fatalf("%s, %v", strict.Raw(), err)
		}
		lenient, again := typ.Check(p, opentypes.CheckOptions{Lenient: true, Partial: partial})
		if err == nil && (again != nil || !lenient.Equal(p)) {
			t.Fatalf("lenient: %s, %v", lenient.Raw(), again)
		}
		if again != nil {
			return
		}
		if _, err := typ.Check(lenient, opentypes.CheckOptions{Partial: partial}); err != nil {
			t.Fatalf("%s became %s: %v", p.Raw(), lenient.Raw(), err)
		}
	})
}
