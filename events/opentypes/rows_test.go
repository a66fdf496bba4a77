package opentypes_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/events/query"
)

func menagerie(tb testing.TB) *opentypes.Registry {
	tb.Helper()
	r, _, err := registry(tb).Apply(parse(tb, `{"types":[{"kind":"element","name":"Thing","superType":"Referenceable","attributes":[
		{"name":"boolean","type":"boolean"},{"name":"date","type":"date"},{"name":"any","type":"any"},{"name":"wing","type":"Wing"},
		{"name":"ints","type":"array<int>"},{"name":"dates","type":"map<string,date>"},{"name":"wings","type":"map<string,Wing>"},
		{"name":"legs","type":"string"},{"name":"properties","type":"map<string,int>"}]}]}`)...)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// asking returns a question with a condition as people write it.
func asking(tb testing.TB, typ, where string) *events.Find {
	tb.Helper()
	c, err := query.Parse(where)
	if err != nil {
		tb.Fatalf("%s: %v", where, err)
	}
	return &events.Find{Type: typ, Where: &c}
}

// check checks a question as the repository does.
func check(r *opentypes.Registry, q *events.Find) error {
	elements, err := r.Rows(events.KindElement, q.Type, "/type")
	if err != nil {
		return err
	}
	classification, err := r.Rows(events.KindClassification, q.Classification, "/classification")
	if err != nil {
		return err
	}
	if _, err := query.NewFilter(q, elements, classification, nil); err != nil {
		return err
	}
	_, err = query.NewSorter(q.Sort, elements, "/sort")
	return err
}

func TestQuestionsThatCanBeAnswered(t *testing.T) {
	t.Parallel()
	r := menagerie(t)
	for typ, wheres := range map[string][]string{
		"": {
			"legs = 4", "legs = four", "boolean = true", "tag is null", "qualifiedName ~ x", "header.zones contains z",
			"header.versions.updateTime > 2026-01-01T00:00:00Z", "header.versions.version = 3", "header.type.superTypeNames contains Animal",
			"wings is null", "properties.nobody = 1",
		},
		"Animal": {"legs < 4.5", "mood = BAD", "mood startsWith B", "mood in (GOOD, BAD)", "wings is not null", "additionalProperties.a.b = x", "properties.nope = x"},
		"Thing": {
			"boolean != false", "date > 2026-01", `date < "2026"`, "date = 2026-01-01T00:00:00.5+01:00", `date startsWith "20"`, "any = 1", "any < x", "any.x.y = 1", "wing.feathers = 1",
			"wing.colour contains r", "ints contains 3", "dates.a.b > 2026-01-01", "wings.left.wing.colour = red", "legs ~ '^f'", "properties.n = 3",
			"not (boolean = true or ints contains 1)",
		},
	} {
		for _, where := range wheres {
			if err := check(r, asking(t, typ, where)); err != nil {
				t.Errorf("%s, %s: %v", typ, where, err)
			}
		}
	}
	ignoring := events.Compare("mood", events.OpEqual, "bad")
	ignoring.IgnoreCase = true
	rare := events.Compare("since", events.OpLess, "2026-01-01T00:00:00Z")
	for _, q := range []*events.Find{
		{},
		{Type: "Animal", Where: &ignoring},
		{Classification: "Extinct", ClassificationWhere: &rare},
		{Sort: []events.SortKey{{Property: "header.versions.createTime"}, {Property: "legs"}, {Property: "dates.x"}}},
	} {
		if err := check(r, q); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestQuestionsThatNothingCouldAnswer(t *testing.T) {
	t.Parallel()
	r := menagerie(t)
	const property, value = "/where/property", "/where/value"
	for _, c := range []struct{ typ, where, pointer, says string }{
		{"", "legz = 4", property, `no type of elements has an attribute "legz"; did you mean legs?`},
		{"Animal", "legz = 4", property, `neither Animal nor a subtype of it has an attribute "legz"; did you mean legs?`},
		{"Cage", "legs = 4", property, `no Cage has an attribute "legs"`},
		{"Thing", "wing.color = x", property, `wing has no member "color"; did you mean colour?`},
		{"Thing", "boolean.x = 1", property, `boolean has no member "x"`},
		{"", "header.versions.updateTim > 2026-01-01T00:00:00Z", property, `the header has no "versions.updateTim"; did you mean versions.updateTime`},
		{"", "header. = 1", property, `the header has no ""`},
		{"", "header.versions = 1", property, `the header has no "versions"`},
		{"", "tag = x and not legz = 4", "/where/and/1/not/property", "did you mean legs?"},
		{"", "tag = x or legz = 4", "/where/or/1/property", "did you mean legs?"},
		{"Animal", "legs > abc", value, "legs is compared with a number; found a string"},
		{"Animal", "legs in (1, x)", "/where/value/1", "legs is compared with a number; found a string"},
		{"Animal", "legs contains 1", "/where/operator", "contains does not suit legs, which holds a number"},
		{"Animal", "tag = 5", value, "tag is compared with a string; found 5: put quotes around it"},
		{"Animal", "mood = BADD", value, "the name of a value of Mood: GOOD, BAD; did you mean BAD?"},
		{"", "legs = true", value, "legs is compared with "},
		{"Thing", "boolean = yes", value, "boolean is compared with true or false; found a string"},
		{"Thing", "boolean > 1", "/where/operator", "gt does not suit boolean, which holds true or false"},
		{"Thing", "date > abc", value, "date is compared with a time such as"},
		{"Thing", "date = 2026-01-01", value, "date is compared with a time such as"},
		{"Thing", "date > 2026", value, "date is compared with a time; found 2026: put quotes around it"},
		{"Thing", "ints contains x", value, "ints is compared with a number"},
		{"Thing", "ints = 1", value, "ints is compared with an array"},
		{"Thing", "wing = 1", value, "wing is compared with an object"},
		{"Thing", "dates.a > abc", value, "dates.a is compared with a time such as"},
		{"", "header.versions.version = x", value, "header.versions.version is compared with a number"},
		{"", "header.zones > z", "/where/operator", "which holds an array"},
	} {
		expect(t, check(r, asking(t, c.typ, c.where)), events.CodeInvalid, c.pointer, c.says)
	}
	expect(t, check(r, &events.Find{Type: "Anymal"}), events.CodeUnknownType, "/type", "did you mean Animal?")
	expect(t, check(r, &events.Find{Classification: "Raer"}), events.CodeUnknownType, "/classification", "did you mean Rare")
	expect(t, check(r, &events.Find{Classification: "Animal"}), events.CodeUnknownType, "/classification", "type of an element")
	expect(t, check(r, &events.Find{Sort: []events.SortKey{{Property: "tag"}, {Property: "leg"}}}), events.CodeInvalid, "/sort/1/property", "did you mean legs")
	for property, says := range map[string]string{"sincee": "did you mean since?", "header.zones": "a classification has no", "legs": "no Rare has an attribute"} {
		q := &events.Find{Classification: "Rare", ClassificationWhere: &events.Condition{Property: property, Operator: events.OpIsNull}}
		expect(t, check(r, q), events.CodeInvalid, "/classificationWhere/property", says)
	}
}
