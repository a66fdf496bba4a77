package query_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	e := sample()
	e.Header.Effectivity = events.Effectivity{From: day(10), To: day(20)}
	e.Classifications = []events.Classification{
		{Name: "Confidentiality", Properties: events.Props(map[string]any{"level": 3})},
		{Name: "Impact", Effectivity: events.Effectivity{To: day(15)}},
	}
	archived := *e
	archived.Classifications = append(slices.Clone(e.Classifications), events.Classification{Name: events.Memento})
	level := func(n int) *events.Condition {
		c := events.Compare("level", events.OpGreaterOrEqual, n)
		return &c
	}
	for name, c := range map[string]struct {
		q              events.Find
		want, archived bool
	}{
		"everything":                 {events.Find{}, true, false},
		"archived, too":              {events.Find{IncludeArchived: true}, true, true},
		"a zone":                     {events.Find{Zone: "bl\"ue"}, true, false},
		"another zone":               {events.Find{Zone: "red"}, false, false},
		"a classification":           {events.Find{Classification: "Impact"}, true, false},
		"another classification":     {events.Find{Classification: "Criticality"}, false, false},
		"its properties":             {events.Find{Classification: "Confidentiality", ClassificationWhere: level(3)}, true, false},
		"other properties":           {events.Find{Classification: "Confidentiality", ClassificationWhere: level(4)}, false, false},
		"before it counts":           {events.Find{EffectiveAt: day(9)}, false, false},
		"when it counts":             {events.Find{EffectiveAt: day(10)}, true, false},
		"when it does no longer":     {events.Find{EffectiveAt: day(20)}, false, false},
		"a mark that counts":         {events.Find{Classification: "Impact", EffectiveAt: day(14)}, true, false},
		"a mark that counts no more": {events.Find{Classification: "Impact", EffectiveAt: day(16)}, false, false},
		"archived and effective":     {events.Find{IncludeArchived: true, EffectiveAt: day(11)}, true, true},
		"where":                      {events.Find{Where: &events.Condition{Property: "size", Operator: events.OpEqual, Value: jsontext.Value("10")}}, true, false},
	} {
		f, err := query.NewFilter(&c.q, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(*stateOf(t, e)); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
		if got := f.Match(*stateOf(t, &archived)); got != c.archived {
			t.Errorf("%s, archived: got %t", name, got)
		}
	}
	for pointer, q := range map[string]events.Find{
		"/classification":          {ClassificationWhere: level(1)},
		"/classificationWhere/not": {Classification: "x", ClassificationWhere: &events.Condition{Not: &events.Condition{}}},
		"/where/not":               {Where: &events.Condition{Not: &events.Condition{}}},
	} {
		if _, err := query.NewFilter(&q, nil, nil, nil); err == nil || !strings.HasPrefix(err.Error(), pointer+":") {
			t.Errorf("%s: got %v", pointer, err)
		}
	}
}
