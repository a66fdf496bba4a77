package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

func textRecord(name, text string) *record {
	r := &record{guid: uuid.MustParse(events.GUIDOf(name)), name: name, typ: &events.ElementType{Name: "T"}}
	p := events.Props(map[string]any{"description": text})
	state := fmt.Appendf(nil, `{"header":{"guid":%q},"properties":`, r.guid)
	from := len(state)
	state = append(append(state, p.Raw()...), '}')
	r.keep(state, from, len(state)-1)
	return r
}

// What is found is what a look at every text finds, whatever came, changed and
// went; and what is gone does not stay in memory.
func TestTextsAgreeWithAPlainLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, model := newIndex(newTypeSet(nil, nil)), map[string]string{}
		for step := range rapid.IntRange(1, 400).Draw(t, "steps") {
			name := fmt.Sprintf("Name-%d", rapid.IntRange(0, 30).Draw(t, "name"))
			text := strings.Repeat(rapid.SampledFrom([]string{"Apple pie. ", "x", "Straße ", "zz\"\\", ""}).Draw(t, "text"), rapid.SampledFrom([]int{1, 3, 40, 900}).Draw(t, "times"))
			r := textRecord(name, text)
			if r.deleted = rapid.IntRange(0, 4).Draw(t, "kind") == 0; r.deleted {
				delete(model, name)
			} else {
				model[name] = text
			}
			x.Commit(StateChange{sequence: uint64(step + 1), record: r})
			if rapid.IntRange(0, 20).Draw(t, "search") == 0 {
				x.takeOverTexts()
			}
		}
		if rapid.IntRange(0, 10).Draw(t, "reset") == 0 {
			x.Reset()
			clear(model)
		}
		x.takeOverTexts()
		for _, wanted := range []string{"apple", "pie. apple", "straße", "e", "zz\"", "name-1", "name-17", "pie. x", "nothing"} {
			var got, want []string
			hits, all := x.texts.search(wanted, 0, never)
			for _, r := range hits {
				got = append(got, r.name)
				if !x.texts.mentions(r, wanted) {
					t.Fatalf("%s does not mention %q", r.name, wanted)
				}
			}
			if some, complete := x.texts.search(wanted, 1, never); !all || len(some) > len(hits) || complete != (len(some) == 0) {
				t.Fatalf("%q: %d found, then %d", wanted, len(hits), len(some))
			}
			for name, text := range model {
				if strings.Contains(strings.ToLower(name), wanted) || strings.Contains(strings.ToLower(text), wanted) {
					want = append(want, name)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%q: got %v, want %v", wanted, got, want)
			}
		}
		live := 0
		for i, b := range x.texts.blocks {
			if b != nil {
				live += len(b.records) - b.dead
			}
			if b != nil && uint32(i)+1 != x.texts.open && 2*b.dead > len(b.records) {
				t.Fatalf("a block keeps %d of %d that are gone", b.dead, len(b.records))
			}
		}
		if live != len(model) {
			t.Fatalf("%d texts of %d elements", live, len(model))
		}
	})
}

// Several searches at a time take over what changes, and now and then everything
// is forgotten: what is found in the end is what is there.
func TestTextsAreSearchedWhileTheyChange(t *testing.T) {
	t.Parallel()
	x := newIndex(newTypeSet(nil, nil))
	var searching sync.WaitGroup
	written := make(chan struct{})
	for range 4 {
		searching.Go(func() {
			for done := false; !done; {
				select {
				case <-written:
					done = true
				default:
				}
				x.takeOverTexts()
				x.texts.search("moving", 0, never)
			}
		})
	}
	const n = 60_000
	for i := range n {
		r := textRecord(fmt.Sprint("moving ", i%100), fmt.Sprint("text ", i))
		r.deleted = i%7 == 0 || i >= n-50
		x.Commit(StateChange{sequence: uint64(i + 1), record: r})
		if i == n/2 {
			x.Reset()
			x.sequence = uint64(i + 1)
		}
	}
	close(written)
	searching.Wait()
	hits, _ := x.texts.search("moving", 0, never)
	for _, r := range hits {
		if x.get(r.guid) != r {
			t.Fatalf("%s is found as it was", r.name)
		}
	}
	if len(hits) != len(x.byGUID) {
		t.Errorf("found %d, want %d", len(hits), len(x.byGUID))
	}
}

// What is found has to be there still when the texts have been searched.
func TestWhatChangedSinceItWasFoundIsFoundAsItIs(t *testing.T) {
	t.Parallel()
	x := newIndex(newTypeSet(nil, nil))
	var was []*record
	for i, name := range []string{"same", "changed", "other", "gone"} {
		was = append(was, textRecord(name, "needle"))
		x.Commit(StateChange{sequence: uint64(i + 1), record: was[i]})
	}
	x.takeOverTexts()
	changed, other, gone := textRecord("changed", "needle too"), textRecord("other", "thread"), textRecord("gone", "")
	gone.deleted = true
	x.Commit(StateChange{sequence: 5, record: changed}, StateChange{sequence: 6, record: other}, StateChange{sequence: 7, record: gone})
	if got := x.current(slices.Clone(was), "needle"); !slices.Equal(got, []*record{was[0], changed}) {
		t.Errorf("got %v", got)
	}
}

// A count takes over what is new, as finding does.
func TestCountKnowsNewTexts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(t, topicNamed("needle"))
	if a, err := d.index.Count(t.Context(), &events.Find{Text: "needle"}); err != nil || a.Elements["Topic"] != 1 {
		t.Errorf("got %+v, %v", a, err)
	}
}

func never() bool { return false }

// BenchmarkTexts searches the texts of many elements, as in camena bench queries.
func BenchmarkTexts(b *testing.B) {
	x := newIndex(newTypeSet(nil, nil))
	const n = 200_000
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 3000)
	for i := range words {
		words[i] = fmt.Sprintf("w%xo%x", i*7919%4093, i)
	}
	for i := range n {
		var text strings.Builder
		for text.Len() < 160 {
			text.WriteString(words[min(int(random.ExpFloat64()*300), len(words)-1)] + " ")
		}
		name := fmt.Sprintf("DataFile::bench::/srv/data/warehouse/%s/part-%08d.csv", words[i/100%len(words)], i)
		x.Commit(StateChange{sequence: uint64(i + 1), record: textRecord(name, text.String())})
	}
	x.takeOverTexts()
	for name, wanted := range map[string]string{"one": "part-00012345", "rare": words[2000], "common": words[20] + " ", "none": "nowhere 12", "short": "zq"} {
		b.Run(name, func(b *testing.B) {
			hits := 0
			for b.Loop() {
				found, _ := x.texts.search(wanted, commonText, never)
				hits = len(found)
			}
			b.ReportMetric(float64(hits), "hits")
		})
	}
}
