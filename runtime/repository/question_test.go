package repository_test

import (
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
)

// A misspelt question is refused, wherever it can be asked, instead of finding
// nothing.
func TestMisspeltQuestions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1))
	where := func(typ, text string) events.Find {
		c, err := events.ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		return events.Find{Type: typ, Where: &c}
	}
	for says, q := range map[string]events.Find{
		`/where/property: neither DataFile nor a subtype of it has an attribute "sizee"; did you mean size?`: where("DataFile", "sizee > 295000"),
		`/where/value: size is compared with a number; found a string`:                                       where("DataFile", "size > abc"),
		`/where/property: the header has no "versions.updateTim"; did you mean versions.updateTime`:          where("", "header.versions.updateTim > 2026-01-01T00:00:00Z"),
		`/classification: there is no classification type "Confidentialty"; did you mean Confidentiality?`:   {Classification: "Confidentialty"},
		`/sort/0/property: no type of elements has an attribute "nope"`:                                      {Sort: []events.SortKey{{Property: "nope"}}},
		`/classificationWhere/property: no Confidentiality has an attribute "level"`: {
			Classification: "Confidentiality", ClassificationWhere: &events.Condition{Property: "level", Operator: events.OpIsNull},
		},
	} {
		_, found := b.metadata.Find(t.Context(), q)
		_, counted := b.metadata.Count(t.Context(), q)
		for _, err := range []error{found, counted} {
			if err == nil || !strings.HasPrefix(err.Error(), says) {
				t.Errorf("got %v\nwant %s", err, says)
			}
		}
	}
}
