package repository_test

import (
	"slices"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

// Effectivity is about the world, not about the repository.
func TestEffectiveTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	last := b.must(t, &events.Upsert{Element: events.ElementSpec{
		Type: "DataFile", QualifiedName: "f", Effectivity: &events.Effectivity{From: day(10), To: day(20)},
	}}, file("g", 1))
	for d, want := range map[int]bool{9: false, 10: true, 19: true, 20: false} {
		q := events.Get{ElementRef: events.ByName("f"), EffectiveAt: day(d), MinSequence: last.Sequence}
		_, err := events.Ask(t.Context(), b.metadata, &q)
		if (err == nil) != want || err != nil && events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("day %d: got %v", d, err)
		}
		q.AsOf = time.Now()
		if _, err = events.Ask(t.Context(), b.metadata, &q); (err == nil) != want {
			t.Errorf("day %d, as of now: got %v", d, err)
		}
		names := []string{"g"}
		if want {
			names = []string{"f", "g"}
		}
		if got := b.names(t, events.Find{EffectiveAt: day(d), Type: "DataFile"}); !slices.Equal(got, names) {
			t.Errorf("day %d: found %v", d, got)
		}
	}
}
