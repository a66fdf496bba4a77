package opentypes_test

import (
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// everything is a type with an attribute of each type of values.
const everything = `{"types":[
	{"kind":"element","name":"OpenMetadataRoot"},
	{"kind":"element","name":"Referenceable","superType":"OpenMetadataRoot","attributes":[{"name":"additionalProperties","type":"map<string,string>"}]},
	{"kind":"element","name":"Bare","superType":"OpenMetadataRoot","attributes":[{"name":"additionalProperties","type":"map<string,any>"}]},
	{"kind":"element","name":"Thing","superType":"Referenceable","attributes":[
		{"name":"must","type":"string","required":true},
		{"name":"boolean","type":"boolean"},{"name":"byte","type":"byte"},{"name":"char","type":"char"},{"name":"short","type":"short"},
		{"name":"int","type":"int"},{"name":"long","type":"long"},{"name":"float","type":"float"},{"name":"double","type":"double"},
		{"name":"biginteger","type":"biginteger"},{"name":"bigdecimal","type":"bigdecimal"},{"name":"string","type":"string"},
		{"name":"date","type":"date"},{"name":"any","type":"any"},{"name":"mood","type":"Mood"},{"name":"wing","type":"Wing"},
		{"name":"ints","type":"array<int>"},{"name":"dates","type":"map<string,date>"},{"name":"wings","type":"map<string,array<Wing>>"}]},
	{"kind":"enum","name":"Mood","values":[{"ordinal":0,"name":"GOOD"},{"ordinal":1,"name":"BAD"}]},
	{"kind":"struct","name":"Wing","attributes":[{"name":"feathers","type":"int","required":true},{"name":"colour","type":"string"}]},
	{"kind":"relationship","name":"Knows","end1":{"type":"Thing","cardinality":"many"},"end2":{"type":"Thing","cardinality":"many"},"attributes":[{"name":"since","type":"date"}]}
]}`

func thing(tb testing.TB) *opentypes.Type { tb.Helper(); return typeOf(tb, "Thing") }

func typeOf(tb testing.TB, name string) *opentypes.Type {
	tb.Helper()
	r, _, err := new(opentypes.Registry).Apply(parse(tb, everything)...)
	if err != nil {
		tb.Fatal(err)
	}
	t, ok := r.Type(name)
	if !ok {
		tb.Fatal("no type", name)
	}
	return t
}

func properties(tb testing.TB, object string) events.Properties {
	tb.Helper()
	p, err := events.ParseProperties([]byte(object))
	if err != nil {
		tb.Fatalf("%s: %v", object, err)
	}
	return p
}

func TestCheckOfValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ good, bad []string }{
		"boolean":    {[]string{"true", "false"}, []string{`"true"`, "0", "{}"}},
		"byte":       {[]string{"0", "-0", "-128", "127"}, []string{"128", "-129", "1.0", "1e1", `"1"`, "true"}},
		"char":       {[]string{`"a"`, `"é"`, `"\n"`, `"😀"`, `"\\"`, `"\u0001"`}, []string{`""`, `"ab"`, `"\n\n"`, "1"}},
		"short":      {[]string{"-32768", "32767"}, []string{"32768", "-32769"}},
		"int":        {[]string{"-2147483648", "2147483647"}, []string{"2147483648", "-2147483649", "1.5", "[1]"}},
		"long":       {[]string{"-9223372036854775808", "9223372036854775807"}, []string{"9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999", "100000000000000000000", "1E3"}},
		"float":      {[]string{"0", "-1.5", "1e400"}, []string{`"1"`, "true"}},
		"double":     {[]string{"0", "-1.5E-7", "1e400"}, []string{`"NaN"`, "[]"}},
		"biginteger": {[]string{"123456789012345678901234567890", "-1"}, []string{"1.0", "1e3", `"1"`}},
		"bigdecimal": {[]string{"123456789012345678901234567890.123456789", "1"}, []string{`"1"`}},
		"string":     {[]string{`""`, `"x\"y"`}, []string{"1", "true", "{}", "[]"}},
		"date":       {[]string{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123456789+01:00"`}, []string{`"2026-01-02"`, `"2026-13-02T03:04:05Z"`, `"2026-01-02 03:04:05Z"`, "1767323045", `"2026-01-02T03:04:05"`, `""`, `"\n"`}},
		"any":        {[]string{"true", `"x"`, "1", `{"a":null}`, "[null]"}, nil},
		"mood":       {[]string{`"GOOD"`, `"BAD"`}, []string{`"good"`, "0", `"UGLY"`, `"B\"AD"`, "[]"}},
		"ints":       {[]string{"[]", "[1,2]"}, []string{"1", "{}", "[1.5]", "[null]", `["1"]`, "[[1]]"}},
		"dates":      {[]string{"{}", `{"a":"2026-01-02T03:04:05Z"}`}, []string{"[]", `{"a":1}`, `{"a":null}`}},
		"wing":       {[]string{`{"feathers":1}`, `{"feathers":1,"colour":"red"}`, `{"feathers":1,"colour":null}`}, []string{"{}", "[]", `{"feathers":null}`, `{"feathers":"1"}`, `{"feathers":1,"hue":"red"}`, "1"}},
		"wings":      {[]string{`{"a":[],"b":[{"feathers":1},{"feathers":2}]}`}, []string{`{"a":{}}`, `{"a":[{}]}`, `{"a":[[]]}`}},
	}
	typ := thing(t)
	for name, test := range tests {
		for _, value := range test.good {
			p := properties(t, `{"must":"x","`+name+`":`+value+`}`)
			got, err := typ.Check(p, opentypes.CheckOptions{})
			if err != nil || !got.Equal(p) {
				t.Errorf("%s: %s: %s, %v", name, value, got.Raw(), err)
			}
		}
		for _, value := range test.bad {
			p := properties(t, `{"must":"x","`+name+`":`+value+`}`)
			_, err := typ.Check(p, opentypes.CheckOptions{Pointer: "/p"})
			if events.CodeOf(err) != events.CodeInvalid || !strings.HasPrefix(err.Error(), "/p/"+name) {
				t.Errorf("%s: %s: %v", name, value, err)
			}
		}
	}
}

func TestCheckErrors(t *testing.T) {
	t.Parallel()
	typ := thing(t)
	partial, lenient := opentypes.CheckOptions{Partial: true}, opentypes.CheckOptions{Lenient: true}
	tests := []struct {
		name, object     string
		o                opentypes.CheckOptions
		pointer, message string
	}{
		{"unknown attribute", `{"must":"x","intz":1}`, opentypes.CheckOptions{}, "/intz", `Thing has no attribute "intz"; did you mean int or ints?`},
		{"unknown attribute, nothing near", `{"must":"x","zzzzzzzz":1}`, opentypes.CheckOptions{}, "/zzzzzzzz", `no attribute "zzzzzzzz"`},
		{"unknown attribute that sorts first", `{"aaaaaaaa":1,"must":"x"}`, opentypes.CheckOptions{}, "/aaaaaaaa", "no attribute"},
		{"unknown attribute that has to be escaped", `{"a/b~c\n":1,"must":"x"}`, opentypes.CheckOptions{}, "/a~1b~0c\n", `no attribute "a/b~c\n"`},
		{"unknown attribute that is cleared", `{"x":null}`, partial, "/x", "no attribute"},
		{"qualified name", `{"must":"x","qualifiedName":"x"}`, opentypes.CheckOptions{}, "/qualifiedName", ""},
		{"qualified name, lenient", `{"must":"x","qualifiedName":"x"}`, lenient, "/qualifiedName", ""},
		{"missing", `{"int":1}`, opentypes.CheckOptions{}, "/must", "missing: Thing requires it"},
		{"missing at the end", `{}`, opentypes.CheckOptions{}, "/must", "missing: Thing requires it"},
		{"missing behind the last", `{"boolean":true}`, opentypes.CheckOptions{}, "/must", "missing"},
		{"missing, null", `{"must":null}`, opentypes.CheckOptions{}, "/must", "missing"},
		{"missing, lenient", `{"other":1}`, lenient, "/must", "missing"},
		{"cleared", `{"must":null}`, partial, "/must", "cannot be cleared"},
		{"wrong type", `{"must":1}`, opentypes.CheckOptions{}, "/must", "expected a string; found a number"},
		{"wrong type, huge", `{"date":` + strings.Repeat("1", 100) + `,"must":"x"}`, opentypes.CheckOptions{}, "/date", "found a number of 100 digits"},
		{"wrong type, object", `{"must":{}}`, partial, "/must", "found an object"},
		{"wrong type, array", `{"must":[]}`, lenient, "/must", "found an array"},
		{"range", `{"byte":128,"must":"x"}`, opentypes.CheckOptions{}, "/byte", "expected a whole number from -128 to 127; found 128"},
		{"date", `{"date":"2026-01-02","must":"x"}`, opentypes.CheckOptions{}, "/date", "expected a time such as 2006-01-02T15:04:05Z; found a string"},
		{"enum", `{"mood":"BADD","must":"x"}`, opentypes.CheckOptions{}, "/mood", `expected the name of a value of Mood: GOOD, BAD; found "BADD"; did you mean BAD?`},
		{"enum by ordinal", `{"mood":1,"must":"x"}`, opentypes.CheckOptions{}, "/mood", "expected the name of a value of Mood: GOOD, BAD; found 1"},
		{"item of an array", `{"ints":[1,2,"3"],"must":"x"}`, opentypes.CheckOptions{}, "/ints/2", "expected a whole number"},
		{"value of a map", `{"dates":{"a":"2026-01-02T03:04:05Z","b/c":1},"must":"x"}`, opentypes.CheckOptions{}, "/dates/b~1c", "expected a time"},
		{"attribute of a struct", `{"must":"x","wing":{"feathers":1.5}}`, opentypes.CheckOptions{}, "/wing/feathers", "expected a whole number"},
		{"unknown attribute of a struct", `{"must":"x","wing":{"feathers":1,"color":"red"}}`, lenient, "/wing/color", `Wing has no attribute "color"; did you mean colour?`},
		{"missing attribute of a struct in a merge", `{"wing":{}}`, partial, "/wing/feathers", "missing: Wing requires it"},
		{"deep", `{"must":"x","wings":{"a":[{"feathers":1},{"feathers":null}]}}`, opentypes.CheckOptions{}, "/wings/a/1/feathers", "missing"},
		{"a clash", `{"additionalProperties":{"size":"2"},"must":"x","size":1}`, lenient, "/size", `Thing has no attribute "size", and additionalProperties`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.o.Pointer = "/element/properties"
			p := properties(t, test.object)
			got, err := typ.Check(p, test.o)
			expect(t, err, events.CodeInvalid, test.o.Pointer+test.pointer, test.message)
			if !got.Equal(p) {
				t.Errorf("it returns %s", got.Raw())
			}
		})
	}
	_, err := typ.Check(events.Props(map[string]any{"f": func() {}}), opentypes.CheckOptions{Pointer: "/p"})
	expect(t, err, events.CodeInvalid, "/p", "properties:")
}

func TestCheckLenient(t *testing.T) {
	t.Parallel()
	typ := thing(t)
	tests := []struct{ name, object, stored, want string }{
		{"nothing unknown", `{"must":"x"}`, "", `{"must":"x"}`},
		{
			"all kinds", `{"a b":"1\n","b":true,"c":1.50,"d":{"z":1,"y":[null]},"e":[],"f":null,"must":"x"}`, "",
			`{"additionalProperties":{"a b":"1\n","b":"true","c":"1.50","d":"{\"y\":[null],\"z\":1}","e":"[]"},"must":"x"}`,
		},
		{"with its own", `{"additionalProperties":{"a":"1"},"b":2,"must":"x"}`, "", `{"additionalProperties":{"a":"1","b":"2"},"must":"x"}`},
		{"the same as its own", `{"additionalProperties":{"a":"1"},"a":1,"must":"x"}`, "", `{"additionalProperties":{"a":"1"},"must":"x"}`},
		{"stored does not count in a whole", `{"b":2,"must":"x"}`, `{"additionalProperties":{"a":"1"}}`, `{"additionalProperties":{"b":"2"},"must":"x"}`},
		{"names that sort oddly", `{"\u0001":1,"\ufb33":2,"😀":3,"must":"x"}`, "", `{"additionalProperties":{"\u0001":"1","😀":"3","` + "\ufb33" + `":"2"},"must":"x"}`},
	}
	for _, test := range tests {
		got, err := typ.Check(properties(t, test.object), opentypes.CheckOptions{Lenient: true, Stored: stored(t, test.stored)})
		if err != nil || !got.Equal(properties(t, test.want)) {
			t.Errorf("%s: %s, %v", test.name, got.Raw(), err)
		}
	}
	for _, test := range []struct{ name, object, stored, want string }{
		{"stored is kept", `{"b":2}`, `{"additionalProperties":{"a":"1","b":"1"}}`, `{"additionalProperties":{"a":"1","b":"2"}}`},
		{"null clears", `{"a":null}`, `{"additionalProperties":{"a":"1","b":"1"}}`, `{"additionalProperties":{"b":"1"}}`},
		{"its own replace", `{"additionalProperties":{},"b":2}`, `{"additionalProperties":{"a":"1"}}`, `{"additionalProperties":{"b":"2"}}`},
		{"its own null replaces", `{"additionalProperties":null,"b":2}`, `{"additionalProperties":{"a":"1"}}`, `{"additionalProperties":{"b":"2"}}`},
		{"what is stored wrongly is replaced", `{"b":2}`, `{"additionalProperties":{"a":1}}`, `{"additionalProperties":{"b":"2"}}`},
	} {
		got, err := typ.Check(properties(t, test.object), opentypes.CheckOptions{Lenient: true, Partial: true, Stored: stored(t, test.stored)})
		if err != nil || string(got.Raw()) != test.want {
			t.Errorf("%s: %s, %v", test.name, got.Raw(), err)
		}
	}
	for _, name := range []string{"Knows", "Bare"} {
		_, err := typeOf(t, name).Check(properties(t, `{"x":1}`), opentypes.CheckOptions{Lenient: true})
		expect(t, err, events.CodeInvalid, "/x", name+" has no attribute")
	}
}

func stored(tb testing.TB, object string) events.Properties {
	tb.Helper()
	if object == "" {
		return events.Properties{}
	}
	return properties(tb, object)
}

func TestCheckOfRelationshipsTakesQualifiedNameForUnknown(t *testing.T) {
	t.Parallel()
	_, err := typeOf(t, "Knows").Check(properties(t, `{"qualifiedName":"x"}`), opentypes.CheckOptions{})
	expect(t, err, events.CodeInvalid, "/qualifiedName", "Knows has no attribute")
}
