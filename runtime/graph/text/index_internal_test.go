package text

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

type item struct {
	name, text string
	place      Place
}

func (i *item) AppendText(b []byte) []byte {
	return append(append(append(b, Fold(i.name)...), Separator), Fold(i.text)...)
}

func (i *item) Place() *Place { return &i.place }

func never() bool { return false }

// What is found is what a look at every text finds, whatever came, changed and
// went; and what is gone does not stay in memory.
func TestTextsAgreeWithAPlainLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, items, model := New[*item](), map[string]*item{}, map[string]string{}
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			name := fmt.Sprintf("Name-%d", rapid.IntRange(0, 30).Draw(t, "name"))
			text := strings.Repeat(rapid.SampledFrom([]string{"Apple pie. ", "x", "Straße ", "zz\"\\", ""}).Draw(t, "text"), rapid.SampledFrom([]int{1, 3, 40, 900}).Draw(t, "times"))
			now := &item{name: name, text: text}
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				now = nil
				delete(model, name)
			} else {
				model[name] = text
			}
			x.Replace(items[name], now)
			items[name] = now
			if rapid.IntRange(0, 20).Draw(t, "search") == 0 {
				x.Flush()
			}
		}
		if rapid.IntRange(0, 10).Draw(t, "reset") == 0 {
			x.Clear()
			clear(model)
		}
		x.Flush()
		for _, wanted := range []string{"apple", "pie. apple", "straße", "e", "zz\"", "name-1", "name-17", "pie. x", "nothing"} {
			var got, want []string
			hits, all := x.Search(wanted, 0, never)
			for _, r := range hits {
				got = append(got, r.name)
				if !x.Contains(r, wanted) {
					t.Fatalf("%s does not mention %q", r.name, wanted)
				}
			}
			if some, complete := x.Search(wanted, 1, never); !all || len(some) > len(hits) || complete != (len(some) == 0) {
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
		for i, b := range x.blocks {
			if b != nil {
				live += len(b.items) - b.removed
			}
			if b != nil && uint32(i)+1 != x.open && 2*b.removed > len(b.items) {
				t.Fatalf("a block keeps %d of %d removed items", b.removed, len(b.items))
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
	x, items := New[*item](), map[string]*item{}
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
				x.Search("moving", 0, never)
			}
		})
	}
	const n = 60_000
	for i := range n {
		name := fmt.Sprint("moving ", i%100)
		now := &item{name: name, text: fmt.Sprint("text ", i)}
		if i%7 == 0 || i >= n-50 {
			now = nil
		}
		x.Replace(items[name], now)
		items[name] = now
		if i == n/2 {
			x.Clear()
			clear(items)
		}
	}
	close(written)
	searching.Wait()
	hits, _ := x.Search("moving", 0, never)
	for _, i := range hits {
		if items[i.name] != i {
			t.Fatalf("an old version of %s is found", i.name)
		}
		delete(items, i.name)
	}
	for name, i := range items {
		if i != nil {
			t.Errorf("%s is not found", name)
		}
	}
}

// BenchmarkTexts searches the texts of many elements, as in camena bench queries.
func BenchmarkTexts(b *testing.B) {
	x := New[*item]()
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
		x.Replace(nil, &item{name: name, text: text.String()})
	}
	x.Flush()
	for name, wanted := range map[string]string{"one": "part-00012345", "rare": words[2000], "common": words[20] + " ", "none": "nowhere 12", "short": "zq"} {
		b.Run(name, func(b *testing.B) {
			hits := 0
			for b.Loop() {
				found, _ := x.Search(wanted, 8192, never)
				hits = len(found)
			}
			b.ReportMetric(float64(hits), "hits")
		})
	}
}
