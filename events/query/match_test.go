package query_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

func stateOf(tb rapid.TB, e *events.Element) *query.State {
	tb.Helper()
	raw, err := events.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	s := query.StateOf(raw)
	return &s
}

func sample() *events.Element {
	return &events.Element{
		Header: events.ElementHeader{
			GUID: events.GUIDOf("File::a"), Type: events.ElementType{Name: "DataFile"}, QualifiedName: "File::a", Zones: []string{"green", "bl\"ue"},
			Versions: events.Versions{Version: 7, CreateTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		},
		Properties: events.Props(map[string]any{
			"displayName": "Größe \"A\"", "size": 10, "ratio": 1.5, "huge": jsontext.Value("123456789012345678901234567890"),
			"open": true, "tags": []any{"x", 3}, "modified": "2026-01-02T03:00:00+01:00",
			"additionalProperties": map[string]any{"owner": "anna", "a.b": "dotted", "deep": map[string]any{"er": 1}},
			"a":                    map[string]any{"b": 1}, "a.b": 2,
		}),
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	state := stateOf(t, sample())
	for condition, want := range map[string]bool{
		`{"property":"displayName","operator":"eq","value":"Größe \"A\""}`:                                                  true,
		`{"property":"displayName","operator":"eq","value":"gRÖßE \"a\""}`:                                                  false,
		`{"property":"displayName","operator":"eq","value":"gRÖßE \"a\"","ignoreCase":true}`:                                true,
		`{"property":"displayName","operator":"contains","value":"ÖSSE","ignoreCase":true}`:                                 false,
		`{"property":"displayName","operator":"contains","value":"ÖßE","ignoreCase":true}`:                                  true,
		`{"property":"displayName","operator":"startsWith","value":"Gr"}`:                                                   true,
		`{"property":"displayName","operator":"endsWith","value":"A\""}`:                                                    true,
		`{"property":"displayName","operator":"matches","value":"^Gr.*A.$"}`:                                                true,
		`{"property":"displayName","operator":"matches","value":"^GR","ignoreCase":true}`:                                   true,
		`{"property":"displayName","operator":"matches","value":"^x"}`:                                                      false,
		`{"property":"size","operator":"eq","value":10.0}`:                                                                  true,
		`{"property":"size","operator":"eq","value":"10"}`:                                                                  false,
		`{"property":"size","operator":"neq","value":"10"}`:                                                                 true,
		`{"property":"size","operator":"lt","value":"11"}`:                                                                  false,
		`{"property":"size","operator":"lt","value":1e1}`:                                                                   false,
		`{"property":"size","operator":"lte","value":1e1}`:                                                                  true,
		`{"property":"size","operator":"gt","value":-1e400}`:                                                                true,
		`{"property":"ratio","operator":"gte","value":1.49999999999999999999}`:                                              true,
		`{"property":"huge","operator":"gt","value":123456789012345678901234567889}`:                                        true,
		`{"property":"huge","operator":"eq","value":123456789012345678901234567890.000}`:                                    true,
		`{"property":"huge","operator":"lt","value":1e99999999999999999999}`:                                                true,
		`{"property":"open","operator":"eq","value":true}`:                                                                  true,
		`{"property":"open","operator":"neq","value":false}`:                                                                true,
		`{"property":"tags","operator":"contains","value":3.0}`:                                                             true,
		`{"property":"tags","operator":"contains","value":"X"}`:                                                             false,
		`{"property":"tags","operator":"eq","value":["x",  3]}`:                                                             true,
		`{"property":"modified","operator":"eq","value":"2026-01-02T02:00:00Z"}`:                                            true,
		`{"property":"modified","operator":"lt","value":"2026-01-02T02:30:00Z"}`:                                            true,
		`{"property":"modified","operator":"gt","value":"2026"}`:                                                            true,
		`{"property":"size","operator":"in","value":[1,10,"x"]}`:                                                            true,
		`{"property":"size","operator":"in","value":[]}`:                                                                    false,
		`{"property":"none","operator":"isNull"}`:                                                                           true,
		`{"property":"none","operator":"notNull"}`:                                                                          false,
		`{"property":"none","operator":"neq","value":1}`:                                                                    true,
		`{"property":"none","operator":"lt","value":1}`:                                                                     false,
		`{"property":"additionalProperties.owner","operator":"eq","value":"anna"}`:                                          true,
		`{"property":"additionalProperties.a.b","operator":"eq","value":"dotted"}`:                                          true,
		`{"property":"additionalProperties.deep.er","operator":"eq","value":1}`:                                             true,
		`{"property":"additionalProperties.deep.er.none","operator":"isNull"}`:                                              true,
		`{"property":"a.b","operator":"eq","value":2}`:                                                                      true,
		`{"property":"header.versions.version","operator":"gte","value":7}`:                                                 true,
		`{"property":"header.versions.createTime","operator":"lt","value":"2026-01-02T03:04:06Z"}`:                          true,
		`{"property":"header.type.typeName","operator":"eq","value":"DataFile"}`:                                            true,
		`{"property":"header.zones","operator":"contains","value":"bl\"ue"}`:                                                true,
		`{"property":"qualifiedName","operator":"eq","value":"File::a"}`:                                                    true,
		`{"and":[{"property":"size","operator":"gt","value":1},{"not":{"property":"open","operator":"eq","value":false}}]}`: true,
		`{"or":[{"property":"size","operator":"gt","value":10},{"property":"open","operator":"eq","value":false}]}`:         false,
	} {
		c, err := events.Unmarshal[events.Condition]([]byte(condition))
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		m, err := query.Compile(&c, nil, "/where")
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		if got := m.Match(state); got != want {
			t.Errorf("%s: got %t", condition, got)
		}
	}
}

func TestConditionsThatAreWrong(t *testing.T) {
	t.Parallel()
	deep := events.Compare("a", events.OpIsNull, nil)
	for range query.MaxDepth {
		deep = events.Condition{Not: &deep}
	}
	for name, c := range map[string]struct {
		condition events.Condition
		pointer   string
	}{
		"empty":              {events.Condition{}, "/where"},
		"two in one":         {events.Condition{And: []events.Condition{}, Property: "a"}, "/where"},
		"an empty list":      {events.Condition{Or: []events.Condition{}}, "/where/or"},
		"only a value":       {events.Condition{Value: jsontext.Value(`1`), And: []events.Condition{deep}}, "/where"},
		"no property":        {events.Condition{Operator: events.OpEqual}, "/where/property"},
		"no operator":        {events.Condition{Property: "a", Value: jsontext.Value("1")}, "/where/operator"},
		"no such operator":   {events.Compare("a", "like", 1), "/where/operator"},
		"no value":           {events.Compare("a", events.OpEqual, nil), "/where/value"},
		"null":               {events.Condition{Property: "a", Operator: events.OpEqual, Value: jsontext.Value("null")}, "/where/value"},
		"not JSON":           {events.Condition{Property: "a", Operator: events.OpEqual, Value: jsontext.Value("{")}, "/where/value"},
		"a value for isNull": {events.Compare("a", events.OpIsNull, 1), "/where/value"},
		"less than true":     {events.Compare("a", events.OpLess, true), "/where/value"},
		"starts with 1":      {events.Compare("a", events.OpStartsWith, 1), "/where/value"},
		"in 1":               {events.Compare("a", events.OpIn, 1), "/where/value"},
		"in null":            {events.Compare("a", events.OpIn, []any{1, nil}), "/where/value/1"},
		"too many values":    {events.Compare("a", events.OpIn, make([]int, query.MaxValues+1)), "/where/value"},
		"matches 1":          {events.Compare("a", events.OpMatches, 1), "/where/value"},
		"no RE2":             {events.Compare("a", events.OpMatches, "(?=x)"), "/where/value"},
		"a long pattern":     {events.Compare("a", events.OpMatches, strings.Repeat("x", query.MaxPattern+1)), "/where/value"},
		"a long path":        {events.Compare(strings.Repeat("x", query.MaxPath+1), events.OpIsNull, nil), "/where/property"},
		"deep":               {deep, "/where" + strings.Repeat("/not", query.MaxDepth)},
		"many":               {events.Condition{And: slices.Repeat([]events.Condition{events.Compare("a", events.OpIsNull, nil)}, query.MaxConditions)}, "/where/and/255"},
		"the second of two": {
			events.Condition{And: []events.Condition{events.Compare("a", events.OpIsNull, nil), events.Compare("a", "x", 1)}},
			"/where/and/1/operator",
		},
	} {
		if name == "only a value" {
			c.condition.And = nil
		}
		_, err := query.Compile(&c.condition, nil, "/where")
		if e, ok := err.(*events.Error); !ok || e.Code != events.CodeInvalid || e.Pointer != c.pointer { //nolint:errorlint // as it came
			t.Errorf("%s: got %v, want invalid at %s", name, err, c.pointer)
		}
	}
}

// scalar makes values of few kinds, so that they are often equal.
func scalar() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(-3, 3), func(i int) any { return i }),
		rapid.Map(rapid.SampledFrom([]float64{-1.5, 0.25, 2, 1e300}), func(f float64) any { return f }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "A", "ab", "\"\\", "é", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.5Z"}), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	)
}

func leaf() *rapid.Generator[events.Condition] {
	return rapid.Custom(func(t *rapid.T) events.Condition {
		op := rapid.SampledFrom([]events.Operator{
			events.OpEqual, events.OpNotEqual, events.OpLess, events.OpLessOrEqual, events.OpGreater, events.OpGreaterOrEqual, events.OpIn,
			events.OpContains, events.OpStartsWith, events.OpEndsWith, events.OpMatches, events.OpIsNull, events.OpNotNull,
		}).Draw(t, "operator")
		c := events.Compare(rapid.SampledFrom([]string{"p", "q", "m.x"}).Draw(t, "property"), op, nil)
		c.IgnoreCase = rapid.Bool().Draw(t, "ignoring case")
		var value any
		switch op {
		case events.OpIsNull, events.OpNotNull:
			return c
		case events.OpIn:
			value = rapid.SliceOfN(scalar(), 0, 3).Draw(t, "values")
		case events.OpStartsWith, events.OpEndsWith, events.OpMatches:
			value = rapid.SampledFrom([]string{"a", "A", "B", "2026"}).Draw(t, "text")
		case events.OpLess, events.OpLessOrEqual, events.OpGreater, events.OpGreaterOrEqual:
			value = scalar().Filter(func(v any) bool { _, is := v.(bool); return !is }).Draw(t, "value")
		default:
			value = scalar().Draw(t, "value")
		}
		c.Value, _ = events.Marshal(value)
		return c
	})
}

func condition(depth int) *rapid.Generator[events.Condition] {
	if depth == 0 {
		return leaf()
	}
	inner := condition(depth - 1)
	return rapid.OneOf(
		leaf(),
		rapid.Map(rapid.SliceOfN(inner, 1, 3), func(l []events.Condition) events.Condition { return events.Condition{And: l} }),
		rapid.Map(rapid.SliceOfN(inner, 1, 3), func(l []events.Condition) events.Condition { return events.Condition{Or: l} }),
		rapid.Map(inner, func(c events.Condition) events.Condition { return events.Condition{Not: &c} }),
	)
}

// Conditions are what a plain evaluation over decoded values says.
func TestConditionsAgreeWithAPlainEvaluation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]any{}
		for _, name := range []string{"p", "q"} {
			if rapid.Bool().Draw(t, name) {
				values[name] = rapid.OneOf(scalar(), rapid.Map(rapid.SliceOfN(scalar(), 0, 3), func(l []any) any { return l })).Draw(t, "value of "+name)
			}
		}
		if rapid.Bool().Draw(t, "m") {
			values["m"] = map[string]any{"x": scalar().Draw(t, "value of m.x")}
		}
		c := condition(3).Draw(t, "condition")
		m, err := query.Compile(&c, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		e := &events.Element{Properties: events.Props(values)}
		var decoded map[string]any
		if err := json.Unmarshal(e.Properties.Raw(), &decoded); err != nil {
			t.Fatal(err)
		}
		if got, want := m.Match(stateOf(t, e)), plain(&c, decoded); got != want {
			t.Fatalf("%+v of %s: got %t", c, e.Properties.Raw(), got)
		}
	})
}

func plain(c *events.Condition, values map[string]any) bool {
	is := func(c events.Condition) bool { return plain(&c, values) }
	switch {
	case c.And != nil:
		return !slices.ContainsFunc(c.And, func(c events.Condition) bool { return !is(c) })
	case c.Or != nil:
		return slices.ContainsFunc(c.Or, is)
	case c.Not != nil:
		return !is(*c.Not)
	}
	v := values[c.Property]
	if c.Property == "m.x" {
		inner, _ := values["m"].(map[string]any)
		v = inner["x"]
	}
	var want any
	if c.Value != nil {
		_ = json.Unmarshal(c.Value, &want)
	}
	return plainComparison(c, v, want)
}

func plainComparison(c *events.Condition, v, want any) bool {
	list, _ := want.([]any)
	order, ordered := plainOrder(v, want, c.IgnoreCase)
	flag, isFlag := v.(bool)
	same := ordered && order == 0 || isFlag && flag == want
	text, isText := v.(string)
	wanted, _ := want.(string)
	if c.IgnoreCase {
		text, wanted = strings.ToLower(text), strings.ToLower(wanted)
	}
	switch c.Operator {
	case events.OpEqual:
		return same
	case events.OpNotEqual:
		return !same
	case events.OpLess:
		return ordered && order < 0
	case events.OpLessOrEqual:
		return ordered && order <= 0
	case events.OpGreater:
		return ordered && order > 0
	case events.OpGreaterOrEqual:
		return ordered && order >= 0
	case events.OpIn:
		return slices.ContainsFunc(list, func(w any) bool {
			return v != nil && plainComparison(&events.Condition{Operator: events.OpEqual, IgnoreCase: c.IgnoreCase}, v, w)
		})
	case events.OpContains:
		if list, ok := v.([]any); ok {
			return slices.ContainsFunc(list, func(item any) bool {
				return plainComparison(&events.Condition{Operator: events.OpEqual, IgnoreCase: c.IgnoreCase}, item, want)
			})
		}
		_, wantsText := want.(string)
		return isText && wantsText && strings.Contains(text, wanted)
	case events.OpStartsWith:
		return isText && strings.HasPrefix(text, wanted)
	case events.OpEndsWith:
		return isText && strings.HasSuffix(text, wanted)
	case events.OpMatches:
		return isText && regexp.MustCompile(wanted).MatchString(text)
	case events.OpIsNull:
		return v == nil
	default:
		return v != nil
	}
}

func plainOrder(v, want any, ignoreCase bool) (order int, ok bool) {
	switch v := v.(type) {
	case float64:
		w, ok := want.(float64)
		return new(big.Float).SetFloat64(v).Cmp(new(big.Float).SetFloat64(w)), ok
	case string:
		w, ok := want.(string)
		t, err := time.Parse(time.RFC3339Nano, v)
		u, otherErr := time.Parse(time.RFC3339Nano, w)
		if ok && err == nil && otherErr == nil {
			return t.Compare(u), true
		}
		if ignoreCase {
			v, w = strings.ToLower(v), strings.ToLower(w)
		}
		return strings.Compare(v, w), ok
	default:
		return 0, false
	}
}

func FuzzCondition(f *testing.F) {
	f.Add([]byte(`{"and":[{"property":"a.b","operator":"lt","value":1e5},{"not":{"property":"c","operator":"matches","value":"x+"}}]}`), []byte(`{"a":{"b":-0.5e-7},"c":"\u0000"}`))
	f.Add([]byte(`{"property":"header.versions.version","operator":"in","value":[1,"2",{}]}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, question, properties []byte) {
		c, err := events.Unmarshal[events.Condition](question)
		if err != nil {
			return
		}
		m, err := query.Compile(&c, nil, "/where")
		if err != nil {
			return
		}
		p, err := events.ParseProperties(properties)
		if err != nil {
			return
		}
		s := stateOf(t, &events.Element{Properties: p})
		if opposite, err := query.Compile(&events.Condition{Not: &c}, nil, ""); err == nil && opposite.Match(s) == m.Match(s) {
			t.Errorf("%s and its opposite agree", question)
		}
	})
}

// Numbers may be as long as a value is; what they are compared with is prepared once.
func TestNumbersAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("9", query.MaxNumber)
	for _, number := range []string{"1e" + long, "-" + long, "0." + long} {
		c := events.Condition{Property: "n", Operator: events.OpGreater, Value: jsontext.Value(number)}
		if _, err := query.Compile(&c, nil, "/where"); events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), "1000 are allowed") {
			t.Errorf("%.8s…: %v", number, err)
		}
	}
	for value, want := range map[string]bool{
		"1e" + long + long + long: true, "1e-" + long + long + long: false, "-1e" + long + long: false, "1e+000" + long: true, "7e0": false, "8e00": true,
	} {
		c := events.Condition{Property: "n", Operator: events.OpGreater, Value: jsontext.Value("7")}
		m, err := query.Compile(&c, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Match(row([]byte(`{"header":{},"properties":{"n":` + value + `}}`))); got != want {
			t.Errorf("%.8s… > 7 is %v", value, got)
		}
	}
}

func row(raw []byte) *query.State {
	s := query.StateOf(raw)
	return &s
}
