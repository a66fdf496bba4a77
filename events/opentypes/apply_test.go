package opentypes_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// zoo is a small set of types.
const zoo = `{"types":[
	{"kind":"element","name":"OpenMetadataRoot"},
	{"kind":"element","name":"Referenceable","superType":"OpenMetadataRoot","attributes":[
		{"name":"displayName","type":"string"},{"name":"additionalProperties","type":"map<string,string>"}]},
	{"kind":"element","name":"Animal","superType":"Referenceable","attributes":[
		{"name":"legs","type":"int"},{"name":"mood","type":"Mood"},{"name":"tag","type":"string","required":true}]},
	{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>"}]},
	{"kind":"element","name":"Cage","superType":"Referenceable"},
	{"kind":"enum","name":"Mood","values":[{"ordinal":0,"name":"GOOD"},{"ordinal":1,"name":"BAD"}]},
	{"kind":"struct","name":"Wing","attributes":[{"name":"feathers","type":"int","required":true},{"name":"colour","type":"string"}]},
	{"kind":"relationship","name":"LivesIn","end1":{"type":"Animal","cardinality":"many"},"end2":{"type":"Cage","cardinality":"one"}},
	{"kind":"relationship","name":"NestsIn","superType":"LivesIn","end1":{"type":"Bird","cardinality":"many"},"end2":{"type":"Cage","cardinality":"one"}},
	{"kind":"relationship","name":"SleepsIn","superType":"LivesIn"},
	{"kind":"relationship","name":"Chases","multiLink":true,"end1":{"type":"Bird","cardinality":"many"},"end2":{"type":"Animal","cardinality":"many"}},
	{"kind":"classification","name":"Rare","validFor":["Animal"],"attributes":[{"name":"since","type":"date"}]},
	{"kind":"classification","name":"Extinct","superType":"Rare"},
	{"kind":"classification","name":"Caged","superType":"Rare","validFor":["Bird"]}
]}`

func parse(tb testing.TB, object string) []events.TypeDef {
	tb.Helper()
	c, err := events.Unmarshal[events.DefineTypes]([]byte(object))
	if err != nil {
		tb.Fatalf("%s: %v", object, err)
	}
	return c.Types
}

func registry(tb testing.TB) *opentypes.Registry {
	tb.Helper()
	r, changed, err := new(opentypes.Registry).Apply(parse(tb, zoo)...)
	if err != nil || len(changed) != len(parse(tb, zoo)) {
		tb.Fatalf("%d types, %v", len(changed), err)
	}
	return r
}

// expect checks the parts of an error.
func expect(tb testing.TB, err error, code events.Code, pointer, message string) {
	tb.Helper()
	e, ok := errors.AsType[*events.Error](err)
	if !ok || e.Code != code || e.Pointer != pointer || !strings.Contains(e.Message, message) {
		tb.Errorf("%s error at %s, %v\nwant %s error at %s, …%s…", events.CodeOf(err), pointerOf(e), err, code, pointer, message)
	}
}

func pointerOf(e *events.Error) string {
	if e == nil {
		return ""
	}
	return e.Pointer
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	const invalid, conflict, unknown = events.CodeInvalid, events.CodeConflict, events.CodeUnknownType
	tests := []struct {
		name, defs string
		code       events.Code
		pointer    string
		message    string
	}{
		{"a malformed definition", `{"kind":"element","name":"X","superType":"Cage"},{"kind":"element","name":"a"}`, invalid, "/types/1/name", "capital letter"},
		{"a type twice", `{"kind":"element","name":"X","superType":"Cage"},{"kind":"element","name":"X","superType":"Cage"}`, invalid, "/types/1/name", "X is defined twice"},
		{"no super type", `{"kind":"element","name":"X"}`, invalid, "/types/0/superType", "missing"},
		{"an unknown super type", `{"kind":"element","name":"X","superType":"Annimal"}`, unknown, "/types/0/superType", `there is no element type "Annimal"; did you mean Animal?`},
		{"a super type of another kind", `{"kind":"element","name":"X","superType":"LivesIn"}`, invalid, "/types/0/superType", "type of a relationship"},
		{
			"a circle of super types", `{"kind":"element","name":"X","superType":"Y"},{"kind":"element","name":"Y","superType":"X"}`,
			invalid, "/types/0", "X → Y → X",
		},
		{
			"a circle of structs", `{"kind":"struct","name":"X","attributes":[{"name":"y","type":"array<Y>"}]},{"kind":"struct","name":"Y","attributes":[{"name":"x","type":"X"}]}`,
			invalid, "/types/0", "X → Y → X",
		},
		{
			"a circle that a change closes",
			`{"kind":"struct","name":"X","attributes":[{"name":"w","type":"Wing"}]},{"kind":"struct","name":"Wing","attributes":[{"name":"feathers","type":"int","required":true},{"name":"colour","type":"string"},{"name":"x","type":"X"}]}`,
			invalid, "/types/0", "X → Wing → X",
		},
		{"an unknown type of values", `{"kind":"element","name":"X","superType":"Cage","attributes":[{"name":"a","type":"map<string,Moot>"}]}`, unknown, "/types/0/attributes/0/type", `no enum or struct "Moot"; did you mean Mood?`},
		{"an element as a value", `{"kind":"element","name":"X","superType":"Cage","attributes":[{"name":"a","type":"Bird"}]}`, invalid, "/types/0/attributes/0/type", "type of an element"},
		{"an inherited attribute of another type", `{"kind":"element","name":"X","superType":"Bird","attributes":[{"name":"a","type":"int"},{"name":"legs","type":"long"}]}`, conflict, "/types/0/attributes/1/type", "legs is long in X, but int in its super type Animal"},
		{
			"an attribute that a subtype has of another type",
			`{"kind":"element","name":"X","superType":"Cage"},{"kind":"element","name":"Referenceable","superType":"OpenMetadataRoot","attributes":[{"name":"displayName","type":"string"},{"name":"additionalProperties","type":"map<string,string>"},{"name":"legs","type":"string"}]}`,
			conflict, "/types/1/attributes/2/type", "int in Animal, but string",
		},
		{"an unknown replacement", `{"kind":"element","name":"X","superType":"Cage","replacedBy":"Y"}`, unknown, "/types/0/replacedBy", `no element type "Y"`},
		{"a replacement of another kind", `{"kind":"element","name":"X","superType":"Cage","replacedBy":"Mood"}`, invalid, "/types/0/replacedBy", "Mood is the type of an enum"},
		{"an unknown end", `{"kind":"relationship","name":"X","end1":{"type":"Cage","cardinality":"one"},"end2":{"type":"Cake","cardinality":"one"}}`, unknown, "/types/0/end2/type", "did you mean Cage?"},
		{"an end of another kind", `{"kind":"relationship","name":"X","end1":{"type":"Rare","cardinality":"one"},"end2":{"type":"Cage","cardinality":"one"}}`, invalid, "/types/0/end1/type", "Rare is the type of a classification"},
		{"an end that is wider than that of the super type", `{"kind":"relationship","name":"X","superType":"LivesIn","end1":{"type":"Referenceable","cardinality":"one"},"end2":{"type":"Cage","cardinality":"one"}}`, invalid, "/types/0/end1/type", "Referenceable is not a subtype of Animal"},
		{"a cardinality that is wider than that of the super type", `{"kind":"relationship","name":"X","superType":"LivesIn","end1":{"type":"Animal","cardinality":"one"},"end2":{"type":"Cage","cardinality":"many"}}`, invalid, "/types/0/end2/cardinality", "LivesIn"},
		{"several between the same two, of which the super type allows one", `{"kind":"relationship","name":"X","superType":"LivesIn","multiLink":true}`, invalid, "/types/0/multiLink", "LivesIn"},
		{"an unknown target", `{"kind":"classification","name":"X","validFor":["Animal","Y"]}`, unknown, "/types/0/validFor/1", `no element type "Y"`},
		{"a target of another kind", `{"kind":"classification","name":"X","validFor":["Mood"]}`, invalid, "/types/0/validFor/0", "Mood is the type of an enum"},
		{"a target that the super type has not", `{"kind":"classification","name":"X","superType":"Rare","validFor":["Cage"]}`, invalid, "/types/0/validFor/0", "Cage, only Animal"},

		{"another kind", `{"kind":"element","name":"Mood","superType":"Cage"}`, conflict, "/types/0/kind", "Mood is the type of an enum"},
		{"a clash of kinds", `{"kind":"enum","name":"Animal","values":[{"ordinal":0,"name":"X"}]}`, conflict, "/types/0/kind", "Animal is the type of an element"},
		{"another super type", `{"kind":"element","name":"Bird","superType":"Cage","attributes":[{"name":"wings","type":"array<Wing>"}]}`, conflict, "/types/0/superType", `the super type of Bird is "Animal"`},
		{"a missing attribute", `{"kind":"element","name":"Bird","superType":"Animal"}`, conflict, "/types/0/attributes", "the attribute wings is missing"},
		{"another type of an attribute", `{"kind":"element","name":"X","superType":"Cage"},{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"beak","type":"string"},{"name":"wings","type":"array<any>"}]}`, conflict, "/types/1/attributes/1/type", "wings is array<Wing>"},
		{"an attribute that becomes required", `{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>","required":true}]}`, conflict, "/types/0/attributes/0/required", "wings"},
		{"an inherited attribute that becomes required", `{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>"},{"name":"legs","type":"int","required":true}]}`, conflict, "/types/0/attributes/1/required", "legs"},
		{"a new attribute that is required", `{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>"},{"name":"beak","type":"int","required":true}]}`, conflict, "/types/0/attributes/1/required", ""},
		{"a new attribute of a struct that is required", `{"kind":"struct","name":"Wing","attributes":[{"name":"feathers","type":"int","required":true},{"name":"colour","type":"string"},{"name":"span","type":"int","required":true}]}`, conflict, "/types/0/attributes/2/required", ""},
		{"a narrower end", `{"kind":"relationship","name":"Chases","multiLink":true,"end1":{"type":"Bird","cardinality":"many"},"end2":{"type":"Bird","cardinality":"many"}}`, conflict, "/types/0/end2/type", "Bird"},
		{"another end", `{"kind":"relationship","name":"Chases","multiLink":true,"end1":{"type":"Cage","cardinality":"many"},"end2":{"type":"Animal","cardinality":"many"}}`, conflict, "/types/0/end1/type", "Bird"},
		{"a narrower cardinality", `{"kind":"relationship","name":"Chases","multiLink":true,"end1":{"type":"Bird","cardinality":"one"},"end2":{"type":"Animal","cardinality":"many"}}`, conflict, "/types/0/end1/cardinality", "many"},
		{"inherited ends that become narrower", `{"kind":"relationship","name":"SleepsIn","superType":"LivesIn","end1":{"type":"Bird","cardinality":"many"},"end2":{"type":"Cage","cardinality":"one"}}`, conflict, "/types/0/end1/type", "Animal"},
		{"no more several links", `{"kind":"relationship","name":"Chases","end1":{"type":"Bird","cardinality":"many"},"end2":{"type":"Animal","cardinality":"many"}}`, conflict, "/types/0/multiLink", "Chases"},
		{"a missing target", `{"kind":"classification","name":"Rare","validFor":["Bird"],"attributes":[{"name":"since","type":"date"}]}`, conflict, "/types/0/validFor", "Animal is missing"},
		{"an inherited target that goes missing", `{"kind":"classification","name":"Extinct","superType":"Rare","validFor":["Bird"]}`, conflict, "/types/0/validFor", "Animal is missing"},
		{"a missing value", `{"kind":"enum","name":"Mood","values":[{"ordinal":0,"name":"GOOD"},{"ordinal":2,"name":"UGLY"}]}`, conflict, "/types/0/values", "the value BAD is missing"},
		{"another ordinal", `{"kind":"enum","name":"Mood","values":[{"ordinal":0,"name":"GOOD"},{"ordinal":2,"name":"UGLY"},{"ordinal":3,"name":"BAD"}]}`, conflict, "/types/0/values/2/ordinal", "the ordinal of BAD is 1"},
	}
	r := registry(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			next, changed, err := r.Apply(parse(t, `{"types":[`+test.defs+`]}`)...)
			if next != nil || changed != nil {
				t.Error("it is applied")
			}
			expect(t, err, test.code, test.pointer, test.message)
		})
	}
}

func TestApplyHasLimits(t *testing.T) {
	t.Parallel()
	r := registry(t)
	element := func(name, super string, attributes int) events.TypeDef {
		d := events.TypeDef{Kind: events.KindElement, Name: name, SuperType: super}
		for i := range attributes {
			d.Attributes = append(d.Attributes, events.AttributeDef{Name: fmt.Sprint(strings.ToLower(name), i), Type: "int"})
		}
		return d
	}
	_, _, err := r.Apply(element("X", "Cage", 1001))
	expect(t, err, events.CodeTooLarge, "/types/0/attributes", "1001")
	_, _, err = r.Apply(element("X", "Cage", 999))
	expect(t, err, events.CodeTooLarge, "/types/0/attributes", "X would have 1001 attributes")
	r, _, err = r.Apply(element("X", "Cage", 0), element("Y", "X", 998))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.Apply(element("Z", "Cage", 0), element("X", "Cage", 1))
	expect(t, err, events.CodeTooLarge, "/types/1/attributes", "Y would have 1001 attributes")
	var chain []events.TypeDef
	for i, super := 0, "Cage"; i < 49; i++ {
		chain = append(chain, element(fmt.Sprint("C", i), super, 0))
		super = chain[i].Name
	}
	_, _, err = r.Apply(chain...)
	expect(t, err, events.CodeTooLarge, "/types/48/superType", "C47")
	if _, _, err := r.Apply(chain[:48]...); err != nil {
		t.Error(err)
	}
}

func TestApplyTakesCompatibleChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a new attribute":                        `{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>"},{"name":"beak","type":"string"}]}`,
		"an attribute that is declared again":    `{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>"},{"name":"legs","type":"int"}]}`,
		"an attribute that is deprecated":        `{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"wings","type":"array<Wing>","deprecated":true}]}`,
		"an attribute that is no more required":  `{"kind":"struct","name":"Wing","attributes":[{"name":"colour","type":"string"},{"name":"feathers","type":"int"}]}`,
		"a deprecated type":                      `{"kind":"element","name":"Cage","superType":"Referenceable","deprecated":true,"replacedBy":"Aviary","description":"d"},{"kind":"element","name":"Aviary","superType":"Cage"}`,
		"wider ends":                             `{"kind":"relationship","name":"LivesIn","multiLink":true,"end1":{"type":"Referenceable","name":"inhabitant","cardinality":"many"},"end2":{"type":"OpenMetadataRoot","cardinality":"many"}}`,
		"inherited ends that are written down":   `{"kind":"relationship","name":"SleepsIn","superType":"LivesIn","end1":{"type":"Animal","cardinality":"many"},"end2":{"type":"Cage","cardinality":"one"}}`,
		"another target":                         `{"kind":"classification","name":"Rare","validFor":["Cage","Referenceable"],"attributes":[{"name":"since","type":"date"}]}`,
		"another value":                          `{"kind":"enum","name":"Mood","values":[{"ordinal":2,"name":"UGLY"},{"ordinal":1,"name":"BAD"},{"ordinal":0,"name":"GOOD"}]}`,
		"types that refer to each other":         `{"kind":"element","name":"Zebra","superType":"Mammal","attributes":[{"name":"stripes","type":"map<string,Stripe>"}]},{"kind":"struct","name":"Stripe","attributes":[{"name":"hue","type":"Hue"}]},{"kind":"element","name":"Mammal","superType":"Animal"},{"kind":"enum","name":"Hue","values":[{"ordinal":0,"name":"DARK"}]}`,
		"a new type with a required attribute":   `{"kind":"element","name":"Fish","superType":"Animal","attributes":[{"name":"fins","type":"int","required":true}]}`,
		"an attribute of a super type, narrower": `{"kind":"element","name":"Fish","superType":"Animal","attributes":[{"name":"legs","type":"int","required":true}]}`,
	}
	for name, defs := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registry(t)
			types := parse(t, `{"types":[`+defs+`]}`)
			next, changed, err := r.Apply(types...)
			if err != nil {
				t.Fatal(err)
			}
			byName := cmpopts.SortSlices(func(a, b events.TypeDef) bool { return a.Name < b.Name })
			if diff := cmp.Diff(types, changed, byName); diff != "" {
				t.Error(diff)
			}
			again, changed, err := next.Apply(types...)
			if again != next || changed != nil || err != nil {
				t.Error("applying it again changes", changed, err)
			}
			if diff := cmp.Diff(parse(t, zoo), defsOf(r), byName, cmpopts.EquateEmpty()); diff != "" {
				t.Error("the registry before it has changed", diff)
			}
		})
	}
}

func defsOf(r *opentypes.Registry) []events.TypeDef {
	var defs []events.TypeDef
	for _, t := range r.All() {
		defs = append(defs, t.Def())
	}
	return defs
}

// TestApplyKeepsWhatDoesNotChange checks that types which a change does not
// concern are the same values, and that those it does are not.
func TestApplyKeepsWhatDoesNotChange(t *testing.T) {
	t.Parallel()
	r := registry(t)
	next, _, err := r.Apply(parse(t, `{"types":[{"kind":"enum","name":"Mood","values":[{"ordinal":0,"name":"GOOD"},{"ordinal":1,"name":"BAD"},{"ordinal":2,"name":"UGLY"}]}]}`)...)
	if err != nil {
		t.Fatal(err)
	}
	var renewed []string
	for _, typ := range r.All() {
		if now, _ := next.Type(typ.Name()); now != typ {
			renewed = append(renewed, typ.Name())
		}
	}
	if diff := cmp.Diff([]string{"Animal", "Bird", "Mood"}, renewed); diff != "" {
		t.Error(diff)
	}
	bird, err := next.Element("Bird", "")
	if err == nil {
		_, err = bird.Check(events.Props(map[string]any{"mood": "UGLY", "tag": "x"}), opentypes.CheckOptions{})
	}
	if err != nil {
		t.Error(err)
	}
}

func TestRestoreMergesVersions(t *testing.T) {
	t.Parallel()
	stored := parse(t, `{"types":[
		{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"beak","type":"string"}]},
		{"kind":"enum","name":"Mood","values":[{"ordinal":7,"name":"WILD"},{"ordinal":0,"name":"GOOD"}]},
		{"kind":"struct","name":"Wing","attributes":[{"name":"feathers","type":"int"}]},
		{"kind":"relationship","name":"LivesIn","multiLink":true,"end1":{"type":"Bird","cardinality":"one"},"end2":{"type":"Referenceable","cardinality":"many"}},
		{"kind":"classification","name":"Rare","validFor":["Cage"]}
	]}`)
	r := registry(t)
	if _, _, err := r.Apply(stored...); err == nil {
		t.Error("Apply takes it")
	}
	next, err := r.Restore(stored...)
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, `{"types":[
		{"kind":"element","name":"Bird","superType":"Animal","attributes":[{"name":"beak","type":"string"},{"name":"wings","type":"array<Wing>"}]},
		{"kind":"enum","name":"Mood","values":[{"ordinal":7,"name":"WILD"},{"ordinal":0,"name":"GOOD"},{"ordinal":1,"name":"BAD"}]},
		{"kind":"struct","name":"Wing","attributes":[{"name":"feathers","type":"int"},{"name":"colour","type":"string"}]},
		{"kind":"relationship","name":"LivesIn","multiLink":true,"end1":{"type":"Animal","cardinality":"many"},"end2":{"type":"Referenceable","cardinality":"many"}},
		{"kind":"classification","name":"Rare","validFor":["Cage","Animal"],"attributes":[{"name":"since","type":"date"}]}
	]}`)
	for _, d := range want {
		typ, _ := next.Type(d.Name)
		if diff := cmp.Diff(d, typ.Def()); diff != "" {
			t.Error(diff)
		}
	}
	// What is stored again later, by a node of the older version, takes nothing away.
	if _, err := next.Restore(parse(t, zoo)...); err != nil {
		t.Error(err)
	}
}

// TestApplyIsIndependentOfOrder applies types in random order, all at once or,
// where that can be, in two parts.
func TestApplyIsIndependentOfOrder(t *testing.T) {
	t.Parallel()
	want := defsOf(registry(t))
	rapid.Check(t, func(t *rapid.T) {
		defs := rapid.Permutation(want).Draw(t, "order")
		r, changed, err := new(opentypes.Registry).Apply(defs...)
		if err != nil || !cmp.Equal(want, changed) || !cmp.Equal(want, defsOf(r)) {
			t.Fatal("the types differ", err)
		}
		cut := rapid.IntRange(0, len(defs)).Draw(t, "cut")
		first, _, err := new(opentypes.Registry).Apply(defs[:cut]...)
		if err != nil {
			return // a part that needs the other
		}
		if r, _, err = first.Apply(defs[cut:]...); err != nil || !cmp.Equal(want, defsOf(r)) {
			t.Fatal("the types differ in two parts", err)
		}
	})
	shipped := defsOf(builtin(t))
	slices.Reverse(shipped)
	if _, changed, err := new(opentypes.Registry).Apply(shipped...); err != nil || len(changed) != len(shipped) {
		t.Error(len(changed), err)
	}
}

func builtin(tb testing.TB) *opentypes.Registry {
	tb.Helper()
	r, err := opentypes.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestLookups(t *testing.T) {
	t.Parallel()
	r := registry(t)
	bird, err := r.Element("Bird", "/type")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&events.ElementType{Name: "Bird", SuperTypes: []string{"Animal", "Referenceable", "OpenMetadataRoot"}}, bird.Header()); diff != "" {
		t.Error(diff)
	}
	if again, _ := r.Element("Bird", ""); again != bird || again.Header() != bird.Header() {
		t.Error("another Bird")
	}
	var names []string
	for _, a := range bird.Attributes() {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"additionalProperties", "displayName", "legs", "mood", "tag", "wings"}, names); diff != "" {
		t.Error(diff)
	}
	if !bird.RequiresName() || !bird.Is("Animal") || bird.Is("Cage") || bird.Kind() != events.KindElement || bird.Name() != "Bird" {
		t.Error(bird.Name(), bird.Kind(), bird.RequiresName())
	}
	if root, err := r.Element("OpenMetadataRoot", ""); err != nil || root.RequiresName() {
		t.Error("the root requires a name", err)
	}
	if diff := cmp.Diff([]string{"Animal", "Bird"}, r.Subtypes("Animal")); diff != "" {
		t.Error(diff)
	}
	if r.Subtypes("Nobody") != nil || !slices.Equal(r.Subtypes("LivesIn"), []string{"LivesIn", "NestsIn", "SleepsIn"}) {
		t.Error(r.Subtypes("Nobody"), r.Subtypes("LivesIn"))
	}
	_, err = r.Element("Brid", "/element/type")
	expect(t, err, events.CodeUnknownType, "/element/type", "did you mean Bird?")
	_, err = r.Element("LivesIn", "/a")
	expect(t, err, events.CodeUnknownType, "/a", "type of a relationship")
	_, err = r.Relationship("LiveIn", "/a")
	expect(t, err, events.CodeUnknownType, "/a", "did you mean LivesIn?")
	_, err = r.Classification("Bird", "/a")
	expect(t, err, events.CodeUnknownType, "/a", "a classification")
	_, err = r.Classification(strings.Repeat("é", 1e6), "/a")
	expect(t, err, events.CodeUnknownType, "/a", "…")
	if len(err.Error()) > 500 {
		t.Errorf("%d bytes", len(err.Error()))
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	r := registry(t)
	header := func(name string) *events.ElementType {
		typ, err := r.Element(name, "")
		if err != nil {
			t.Fatal(err)
		}
		return typ.Header()
	}
	for _, test := range []struct{ relationship, end1, end2, pointer, message string }{
		{"LivesIn", "Bird", "Cage", "", ""},
		{"SleepsIn", "Animal", "Cage", "", ""},
		{"LivesIn", "Cage", "Cage", "/relationship/end1", "found Cage"},
		{"NestsIn", "Bird", "Bird", "/relationship/end2", "expected Cage"},
		{"NestsIn", "Animal", "Cage", "/relationship/end1", "expected Bird"},
	} {
		typ, err := r.Relationship(test.relationship, "")
		if err != nil {
			t.Fatal(err)
		}
		err = typ.CheckEnds(header(test.end1), header(test.end2), "/relationship")
		if test.pointer == "" && err == nil {
			continue
		}
		expect(t, err, events.CodeInvalid, test.pointer, test.message)
	}
	sleeps, _ := r.Relationship("SleepsIn", "")
	chases, _ := r.Relationship("Chases", "")
	if sleeps.End(1).Cardinality != events.CardinalityMany || sleeps.End(2).Cardinality != events.CardinalityOne || sleeps.MultiLink() || !chases.MultiLink() {
		t.Error(sleeps.End(1).Cardinality, sleeps.End(2).Cardinality, sleeps.MultiLink(), chases.MultiLink())
	}
	bird, _ := r.Element("Bird", "")
	if bird.End(1) != nil || bird.End(2) != nil {
		t.Error("a bird has ends")
	}
	expect(t, bird.CheckEnds(bird.Header(), bird.Header(), ""), events.CodeInvalid, "/type", "type of an element")
	for _, test := range []struct {
		mark, on string
		may      bool
	}{{"Rare", "Bird", true}, {"Rare", "Cage", false}, {"Extinct", "Animal", true}, {"Caged", "Animal", false}} {
		mark, err := r.Classification(test.mark, "")
		if err != nil || mark.MayClassify(header(test.on)) != test.may {
			t.Errorf("%s on %s: %v", test.mark, test.on, err)
		}
		if err := mark.CheckClassifies(header(test.on), "/p"); !test.may {
			expect(t, err, events.CodeInvalid, "/p", test.on)
		}
	}
}
