package query_test

import (
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

func TestExpressions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a = 1`:                    `{"property":"a","operator":"eq","value":1}`,
		`a="x y" and b != 'it\'s'`: `{"and":[{"property":"a","operator":"eq","value":"x y"},{"property":"b","operator":"neq","value":"it's"}]}`,
		`a < 1 or b <= -1.5e3 and c > 2 or d >= x`: `{"or":[{"property":"a","operator":"lt","value":1},{"and":[{"property":"b","operator":"lte","value":-1.5e3},` +
			`{"property":"c","operator":"gt","value":2}]},{"property":"d","operator":"gte","value":"x"}]}`,
		`(a = 1 or b = true) AND NOT c is null`: `{"and":[{"or":[{"property":"a","operator":"eq","value":1},{"property":"b","operator":"eq","value":true}]},` +
			`{"not":{"property":"c","operator":"isNull"}}]}`,
		`a.b is not null`: `{"property":"a.b","operator":"notNull"}`,
		`header.versions.updateTime > 2026-01-02T03:04:05Z`: `{"property":"header.versions.updateTime","operator":"gt","value":"2026-01-02T03:04:05Z"}`,
		`a in (1, "b", c)`:             `{"property":"a","operator":"in","value":[1,"b","c"]}`,
		`a ~ '^x\\d+$' or a matches y`: `{"or":[{"property":"a","operator":"matches","value":"^x\\d+$"},{"property":"a","operator":"matches","value":"y"}]}`,
		`a contains x and b startswith ö and c endsWith 01`: `{"and":[{"property":"a","operator":"contains","value":"x"},` +
			`{"property":"b","operator":"startsWith","value":"ö"},{"property":"c","operator":"endsWith","value":"01"}]}`,
		"`odd name` = x":     `{"property":"odd name","operator":"eq","value":"x"}`,
		`not (not a == "1")`: `{"not":{"not":{"property":"a","operator":"eq","value":"1"}}}`,
		`and = or`:           `{"property":"and","operator":"eq","value":"or"}`,
	} {
		c, err := query.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := events.Marshal(c)
		if err != nil || string(got) != want {
			t.Errorf("%s\n got %s\nwant %s (%v)", text, got, want, err)
		}
	}
}

func TestExpressionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "at character 1: expected a property, found the end",
		"a":                      "at character 2: expected an operator",
		"a =":                    "at character 4: expected a value, found the end",
		"ä = 1 b":                `at character 7: expected and, or, or the end, found "b"`,
		"(a = 1":                 "at character 7: expected ), found the end",
		"a = \"x":                "at character 5: expected the closing quote, found the end",
		"a in 1":                 "expected a list in parentheses",
		"a in (1 2)":             "expected , or )",
		"a in ()":                `expected a value, found ")"`,
		"a is 1":                 `expected null, found "1"`,
		"a = null":               `write "is null"`,
		"'a' = 1":                "expected a property",
		"a = 1 and":              "expected a property, found the end",
		strings.Repeat("(", 500): "deeper than",
	} {
		if _, err := query.Parse(text); events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestIgnoringCase(t *testing.T) {
	t.Parallel()
	c, err := query.Parse(`displayName = "gRÖßE \"a\"" and not (displayName startsWith X or size > 100)`)
	if err != nil {
		t.Fatal(err)
	}
	exact, err := query.Compile(&c, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	ignoring := query.IgnoreCase(&c)
	folded, err := query.Compile(&ignoring, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if s := stateOf(t, sample()); exact.Match(s) || !folded.Match(s) {
		t.Error("case counts where it should not, or the other way round")
	}
}

func FuzzExpression(f *testing.F) {
	f.Add(`a = "x" and not (b in (1, 'c') or d is not null)`)
	f.Add("`x` ~ y")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := query.Parse(text)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if _, err := events.Marshal(c); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
