package egeria_test

import (
	"strings"
	"testing"

	"github.com/camena-io/camena/runtime/egeria"
)

func TestValues(t *testing.T) {
	t.Parallel()
	primitive := func(category, value string) string {
		return `{"class":"PrimitivePropertyValue","primitiveDefCategory":"OM_PRIMITIVE_TYPE_` + category + `","primitiveValue":` + value + `}`
	}
	number := func(category, value string) string {
		if _, isSpecial := strings.CutPrefix(category, "!"); isSpecial {
			return value
		}
		return primitive(category, value)
	}
	tests := []struct{ category, value, want, fault string }{
		{"STRING", `"a\u0041"`, `"aA"`, ""},
		{"STRING", `7`, "", "expected a string, found a number"},
		{"CHAR", `"ß"`, `"ß"`, ""},
		{"CHAR", `"ss"`, "", `expected one character, found "ss"`},
		{"BOOLEAN", `true`, `true`, ""},
		{"BOOLEAN", `"true"`, "", "expected true or false, found a string"},
		{"BYTE", `-128`, `-128`, ""},
		{"BYTE", `128`, "", "128 does not fit byte"},
		{"SHORT", `-32769`, "", "-32769 does not fit short"},
		{"INT", `-2147483648`, `-2147483648`, ""},
		{"INT", `2147483648`, "", "2147483648 does not fit int"},
		{"INT", `1.5`, "", "expected a whole number, found 1.5"},
		{"INT", `[]`, "", "expected a whole number, found []"},
		{"LONG", `9223372036854775807`, `9223372036854775807`, ""},
		{"LONG", `"9223372036854775807"`, `9223372036854775807`, ""},
		{"LONG", `9223372036854775808`, "", "does not fit long"},
		{"BIGINTEGER", `"170141183460469231731687303715884105728"`, `170141183460469231731687303715884105728`, ""},
		{"BIGINTEGER", strings.Repeat("7", 1001), "", "expected a whole number"},
		{"FLOAT", `0.1`, `0.1`, ""},
		{"DOUBLE", `"NaN"`, "", `expected a number, found "NaN"`},
		{"DOUBLE", `1e400`, "", "1e400 does not fit double"},
		{"BIGDECIMAL", `1e400`, `1e400`, ""},
		{"BIGDECIMAL", `"3.1415926535897932384626"`, `3.1415926535897932384626`, ""},
		{"DATE", `1700000000007`, `"2023-11-14T22:13:20.007Z"`, ""},
		{"DATE", `0`, `"1970-01-01T00:00:00Z"`, ""},
		{"DATE", `"2024-02-03T04:05:06.007+0200"`, `"2024-02-03T02:05:06.007Z"`, ""},
		{"DATE", `"2024-02-03"`, `"2024-02-03T00:00:00Z"`, ""},
		{"DATE", `"3 February 2024"`, "", `found "3 February 2024"`},
		{"DATE", `1e3`, "", "found 1e3"},
		{"DATE", `253402300800000`, "", "found 253402300800000"},
		{"DATE", `true`, "", "found a boolean"},
		{"UNKNOWN", `"x"`, `"x"`, ""},
		{"UNKNOWN", `{}`, "", "expected a primitive, found an object"},
		{"INT", `null`, ``, ""},
		{"!", `null`, ``, ""},
		{"!", `{"class":"PrimitivePropertyValue"}`, ``, ""},
		{"!", `{"class":"PrimitivePropertyValue","typeName":"date","primitiveValue":0}`, `"1970-01-01T00:00:00Z"`, ""},
		{"!", `{"class":"PrimitivePropertyValue","typeName":"qubit","primitiveValue":0}`, "", `unknown primitive type "qubit"`},
		{"!", `{"class":"PrimitivePropertyValue","primitiveValue":1.50}`, `1.50`, ""},
		{"!", `{"class":"EnumPropertyValue","symbolicName":"<Not known>"}`, `"Not_known"`, ""},
		{"!", `{"class":"EnumPropertyValue","symbolicName":"???"}`, `"???"`, ""},
		{"!", `{"class":"EnumPropertyValue"}`, ``, ""},
		{"!", `{"class":"MapPropertyValue"}`, `{}`, ""},
		{"!", `{"class":"MapPropertyValue","mapValues":{"instanceProperties":{"b":` + primitive("INT", "2") + `,"a":null}}}`, `{"b":2}`, ""},
		{"!", `{"class":"ArrayPropertyValue","arrayCount":0}`, `[]`, ""},
		{"!", `{"class":"ArrayPropertyValue","arrayValues":{"instanceProperties":{"1":` + primitive("INT", "2") + `,"0":` + primitive("INT", "1") + `}}}`, `[1,2]`, ""},
		{"!", `{"instancePropertyCategory":"STRUCT","attributes":{"instanceProperties":{"in":{"class":"MapPropertyValue"}}}}`, `{"in":{}}`, ""},
	}
	for _, test := range tests {
		t.Run(test.category+" "+test.value[:min(len(test.value), 40)], func(t *testing.T) {
			t.Parallel()
			plan := check(t, store("entities", entity(library, `"a":`+number(test.category, test.value), "")))
			if test.fault != "" {
				f := plan.Report.Findings
				if len(f) != 1 || !strings.Contains(f[0].Reason, test.fault) || f[0].Where.Line != 5 {
					t.Fatalf("the report is %+v, want %s", plan.Report, test.fault)
				}
				return
			}
			if len(plan.Report.Findings) != 0 {
				t.Fatalf("findings: %v", plan.Report.Findings)
			}
			want := `{"a":` + test.want + `}`
			if test.want == "" {
				want = "{}"
			}
			if got := string(upserted(t, steps(t, plan)[0]).Properties.Raw()); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// TestEffectivity carries the time for which things count.
func TestEffectivity(t *testing.T) {
	t.Parallel()
	e := strings.Replace(entity(library, "", ""), `"properties":{`, `"properties":{"effectiveFromTime":"2024-01-01",`, 1)
	r := relationship(branch, library, library, `,"properties":{"effectiveToTime":1700000000000}`)
	x := strings.Replace(extension("Listed", library), `"name":"Listed"`, `"name":"Listed","properties":{"effectiveToTime":0}`, 1)
	plan := check(t, `{"archiveInstanceStore":{"entities":[`+e+`],"relationships":[`+r+`],"classifications":[`+x+`]}}`)
	all := steps(t, plan)
	if len(all) != 3 {
		t.Fatalf("the report is %+v", plan.Report)
	}
	got := strings.Join(told(t, all), "\n")
	for _, want := range []string{
		`"effectivity":{"effectiveFrom":"2024-01-01T00:00:00Z"}`, `"effectivity":{"effectiveTo":"2023-11-14T22:13:20Z"}`, `"effectiveTo":"1970-01-01T00:00:00Z"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestZonesByThemselves classifies an element of the repository.
func TestZonesByThemselves(t *testing.T) {
	t.Parallel()
	zones := `{"classification":{"name":"ZoneMembership"},"entityToClassify":{"guid":"` + library + `"}}`
	anchored := `{"classification":{"name":"Anchors","properties":{"instanceProperties":{"anchorGUID":` + text(library) + `}}},"entityToClassify":{"guid":"` + north + `","type":{"typeDefName":"Branch"}}}`
	itself := strings.ReplaceAll(anchored, north, library)
	plan := checkWith(t, store("classifications", zones, anchored, itself), egeria.Settings{Elements: having(library, north)})
	want := []string{
		`element.update {"element":{"guid":"` + library + `"},"zones":[]}`,
		`element.upsert {"element":{"guid":"` + north + `","type":"Branch","anchor":{"guid":"` + library + `"}},"merge":true}`,
	}
	if got := told(t, steps(t, plan)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q: %+v", got, want, plan.Report)
	}
}
