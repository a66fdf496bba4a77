package connectortest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// What a listener fails on is handed over again, and given up as the contract
// says; the next change follows.
func TestFollowGivesUpAsTheContractSays(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	always := func(err error) func(int) error { return func(int) error { return err } }
	for name, c := range map[string]struct {
		err   func(call int) error // of the first change
		calls int
		least time.Duration
	}{
		"takes it":      {always(nil), 1, 0},
		"never takes":   {always(broken), connectors.MaxAttempts, 0},
		"refuses it":    {always(connectors.Permanent(broken)), 1, 0},
		"asks for time": {func(call int) error { return map[bool]error{true: connectors.RetryAfter(broken, time.Hour)}[call < 30] }, 30, 29 * time.Hour},
		"takes it late": {func(call int) error { return map[bool]error{true: broken}[call < connectors.MaxAttempts] }, connectors.MaxAttempts, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
				s.request(upsert("a", 1))
				s.request(upsert("b", 1))
				ctx, cancel := context.WithCancel(t.Context())
				calls, began := 0, time.Now()
				err := s.repo.Follow(ctx, connectors.Filter{From: 1}, func(_ context.Context, change connectors.Change) error {
					if change.Sequence == 2 {
						cancel()
						return nil
					}
					calls++
					return c.err(calls)
				})
				if !errors.Is(err, context.Canceled) || calls != c.calls || time.Since(began) < c.least {
					t.Errorf("ended with %v after %d calls in %s", err, calls, time.Since(began))
				}
				buried := s.repo.DeadLetters()
				why := c.err(c.calls)
				if why == nil && len(buried) != 0 || why != nil && (len(buried) != 1 || buried[0].Change.Sequence != 1 || !errors.Is(buried[0].Reason, broken)) {
					t.Errorf("buried are %+v", buried)
				}
			})
		})
	}
}

func TestFollowThatIsStoppedGivesUpNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("broken"), connectors.Permanent(errors.New("broken")), connectors.RetryAfter(errors.New("busy"), time.Hour)} {
		s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
		s.request(upsert("a", 1))
		ctx, cancel := context.WithCancel(t.Context())
		got := s.repo.Follow(ctx, connectors.Filter{From: 1}, func(context.Context, connectors.Change) error {
			cancel()
			return err
		})
		if !errors.Is(got, context.Canceled) || len(s.repo.DeadLetters()) != 0 {
			t.Errorf("got %v, buried are %+v", got, s.repo.DeadLetters())
		}
	}
}

func TestFollowFilters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter connectors.Filter
		want   []uint64
	}{
		"present, whatever led to it": {connectors.Filter{Present: true, Changes: []string{events.TypeElementDeleted}}, []uint64{1, 4, 5}},
		"a classification":            {connectors.Filter{Present: true, Classifications: []string{"Secret"}}, []uint64{4, 5}},
		"a change":                    {connectors.Filter{From: 1, Changes: []string{events.TypeElementClassified}, Classifications: []string{"Secret"}}, []uint64{3}},
	} {
		s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
		s.request(upsert("a", 1))
		s.request(upsert("b", 1))
		s.request(&events.Classify{Element: events.ByName("b"), Classification: events.Classification{Name: "Secret"}})
		s.request(upsert("b", 2))
		ctx, cancel := context.WithCancel(t.Context())
		var got []uint64
		remove := sync.OnceFunc(func() { s.request(&events.Delete{Element: events.ByName("b")}) })
		err := s.repo.Follow(ctx, c.filter, func(_ context.Context, change connectors.Change) error {
			got = append(got, change.Sequence)
			if change.Sequence == 4 {
				remove()
			}
			if len(got) == len(c.want) {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
	if err := connectortest.NewRepository().Follow(t.Context(), connectors.Filter{Types: []string{""}}, nil); err == nil {
		t.Error("a filter that selects nothing is taken")
	}
}
