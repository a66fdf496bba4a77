package repository_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// names reads all pages of a question.
func (b *bundle) names(tb rapid.TB, q events.Find) (list []string) {
	tb.Helper()
	for {
		a, err := events.Ask(context.Background(), b.metadata, &q)
		if err != nil {
			tb.Fatal(err)
		}
		for _, e := range a.Elements {
			list = append(list, cmp.Or(e.Header.QualifiedName, e.Header.GUID))
		}
		if a.Next == "" {
			return list
		}
		if len(a.Elements) == 0 {
			tb.Fatal("an empty page has a next one")
		}
		q.After = a.Next
	}
}

func typed(typ, name string, properties map[string]any) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: typ, QualifiedName: name, Properties: events.Props(properties)}}
}

func TestFind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nameless := uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000000").String()
	last := b.must(t,
		typed("DataFile", "b", map[string]any{"displayName": "Größe", "secret": "haystack"}),
		typed("CSVFile", "a/2", nil), typed("DataFile", "a/10", map[string]any{"description": "A Needle in a haystack"}),
		typed("MediaFile", "c", nil), typed("RasterFile", "a/1", nil), typed("FileFolder", "a", map[string]any{"name": "needles"}),
		typed("GlossaryTerm", "Needlework", nil),
		&events.Upsert{Element: events.ElementSpec{Type: "Like", GUID: nameless}},
	)
	for _, c := range []events.Command{typed("DataFile", "x", nil), typed("CSVFile", "y", nil)} {
		last = b.apply(t, c, events.ExtMetadataSource, "src", events.ExtScope, "sc")
	}
	for name, c := range map[string]struct {
		q    events.Find
		want []string
	}{
		"everything":          {events.Find{}, []string{"Needlework", "a", "a/1", "a/10", "a/2", nameless, "b", "c", "x", "y"}},
		"a type and below":    {events.Find{Type: "DataFile"}, []string{"a/1", "a/10", "a/2", "b", "c", "x", "y"}},
		"a leaf type":         {events.Find{Type: "RasterFile"}, []string{"a/1"}},
		"a prefix":            {events.Find{NamePrefix: "a/1"}, []string{"a/1", "a/10"}},
		"a prefix of a guid":  {events.Find{NamePrefix: "aaaa"}, nil},
		"prefix and type":     {events.Find{NamePrefix: "a", Type: "DataFile"}, []string{"a/1", "a/10", "a/2"}},
		"no such prefix":      {events.Find{NamePrefix: "zzz"}, nil},
		"a text":              {events.Find{Text: "NEEDLE"}, []string{"Needlework", "a", "a/10"}},
		"a text with umlauts": {events.Find{Text: "größ"}, []string{"b"}},
		"text not described":  {events.Find{Text: "secret"}, nil},
		"only in another":     {events.Find{Text: "haystack"}, []string{"a/10"}},
		"a source":            {events.Find{Source: "src"}, []string{"x", "y"}},
		"a scope":             {events.Find{Scope: "sc", Type: "CSVFile"}, []string{"y"}},
		"no such scope":       {events.Find{Scope: "none"}, nil},
	} {
		for _, limit := range []int{0, 1, 2, 3} {
			c.q.Limit, c.q.MinSequence = limit, last.Sequence
			if got := b.names(t, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d a page: got %v, want %v", name, limit, got, c.want)
			}
		}
	}
}

func TestQuestionsThatAreWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1))
	long := strings.Repeat("ä\n", 100<<10)
	for name, c := range map[string]struct {
		ask     func(context.Context) error
		code    events.Code
		pointer string
	}{
		"get nothing": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Get{})
			return err
		}, events.CodeInvalid, ""},
		"get no guid": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Get{ElementRef: events.ByGUID("x")})
			return err
		}, events.CodeInvalid, "/guid"},
		"get a long name": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Get{ElementRef: events.ByName(long)})
			return err
		}, events.CodeNotFound, ""},
		"find an unknown type": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Find{Type: "Nope"})
			return err
		}, events.CodeUnknownType, "/type"},
		"find after nonsense": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Find{Page: events.Page{After: "x"}})
			return err
		}, events.CodeInvalid, "/after"},
		"related to nothing": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Related{ElementRef: events.ByName("no")})
			return err
		}, events.CodeNotFound, "/qualifiedName"},
		"related at end 3": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Related{ElementRef: events.ByName("f"), End: 3})
			return err
		}, events.CodeInvalid, "/end"},
		"digests after nonsense": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Digests{Page: events.Page{After: "x"}})
			return err
		}, events.CodeInvalid, "/after"},
		"history of nothing": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.History{ElementRef: events.ByName("no")})
			return err
		}, events.CodeNotFound, ""},
		"what is not written yet": {func(ctx context.Context) error {
			_, err := events.Ask(ctx, b.metadata, &events.Get{ElementRef: events.ByName("f"), MinSequence: 1000})
			return err
		}, events.CodeUnavailable, "/minSequence"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		err := c.ask(ctx)
		cancel()
		e := &events.Error{}
		if got, ok := err.(*events.Error); ok { //nolint:errorlint // as it came
			e = got
		}
		if e.Code != c.code || e.Pointer != c.pointer {
			t.Errorf("%s: got %.200s (%+.200v), want %s at %q", name, err, e.Pointer, c.code, c.pointer)
		}
	}
}

func TestGetByGUIDAndByName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), file("f", 1))
	r := b.must(t, link("NestedFile", "d", "f", map[string]any{"n": 1}))
	for _, ref := range []events.ElementRef{events.ByName("f"), events.ByGUID(events.GUIDOf("f")), {GUID: events.GUIDOf("f"), QualifiedName: "ignored"}} {
		a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: ref, MinSequence: r.Sequence})
		if err != nil || a.Element == nil || a.Relationship != nil || a.Element.Header.QualifiedName != "f" || a.Sequence < r.Sequence {
			t.Errorf("%+v: got %+v, %v", ref, a, err)
		}
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByGUID(r.GUID)})
	if err != nil || a.Element != nil || a.Relationship == nil || a.Relationship.End1.QualifiedName != "d" || a.Relationship.End2.GUID != events.GUIDOf("f") {
		t.Errorf("got %+v, %v", a, err)
	}
	if r.GUID != events.RelationshipGUIDOf("NestedFile", events.GUIDOf("d"), events.GUIDOf("f")) {
		t.Errorf("the relationship has the guid %s", r.GUID)
	}
}

func TestRelated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hub(t, b, 25)
	last := b.must(t, folder("up"), link("FolderHierarchy", "up", "hub", nil), link("LinkedFile", "hub", "leaf 00000", nil), link("FolderHierarchy", "hub", "hub", nil))
	for name, c := range map[string]struct {
		typ  string
		end  int
		want int
	}{
		"all": {"", 0, 28}, "of a type": {"NestedFile", 0, 25}, "outward": {"", 1, 27}, "inward": {"", 2, 2},
		"inward of a type": {"FolderHierarchy", 2, 2}, "none": {"DataFlow", 0, 0},
	} {
		for _, limit := range []int{0, 7, 1} {
			q := events.Related{ElementRef: events.ByName("hub"), Relationship: c.typ, End: c.end, Page: events.Page{Limit: limit, MinSequence: last.Sequence}}
			seen := map[string]bool{}
			for pages := 0; ; pages++ {
				a, err := events.Ask(t.Context(), b.metadata, &q)
				if err != nil || pages > 50 {
					t.Fatal(err)
				}
				for _, r := range a.Related {
					far := r.Relationship.End2
					if far.QualifiedName == "hub" && r.Relationship.End1.QualifiedName != "hub" {
						far = r.Relationship.End1
					}
					if seen[r.Relationship.Header.GUID] || r.Element.Header.GUID != far.GUID {
						t.Errorf("%s: %s leads to %s", name, r.Relationship.Header.GUID, r.Element.Header.QualifiedName)
					}
					seen[r.Relationship.Header.GUID] = true
				}
				if a.Next == "" {
					break
				}
				q.After = a.Next
			}
			if len(seen) != c.want {
				t.Errorf("%s, %d a page: got %d, want %d", name, limit, len(seen), c.want)
			}
		}
	}
}

// The pages of one question, put together, are what there is: elements that are
// there all the time are in them once and in order, whatever is written between.
func TestPagesHaveNeitherGapNorRepeatWhileWritingGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var rounds atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		prefix := fmt.Sprintf("%d:", rounds.Add(1))
		name := rapid.Map(rapid.StringMatching(`[a-cA-Z/é]{1,4}`), func(s string) string { return prefix + s })
		typ := rapid.SampledFrom([]string{"DataFile", "CSVFile", "RasterFile"})
		stable := map[string]string{}
		apply := func(c events.Command) uint64 { return b.must(t, c).Sequence }
		var last uint64
		for _, n := range rapid.SliceOfNDistinct(name, 1, 25, rapid.ID).Draw(rt, "stable") {
			stable[n] = typ.Draw(rt, "type")
			last = apply(typed(stable[n], n, nil))
		}
		q := events.Find{Type: typ.Draw(rt, "asked"), NamePrefix: prefix, Page: events.Page{Limit: rapid.IntRange(1, 8).Draw(rt, "limit")}}
		var want, got []string
		for n, typ := range stable {
			if q.Type == "DataFile" || q.Type == typ {
				want = append(want, n)
			}
		}
		slices.Sort(want)
		for {
			q.MinSequence = last
			a, err := events.Ask(t.Context(), b.metadata, &q)
			if err != nil {
				rt.Fatal(err)
			}
			for _, e := range a.Elements {
				got = append(got, e.Header.QualifiedName)
			}
			if a.Next == "" {
				break
			}
			q.After = a.Next
			if other := name.Draw(rt, "written between"); stable[other] == "" {
				if rapid.Bool().Draw(rt, "delete") {
					last = apply(&events.Delete{Element: events.ByName(other)})
				} else if r := b.apply(t, typed(typ.Draw(rt, "its type"), other, map[string]any{"n": rapid.Int().Draw(rt, "n")})); r.Error == nil {
					last = r.Sequence
				}
			}
		}
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			rt.Errorf("not in order, or twice: %q", got)
		}
		got = slices.DeleteFunc(got, func(n string) bool { return stable[n] == "" })
		if !slices.Equal(got, want) {
			rt.Errorf("got %q, want %q", got, want)
		}
	})
}

// Large states make small pages, and no answer is too large to be sent.
func TestLargeElementsArePagedBySize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := strings.Repeat("x", 300<<10)
	for i := range 8 {
		b.must(t, typed("DataFile", strconv.Itoa(i), map[string]any{"text": text, "n": i}))
	}
	if got := b.names(t, events.Find{Page: events.Page{Limit: events.MaxPage}}); len(got) != 8 {
		t.Errorf("got %v", got)
	}
	b.must(t, folder("d"))
	for i := range 8 {
		b.must(t, link("NestedFile", "d", strconv.Itoa(i), map[string]any{"text": text}))
	}
	n, q := 0, events.Related{ElementRef: events.ByName("d")}
	for {
		a, err := events.Ask(t.Context(), b.metadata, &q)
		if err != nil {
			t.Fatal(err)
		}
		if n += len(a.Related); a.Next == "" {
			break
		}
		q.After = a.Next
	}
	if n != 8 {
		t.Errorf("%d are related", n)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 70 {
		b.must(t, file("f", i))
	}
	b.must(t, &events.Delete{Element: events.ByName("f")})
	last := b.apply(t, file("f", 100), events.ExtActor, "anna")
	for _, ref := range []events.ElementRef{events.ByName("f"), events.ByGUID(events.GUIDOf("f"))} {
		a, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: ref, MinSequence: last.Sequence})
		if err != nil || len(a.Changes) != 64 {
			t.Fatalf("%d changes are kept, want 64 (%v)", len(a.Changes), err)
		}
		for i, c := range a.Changes {
			if want := last.Sequence - 63 + uint64(i); c.Sequence != want || c.Element == nil || c.Time.IsZero() {
				t.Errorf("change %d: got %+v, want sequence %d", i, c, want)
			}
		}
		if end := a.Changes[61:]; end[0].Type != events.TypeElementUpdated || end[1].Type != events.TypeElementDeleted || end[2].Type != events.TypeElementCreated {
			t.Errorf("it ends with %s, %s, %s", end[0].Type, end[1].Type, end[2].Type)
		}
	}
	b.must(t, folder("d"))
	r := b.must(t, link("NestedFile", "d", "f", nil))
	a, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByGUID(r.GUID), MinSequence: r.Sequence})
	if err != nil || len(a.Changes) != 1 || a.Changes[0].Relationship == nil {
		t.Errorf("got %+v, %v", a, err)
	}
}

// The newest changes are answered when not all of them fit.
func TestALongHistoryIsCutAtItsBeginning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 20 {
		b.must(t, file("f", i))
	}
	text := strings.Repeat("x", 900<<10)
	var last events.Result
	for i := range 12 {
		last = b.must(t, typed("DataFile", "f", map[string]any{"text": text, "n": i}))
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName("f"), MinSequence: last.Sequence})
	if err != nil || len(a.Changes) == 0 {
		t.Fatalf("got %d changes, %v", len(a.Changes), err)
	}
	if newest := a.Changes[len(a.Changes)-1].Sequence; newest != last.Sequence {
		t.Errorf("the newest is %d, want %d", newest, last.Sequence)
	}
}
