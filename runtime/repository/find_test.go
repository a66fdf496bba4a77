package repository_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// specimen is an element of the model that questions are compared with.
type specimen struct {
	typ, name, label, source string
	size                     int // 0: it has none
	zone                     bool
	mark                     bool
	archived                 bool
}

func (s *specimen) guid() string { return events.GUIDOf(s.name) }

func (s *specimen) is(typ string) bool {
	return typ == "" || typ == s.typ || typ == "DataFile" && s.typ == "CSVFile" || typ == "Referenceable"
}

func (s *specimen) upsert() *events.Upsert {
	u := typed(s.typ, s.name, map[string]any{"displayName": s.label})
	if s.size > 0 {
		u = typed(s.typ, s.name, map[string]any{"displayName": s.label, "n": s.size})
	}
	if s.zone {
		u.Element.Zones = []string{"z"}
	}
	if s.mark {
		u.Element.Classifications = append(u.Element.Classifications, events.Classification{Name: "Impact"})
	}
	return u
}

// collection fills a repository with elements of which many have much in common.
func collection(t *testing.T, b *bundle, n int) []*specimen {
	t.Helper()
	all := make([]*specimen, n)
	for i := range all {
		all[i] = &specimen{
			typ: []string{"DataFile", "CSVFile", "FileFolder", "GlossaryTerm"}[i%4], name: fmt.Sprintf("%c/%03d", 'a'+i*7%5, i),
			label: []string{"One", "two", "Three"}[i%3], size: i % 7, zone: i%5 == 0, mark: i%6 == 0, archived: i%11 == 3,
			source: []string{"", "s1", "s2"}[i%13%3],
		}
		b.by(t, all[i].source, all[i].upsert())
		if all[i].archived {
			b.by(t, all[i].source, &events.Delete{Element: events.ByName(all[i].name), Method: events.DeleteArchive})
		}
	}
	return all
}

// questions draws a question and what decides it.
func question(t *rapid.T) (events.Find, func(*specimen) bool) {
	q := events.Find{
		Type:            rapid.SampledFrom([]string{"", "DataFile", "CSVFile", "Referenceable", "FileFolder"}).Draw(t, "type"),
		NamePrefix:      rapid.SampledFrom([]string{"", "", "a", "b/0", "none"}).Draw(t, "prefix"),
		Source:          rapid.SampledFrom([]string{"", "", "s1"}).Draw(t, "source"),
		Text:            rapid.SampledFrom([]string{"", "", "TWO", "1", "thr"}).Draw(t, "text"),
		Zone:            rapid.SampledFrom([]string{"", "", "z", "y"}).Draw(t, "zone"),
		Classification:  rapid.SampledFrom([]string{"", "", "Impact"}).Draw(t, "classification"),
		IncludeArchived: rapid.Bool().Draw(t, "archived"),
	}
	least := rapid.IntRange(-1, 6).Draw(t, "least")
	if least >= 0 {
		c := events.Compare("n", events.OpGreaterOrEqual, least)
		q.Where = &events.Condition{Not: &events.Condition{Not: &c}}
	}
	return q, func(s *specimen) bool {
		return s.is(q.Type) && strings.HasPrefix(s.name, q.NamePrefix) && (q.Source == "" || s.source == q.Source) &&
			(strings.Contains(s.name, q.Text) || strings.Contains(strings.ToLower(s.label), strings.ToLower(q.Text))) &&
			(q.Zone == "" || q.Zone == "z" && s.zone) && (q.Classification == "" || s.mark) && (q.IncludeArchived || !s.archived) &&
			(least < 0 || s.size > 0 && s.size >= least)
	}
}

func order(t *rapid.T) ([]events.SortKey, func(a, b *specimen) int) {
	byGUID := func(a, b *specimen) int { return strings.Compare(a.guid(), b.guid()) }
	switch rapid.IntRange(0, 3).Draw(t, "order") {
	case 0:
		return nil, func(a, b *specimen) int { return strings.Compare(a.name, b.name) }
	case 1:
		return []events.SortKey{{Property: "qualifiedName", Descending: true}}, func(a, b *specimen) int { return strings.Compare(b.name, a.name) }
	case 2:
		return []events.SortKey{{Property: "n"}}, func(a, b *specimen) int { return cmp.Or(a.size-b.size, byGUID(a, b)) }
	default:
		return []events.SortKey{{Property: "displayName", Descending: true}, {Property: "header.type.typeName"}},
			func(a, b *specimen) int {
				return cmp.Or(strings.Compare(b.label, a.label), strings.Compare(a.typ, b.typ), byGUID(a, b))
			}
	}
}

// What is found, its order, its pages put together and its number are what a
// plain look at every element says, while other elements come and go.
func TestFindAgreesWithAPlainLook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := collection(t, b, 150)
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() { // of a type and with a source of their own
		for i := 0; ctx.Err() == nil; i++ {
			c := events.Command(typed("Topic", fmt.Sprintf("%c/9%d", 'a'+i%5, i%50), map[string]any{"displayName": "noise", "n": i}))
			if i%3 == 0 {
				c = &events.Delete{Element: events.ByName(fmt.Sprintf("%c/9%d", 'a'+i%5, i%50))}
			}
			e, err := events.NewCommand("/test", c)
			if err != nil {
				t.Error(err)
				return
			}
			attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
			_, _ = b.metadata.Request(attempt, e)
			cancel()
		}
	})
	t.Cleanup(writing.Wait)
	t.Cleanup(stop)
	sequence := b.repo.Sequence()
	rapid.Check(t, func(t *rapid.T) {
		q, matches := question(t)
		keys, less := order(t)
		q.Sort, q.Limit, q.MinSequence = keys, rapid.SampledFrom([]int{1, 3, 10, 200}).Draw(t, "limit"), sequence
		var want []string
		for _, s := range slices.SortedFunc(slices.Values(slices.DeleteFunc(slices.Clone(all), func(s *specimen) bool { return !matches(s) })), less) {
			want = append(want, s.name)
		}
		got := slices.DeleteFunc(b.names(t, q), func(name string) bool { return name[2] == '9' })
		if !slices.Equal(got, want) {
			t.Fatalf("%+v\n got %v\nwant %v", q, got, want)
		}
		q.Page.Limit = 0
		count, err := events.Ask(context.Background(), b.metadata, &events.Count{Find: q})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for typ, some := range count.Elements {
			if typ != "Topic" {
				n += some
			}
		}
		if n != len(want) {
			t.Fatalf("%+v: counted %v, want %d", q, count.Elements, len(want))
		}
	})
}

func TestFindThatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1), file("g", 2))
	sorted, err := events.Ask(t.Context(), b.metadata, &events.Find{Sort: []events.SortKey{{Property: "size"}}, Page: events.Page{Limit: 1, MinSequence: 2}})
	if err != nil || sorted.Next == "" {
		t.Fatalf("got %+v, %v", sorted, err)
	}
	for pointer, q := range map[string]events.Find{
		"/where/or/0/operator":          {Where: &events.Condition{Or: []events.Condition{events.Compare("a", "is", 1)}}},
		"/classificationWhere/operator": {Classification: "Impact", ClassificationWhere: &events.Condition{Property: "x"}},
		"/sort/0/property":              {Sort: []events.SortKey{{}}},
		"/after":                        {Page: events.Page{After: sorted.Next}},
		"/type":                         {Type: "Nope"},
	} {
		for _, ask := range []func() error{
			func() error { _, err := events.Ask(t.Context(), b.metadata, &q); return err },
			func() error { _, err := events.Ask(t.Context(), b.metadata, &events.Count{Find: q}); return err },
		} {
			if err := ask(); err == nil || !strings.HasPrefix(err.Error(), pointer+":") {
				t.Errorf("%s: got %v", pointer, err)
			}
		}
	}
	q := events.Find{Sort: []events.SortKey{{Property: "size"}, {Property: "x"}}, Page: events.Page{After: sorted.Next}}
	if _, err := events.Ask(t.Context(), b.metadata, &q); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("the end of a page of another order: %v", err)
	}
}

// An element that changed 20 times is read as it was at each moment; after its
// deletion as it was before.
func TestTimeTravel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 20
	began := time.Now()
	for i := range n {
		b.must(t, file("f", i))
	}
	b.must(t, folder("d"))
	linked := b.must(t, link("NestedFile", "d", "f", map[string]any{"n": 1}))
	deleted := b.must(t, &events.Delete{Element: events.ByName("f")})
	history, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName("f"), MinSequence: deleted.Sequence})
	if err != nil || len(history.Changes) != n+1 {
		t.Fatalf("%d changes, %v", len(history.Changes), err)
	}
	size := func(ref events.ElementRef, at time.Time) (int, error) {
		a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: ref, AsOf: at})
		if err != nil {
			return -1, err
		}
		return events.Property[int](a.Element.Properties, "size")
	}
	for i, c := range history.Changes[:n] {
		v := c.Element.Element.Header.Versions
		at := v.UpdateTime
		if i == 0 {
			at = v.CreateTime
		}
		until := c.Time
		if i+1 < n {
			until = history.Changes[i+1].Element.Element.Header.Versions.UpdateTime.Add(-time.Nanosecond)
		}
		for _, moment := range []time.Time{at, until} {
			for _, ref := range []events.ElementRef{events.ByName("f"), events.ByGUID(events.GUIDOf("f"))} {
				if got, err := size(ref, moment); got != i || err != nil {
					t.Errorf("version %d at %s: got %d, %v", i+1, moment, got, err)
				}
			}
		}
	}
	gone := history.Changes[n].Time
	if got, err := size(events.ByName("f"), gone.Add(-time.Microsecond)); got != n-1 || err != nil {
		t.Errorf("before its deletion: got %d, %v", got, err)
	}
	for _, c := range []struct {
		at   time.Time
		says string
	}{{began.Add(-time.Hour), "did not exist yet"}, {gone, "was deleted"}, {gone.Add(time.Second), "was deleted"}} {
		if _, err := size(events.ByName("f"), c.at); events.CodeOf(err) != events.CodeNotFound || !strings.Contains(err.Error(), c.says) {
			t.Errorf("at %s: got %v, want %q", c.at, err, c.says)
		}
	}
	if _, err := size(events.ByName("nobody"), gone); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("got %v", err)
	}
	links, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByGUID(linked.GUID)})
	if err != nil || len(links.Changes) != 2 {
		t.Fatalf("got %+v, %v", links, err)
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByGUID(linked.GUID), AsOf: links.Changes[0].Time})
	if err != nil || a.Relationship == nil || a.Relationship.End2.QualifiedName != "f" {
		t.Errorf("a relationship: got %+v, %v", a, err)
	}
}

// Of what was purged nothing is known but that, also when it has come again; of
// what is to come nothing at all.
func TestTimeTravelToWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1), file("f", 2))
	created, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("f"), MinSequence: b.repo.Sequence()})
	if err != nil {
		t.Fatal(err)
	}
	before := created.Element.Header.Versions.UpdateTime
	refused := func(ref events.ElementRef, at time.Time, code events.Code, says string) {
		t.Helper()
		_, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: ref, AsOf: at, MinSequence: b.repo.Sequence()})
		if events.CodeOf(err) != code || !strings.Contains(err.Error(), says) {
			t.Errorf("%v as of %s: got %v, want %q", ref, at, err, says)
		}
	}
	refs := map[events.ElementRef]string{
		events.ByName("f"):                "f was purged at ",
		events.ByGUID(events.GUIDOf("f")): events.GUIDOf("f") + " was purged at ",
	}
	b.must(t, &events.Delete{Element: events.ByName("f"), Method: events.DeletePurge})
	for ref, says := range refs {
		refused(ref, before, events.CodeNotFound, says)
		refused(ref, before.Add(-time.Hour), events.CodeNotFound, says)
		refused(ref, time.Now(), events.CodeNotFound, says)
		refused(ref, time.Now().Add(time.Hour), events.CodeInvalid, "/asOf: ")
	}
	b.must(t, file("f", 3))
	for ref, says := range refs {
		refused(ref, before, events.CodeNotFound, says)
		if _, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: ref, AsOf: time.Now(), MinSequence: b.repo.Sequence()}); err != nil {
			t.Errorf("%v, come again: %v", ref, err)
		}
	}
}

// History is kept for so many changes: of what was before it is said that it is
// not known any more.
func TestTimeTravelEndsWhereHistoryDoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	began := time.Now()
	for i := range 70 { // 64 are kept
		b.must(t, file("f", i))
	}
	history, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName("f"), MinSequence: b.repo.Sequence()})
	if err != nil || len(history.Changes) != 64 {
		t.Fatalf("%d changes, %v", len(history.Changes), err)
	}
	before := history.Changes[0].Element.Previous
	for _, c := range []struct {
		at   time.Time
		size int
		says string
	}{
		{before.Header.Versions.UpdateTime, 5, ""},
		{before.Header.Versions.UpdateTime.Add(-time.Nanosecond), 0, "does not reach back"},
		{began.Add(-time.Hour), 0, "does not reach back"},
	} {
		a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("f"), AsOf: c.at})
		if c.says != "" {
			if events.CodeOf(err) != events.CodeNotFound || !strings.Contains(err.Error(), c.says) {
				t.Errorf("at %s: got %v, want %q", c.at, err, c.says)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if size, _ := events.Property[int](a.Element.Properties, "size"); size != c.size {
			t.Errorf("at %s: got %d, want %d", c.at, size, c.size)
		}
	}
}

// An element that brought its own guid is found by its name after its deletion.
func TestTimeTravelByANameThatIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := file("f", 1)
	own.Element.GUID = "0b4ee7f4-1f5d-4c7e-9b7a-7e0c6d9f3a10"
	created := b.must(t, own, file("g", 1))
	a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("f"), MinSequence: created.Sequence})
	if err != nil {
		t.Fatal(err)
	}
	deleted := b.must(t, &events.Delete{Element: events.ByName("g")}, &events.Delete{Element: events.ByName("f")})
	q := events.Get{ElementRef: events.ByName("f"), AsOf: a.Element.Header.Versions.CreateTime, MinSequence: deleted.Sequence}
	if a, err = events.Ask(t.Context(), b.metadata, &q); err != nil || a.Element.Header.GUID != own.Element.GUID {
		t.Errorf("got %+v, %v", a, err)
	}
}
