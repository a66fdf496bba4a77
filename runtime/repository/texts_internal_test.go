package repository

import (
	"fmt"
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
	r.state = fmt.Appendf(nil, `{"header":{"guid":%q},"properties":`, r.guid)
	from := len(r.state)
	r.state = append(append(r.state, p.Raw()...), '}')
	r.properties = r.state[from : len(r.state)-1]
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
			x.commit(fact{sequence: uint64(step + 1), record: r})
			if rapid.IntRange(0, 20).Draw(t, "search") == 0 {
				x.takeOverTexts()
			}
		}
		if rapid.IntRange(0, 10).Draw(t, "reset") == 0 {
			x.reset()
			clear(model)
		}
		x.takeOverTexts()
		for _, wanted := range []string{"apple", "pie. apple", "straße", "e", "zz\"", "name-1", "name-17", "pie. x", "nothing"} {
			var got, want []string
			x.texts.search([]byte(wanted), func(r *record) bool {
				got = append(got, r.name)
				return true
			})
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
		if len(x.texts.places) != len(model) {
			t.Fatalf("%d places for %d elements", len(x.texts.places), len(model))
		}
		for i, b := range x.texts.blocks {
			if b != nil && uint32(i)+1 != x.texts.open && 2*b.dead > len(b.records) {
				t.Fatalf("a block keeps %d of %d that are gone", b.dead, len(b.records))
			}
		}
	})
}

func TestTextsAreSearchedWhileTheyChange(t *testing.T) {
	t.Parallel()
	x := newIndex(newTypeSet(nil, nil))
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range 20_000 {
			x.commit(fact{sequence: uint64(i + 1), record: textRecord(fmt.Sprint("moving ", i%100), fmt.Sprint("text ", i))})
		}
	})
	for range 50 {
		x.takeOverTexts()
		x.texts.search([]byte("moving"), func(*record) bool { return true })
	}
	writing.Wait()
	x.takeOverTexts()
	n := 0
	x.texts.search([]byte("text 19"), func(*record) bool {
		n++
		return true
	})
	if n != 100 {
		t.Errorf("found %d, want 100", n)
	}
}
