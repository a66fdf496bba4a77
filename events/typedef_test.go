package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

func TestDefineTypesIsACommand(t *testing.T) {
	t.Parallel()
	c := &events.DefineTypes{Types: []events.TypeDef{{Kind: events.KindElement, Name: "Table", SuperType: "Asset"}}}
	e, err := events.NewCommand("/me", c)
	if err != nil || e.Type != events.TypeDefineTypes {
		t.Fatal(e.Type, err)
	}
	again, err := events.Unmarshal[events.DefineTypes](e.Data)
	if diff := cmp.Diff(*c, again); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestTypeDefsAreStrict(t *testing.T) {
	t.Parallel()
	const ends = `"end1":{"type":"A","cardinality":"one"},"end2":{"type":"B","name":"b","cardinality":"many"}`
	tests := []struct{ name, object, pointer, message string }{
		{"no kind", `{"name":"A"}`, "/kind", "missing"},
		{"unknown kind", `{"kind":"entity","name":"A"}`, "/kind", `"entity" is none of element,`},
		{"no name", `{"kind":"element"}`, "/name", "missing"},
		{"small name", `{"kind":"element","name":"table"}`, "/name", "capital letter"},
		{"name with a dot", `{"kind":"element","name":"A.B"}`, "/name", `"A.B" is not the name`},
		{"name of a letter beyond ASCII", `{"kind":"element","name":"Äpfel"}`, "/name", "is not the name"},
		{"long name", `{"kind":"element","name":"A` + strings.Repeat("a", 100) + `"}`, "/name", "longer than 100"},
		{"unknown field", `{"kind":"element","name":"A","guid":"x"}`, "/guid", "unknown field"},
		{"its own super type", `{"kind":"element","name":"A","superType":"A"}`, "/superType", "names itself"},
		{"its own replacement", `{"kind":"element","name":"A","replacedBy":"A"}`, "/replacedBy", "names itself"},
		{"super type of no name", `{"kind":"element","name":"A","superType":"b c"}`, "/superType", "is not the name"},
		{"element with ends", `{"kind":"element","name":"A",` + ends + `}`, "/end1", "only a relationship"},
		{"element with one end", `{"kind":"element","name":"A","end2":{"type":"A","cardinality":"one"}}`, "/end2", "only a relationship"},
		{"element with several links", `{"kind":"element","name":"A","multiLink":true}`, "/multiLink", "only a relationship"},
		{"element with targets", `{"kind":"element","name":"A","validFor":["B"]}`, "/validFor", "only a classification"},
		{"element with values", `{"kind":"element","name":"A","values":[{"ordinal":0,"name":"X"}]}`, "/values", "only an enum"},
		{"enum with attributes", `{"kind":"enum","name":"A","attributes":[{"name":"a","type":"int"}]}`, "/attributes", "enum"},
		{"enum with super type", `{"kind":"enum","name":"A","superType":"B"}`, "/superType", "only an element,"},
		{"enum without values", `{"kind":"enum","name":"A"}`, "/values", "missing"},
		{"enum with an ordinal twice", `{"kind":"enum","name":"A","values":[{"ordinal":0,"name":"X"},{"ordinal":0,"name":"Y"}]}`, "/values/1/ordinal", "0 is given twice"},
		{"enum with a name twice", `{"kind":"enum","name":"A","values":[{"ordinal":0,"name":"X"},{"ordinal":1,"name":"X"}]}`, "/values/1/name", "X is given twice"},
		{"enum with a negative ordinal", `{"kind":"enum","name":"A","values":[{"ordinal":-1,"name":"X"}]}`, "/values/0/ordinal", "negative"},
		{"enum with a bad name", `{"kind":"enum","name":"A","values":[{"ordinal":0,"name":"in use"}]}`, "/values/0/name", "is not the name of a value"},
		{"struct without attributes", `{"kind":"struct","name":"A"}`, "/attributes", "missing"},
		{"attribute without a name", `{"kind":"element","name":"A","attributes":[{"type":"int"}]}`, "/attributes/0/name", "missing"},
		{"attribute without a type", `{"kind":"element","name":"A","attributes":[{"name":"a"}]}`, "/attributes/0/type", "missing"},
		{"attribute of no type", `{"kind":"element","name":"A","attributes":[{"name":"a","type":"integer"}]}`, "/attributes/0/type", `"integer"`},
		{"attribute twice", `{"kind":"element","name":"A","attributes":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`, "/attributes/1/name", "a is given twice"},
		{"attribute qualifiedName", `{"kind":"element","name":"A","attributes":[{"name":"qualifiedName","type":"string"}]}`, "/attributes/0/name", "header"},
		{"relationship without ends", `{"kind":"relationship","name":"A"}`, "/end1", "missing"},
		{"relationship with one end", `{"kind":"relationship","name":"A","superType":"S","end1":{"type":"A","cardinality":"one"}}`, "/end2", "missing"},
		{"end without a type", `{"kind":"relationship","name":"A","end1":{"cardinality":"one"},"end2":{"type":"B","cardinality":"one"}}`, "/end1/type", "missing"},
		{"end with a bad name", `{"kind":"relationship","name":"A","end1":{"type":"A","name":"a b","cardinality":"one"},"end2":{"type":"B","cardinality":"one"}}`, "/end1/name", "of an end"},
		{"end without a cardinality", `{"kind":"relationship","name":"A","end1":{"type":"A"},"end2":{"type":"B","cardinality":"one"}}`, "/end1/cardinality", "missing"},
		{"end of another cardinality", `{"kind":"relationship","name":"A","end1":{"type":"A","cardinality":"one"},"end2":{"type":"B","cardinality":"AT_MOST_ONE"}}`, "/end2/cardinality", "neither one nor many"},
		{"classification of nothing", `{"kind":"classification","name":"A"}`, "/validFor", "missing"},
		{"classification of something twice", `{"kind":"classification","name":"A","validFor":["B","B"]}`, "/validFor/1", "B is given twice"},
		{"classification of no name", `{"kind":"classification","name":"A","validFor":[""]}`, "/validFor/0", "missing"},
		{"fine", `{"kind":"relationship","name":"A","superType":"S","multiLink":true,` + ends + `,"attributes":[{"name":"a","type":"map<string,array<Status>>"}]}`, "", ""},
		{"inherited ends", `{"kind":"relationship","name":"A","superType":"S"}`, "", ""},
		{"inherited targets", `{"kind":"classification","name":"A","superType":"S"}`, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := events.Unmarshal[events.DefineTypes]([]byte(`{"types":[` + test.object + `]}`))
			if err == nil {
				err = c.Validate()
			}
			if test.pointer == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*events.Error](err)
			if !ok || e.Pointer != "/types/0"+test.pointer || e.Code != events.CodeInvalid || !strings.Contains(e.Message, test.message) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNothingToDefine(t *testing.T) {
	t.Parallel()
	err := new(events.DefineTypes).Validate()
	if e, ok := errors.AsType[*events.Error](err); !ok || e.Pointer != "/types" {
		t.Error(err)
	}
}

func TestParseValueType(t *testing.T) {
	t.Parallel()
	for expression, depth := range map[string]int{
		"boolean": 0, "byte": 0, "char": 0, "short": 0, "int": 0, "long": 0, "float": 0, "double": 0,
		"biginteger": 0, "bigdecimal": 0, "string": 0, "date": 0, "any": 0, "Status": 0, "array<any>": 1,
		"map<string,Status>": 1, "map<string,array<map<string,date>>>": 3, strings.Repeat("array<", 8) + "int" + strings.Repeat(">", 8): 8,
	} {
		v, err := events.ParseValueType(expression)
		if err != nil || v.String() != expression {
			t.Errorf("%s became %s, %v", expression, v, err)
		}
		for ; v.Of != nil; v = *v.Of {
			depth--
		}
		if depth != 0 || v.IsNamed() != strings.Contains(expression, "Status") {
			t.Errorf("%s: %d levels too few, named %t", expression, depth, v.IsNamed())
		}
	}
	for _, expression := range []string{
		"", "status", "array", "map", "array<>", "array<int", "array<int>>", "array<int >", "map<string>", "map<int,string>",
		"map<string, string>", "map<string,>", "array<array>", "any<int>", "A-B", strings.Repeat("array<", 9) + "int" + strings.Repeat(">", 9),
		strings.Repeat("array<", 1e5) + "int" + strings.Repeat(">", 1e5),
	} {
		if v, err := events.ParseValueType(expression); events.CodeOf(err) != events.CodeInvalid || len(err.Error()) > 500 {
			t.Errorf("%.100s became %s, %v", expression, v, err)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyProperties().Draw(t, "properties")
		got := map[string]any{}
		last := ""
		for m := p.Members(); m.Next(); {
			v, err := events.Unmarshal[any](append(append([]byte(`[`), m.Value()...), ']'))
			if err != nil {
				t.Fatal(err)
			}
			if !m.Is(m.Name()) || m.Is(m.Name()+"x") {
				t.Fatalf("%q is not itself", m.Name())
			}
			if isPlain(m.Name()) && isPlain(last) && m.Follows(last) != (m.Name() > last) {
				t.Fatalf("%q after %q", m.Name(), last)
			}
			last = m.Name()
			list, ok := v.([]any)
			if !ok || len(list) != 1 {
				t.Fatalf("%s is not one value", m.Value())
			}
			got[m.Name()] = list[0]
			items, isArray := got[m.Name()].([]any)
			fields, _ := got[m.Name()].(map[string]any)
			n := 0
			for inner := events.MembersOf(m.Value()); inner.Next(); n++ {
				if _, ok := fields[inner.Name()]; isArray == ok {
					t.Fatalf("member %q of %s", inner.Name(), m.Value())
				}
			}
			if n != len(items)+len(fields) {
				t.Fatalf("%d members of %s", n, m.Value())
			}
		}
		if diff := cmp.Diff(p.Map(), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func isPlain(name string) bool { return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == "" }

func TestMembersDoNotAllocate(t *testing.T) { //nolint:paralleltest // it counts allocations
	p := upsert1K(t).Element.Properties
	if n := testing.AllocsPerRun(100, func() {
		for m := p.Members(); m.Next(); {
			for inner := events.MembersOf(m.Value()); inner.Next(); {
				_ = inner.Value()
			}
		}
	}); n > 0 {
		t.Errorf("%f allocations", n)
	}
}
